import { monitorEventLoopDelay } from 'node:perf_hooks'
import type { Delay } from './figures.js'

/** How late the event loop is while `task` runs: times between two turns of a timer of 1 ms, which is part of each figure. */
export async function delaysDuring(task: () => Promise<void>): Promise<Delay> {
  const monitor = monitorEventLoopDelay({ resolution: 1 })
  monitor.enable()
  await task()
  monitor.disable()
  const ms = (percentile: number): number => monitor.percentile(percentile) / 1e6
  return { p50: ms(50), p99: ms(99), p999: ms(99.9), max: monitor.max / 1e6 }
}
