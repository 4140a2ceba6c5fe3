import { join } from 'node:path'
import type { Dataset } from '../data/dataset.js'
import type { Options } from '../options.js'
import { places } from '../places.js'
import type { MacroRow } from '../results.js'
import { installPeers, ownEngine, versionOf } from './engines.js'
import { Measuring } from './measuring.js'
import { prepareInOwnProcess } from './prepare.js'
import { rowsOf } from './rows.js'
import type { Workload } from './workload.js'

const prepareScript = new URL('./prepare-process.js', import.meta.url)
const k = 10
const repetitions = 3

/** Runs all engines on all data sets; `onRows` gets each data set's rows as soon as they are there. */
export async function runMacro(options: Options, onRows: (rows: MacroRow[]) => Promise<void>): Promise<void> {
  if (options.engines.some((engine) => engine !== ownEngine)) await installPeers()
  for (const { dataset, count } of options.datasets) {
    console.log(`\n${dataset.title}: ${count.toLocaleString('en-US')} vectors`)
    const prepared = await prepareInOwnProcess(prepareScript, dataset.name, count)
    const rows = prepared ? await runDataset(options, dataset, count) : []
    if (rows.length > 0) await onRows(rows)
    else process.exitCode = 1
  }
}

async function runDataset(options: Options, dataset: Dataset, count: number): Promise<MacroRow[]> {
  const measured = workloadsOf(options, dataset, count).map((workload) => new Measuring(workload))
  try {
    // Only one child works at any time; the others wait for a message.
    for (let build = 0; build < options.builds; build++) await inTurn(measured, (each) => each.build())
    await inTurn(measured, (each) => each.open())
    const task = { efs: options.efs, k, repetitions }
    if (options.interleave) {
      for (let run = 0; run < options.runs; run++) await inTurn(measured, (each) => each.sweep(task))
    } else {
      await inTurn(measured, async (each) => {
        for (let run = 0; run < options.runs; run++) await each.sweep(task)
      })
    }
    await inTurn(measured, (each) => each.close())
    const rows: MacroRow[] = []
    for (const each of measured.filter((one) => !one.failed)) {
      rows.push(...rowsOf(each, dataset, k, await versionOf(each.workload.engine)))
    }
    return rows
  } finally {
    for (const each of measured) await each.dispose()
  }
}

function workloadsOf(options: Options, dataset: Dataset, count: number): Workload[] {
  return options.engines.flatMap((engine) =>
    // The peers are compared as they come: with full vectors.
    (engine === ownEngine ? options.codecs : (['f32'] as const)).map((codec) => ({
      engine,
      codec,
      dataset: dataset.name,
      count,
      M: 16,
      efConstruction: 200,
      directory: join(places.cache, 'bench', `${dataset.name}-${engine}-${codec}`)
    }))
  )
}

/** Does one step of each workload that has not failed; one that fails is reported and left out from then on. */
async function inTurn(all: readonly Measuring[], step: (each: Measuring) => Promise<void>): Promise<void> {
  for (const each of all) {
    if (each.failed) continue
    try {
      await step(each)
    } catch (error) {
      each.failed = true
      process.exitCode = 1
      console.error(`  ${each.name}: ${(error as Error).message}`)
    }
  }
}
