import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { Bench } from 'tinybench'
import { microCases, type MicroCase } from '../micro.js'
import { places } from '../places.js'
import type { MicroRow } from '../results.js'

const timeMs = 500

/** Times the cases one after the other, each alone with what it has opened. */
for (const each of microCases) process.send!(await measure(each))
process.disconnect()

async function measure(microCase: MicroCase): Promise<MicroRow> {
  // Not in the system's temporary folder, which may be in memory, where syncing costs nothing.
  await mkdir(places.cache, { recursive: true })
  const folder = await mkdtemp(join(places.cache, 'micro-'))
  const { run, close } = await microCase.open(folder)
  try {
    // NOTE: without `throws` tinybench would take a failing case for a fast one.
    const bench = new Bench({ time: timeMs, throws: true })
    const [task] = (await bench.add(microCase.name, run).run()) as typeof bench.tasks
    const { result } = task
    if (!('latency' in result)) throw new Error(`${microCase.name} has no result: ${result.state}`)
    const { latency } = result
    return {
      name: microCase.name,
      opsPerSecond: 1000 / latency.mean,
      p50Us: latency.p50 * 1000,
      p99Us: latency.p99 * 1000,
      samples: latency.samplesCount
    }
  } finally {
    await close?.()
    await rm(folder, { recursive: true, force: true })
  }
}
