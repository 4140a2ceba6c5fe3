import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setImmediate } from 'node:timers/promises'
import { FbinFile, rowOf } from '../data/fbin-file.js'
import { directorySize } from '../directory-size.js'
import type { Block, Engine, IndexTask } from './engine.js'
import { Stopwatch } from './stopwatch.js'

export interface BuildFigures {
  /** From the first add until all rows are searchable (and, for a durable store, on disk). */
  seconds: number
  cpuSeconds: number
  /** What a user spends besides to turn Float32Arrays into what the library takes. */
  prepareSeconds: number
  closeSeconds: number
  bytesOnDisk: number
  peakRssBytes: number
  eventLoopMaxMs: number
}

const blockCount = 1_000
const loopResolutionMs = 5

/**
 * Builds an index of the file's first rows.
 *
 * Rows are read a block at a time, outside the clock, so that the data is not part of the peak memory.
 */
export async function measureBuild(engine: Engine, task: IndexTask, file: string): Promise<BuildFigures> {
  const base = await FbinFile.open(file)
  const [building, preparing, closing] = [new Stopwatch(), new Stopwatch(), new Stopwatch()]
  const loop = monitorEventLoopDelay({ resolution: loopResolutionMs })

  const builder = await engine.build(task)
  loop.enable()
  for await (const block of base.blocks(blockCount, task.count)) {
    const vectors = engine.prepare ? await preparing.time(() => rows(block).map(engine.prepare!)) : rows(block)
    await building.time(() => builder.add(block, vectors))
    // A library that never waits would hide from the monitor how long it blocks.
    await setImmediate()
  }
  await building.time(() => builder.finish())
  await setImmediate()
  loop.disable()
  await closing.time(() => builder.close())
  await base.close()

  return {
    seconds: building.seconds,
    cpuSeconds: building.cpuSeconds,
    prepareSeconds: preparing.seconds,
    closeSeconds: closing.seconds,
    bytesOnDisk: await directorySize(task.directory),
    peakRssBytes: process.resourceUsage().maxRSS * 1024,
    eventLoopMaxMs: Math.max(0, loop.max / 1e6 - loopResolutionMs)
  }
}

function rows(block: Block): Float32Array[] {
  return Array.from({ length: block.count }, (_, i) => rowOf(block, i))
}
