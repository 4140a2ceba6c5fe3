import { runChurn } from './churn/run.js'
import { runCodes } from './codes/run.js'
import { runDurability } from './durability/run.js'
import { runMacro } from './macro/run.js'
import { runMicro } from './micro/run.js'
import { runMemory } from './memory/run.js'
import { noMemoryResults, type MemoryResults } from './memory/figures.js'
import { help, parseOptions, type DatasetPart, type Options } from './options.js'
import { runReplay } from './replay/run.js'
import { churnCostsTable, churnText } from './report/churn-table.js'
import { codesTable } from './report/codes-table.js'
import { memoryTables } from './report/memory-table.js'
import { threadsTables } from './report/threads-table.js'
import { report, tablesOf } from './report.js'
import { emptyResults, storeResults } from './results.js'
import { parts } from './threads/parts.js'
import { runThreads } from './threads/run.js'

async function bench(options: Options): Promise<void> {
  if (options.micro || options.macro || options.churn || options.threads || options.codes || options.memory) await measure(options)
  if (options.replay) await runReplay()
  if (options.durability) await runDurability()
  if (options.report) await report()
}

async function measure(options: Options): Promise<void> {
  const namesOf = (parts: DatasetPart[]): string[] => parts.map(({ dataset, count }) => `${dataset.name}:${count}`)
  const [datasets, churnDatasets, threadsDatasets, codesDatasets, memoryDatasets] = [
    options.datasets, options.churnDatasets, options.threadsDatasets, options.codesDatasets, options.memoryDatasets
  ].map(namesOf)
  const results = await emptyResults({ ...options, datasets, churnDatasets, threadsDatasets, codesDatasets, memoryDatasets })
  console.log(`${results.cpu}, Node ${results.node}, ${results.commit}`)
  if (options.micro) results.micro = await runMicro()
  if (options.macro) {
    await runMacro(options, async (rows) => {
      results.macro.push(...rows)
      console.log(`\n${tablesOf(rows)}`)
      // Stored after each data set, so that an hour of benches outlives what stops the last of them.
      await storeResults(results)
    })
  }
  if (options.churn) {
    await runChurn(options, async (rows, costs) => {
      results.churn.push(...rows)
      results.churnCosts.push(...costs)
      if (rows.length > 0) console.log(`\n${churnText(rows)}`)
      if (costs.length > 0) console.log(`\n${churnCostsTable(costs)}`)
      await storeResults(results)
    })
  }
  if (options.threads) {
    await runThreads(options, async (rows) => {
      for (const part of parts) (results.threads[part] as unknown[]).push(...rows[part])
      console.log(`\n${threadsTables(rows).join('\n\n')}\n`)
      if (!options.quick) await storeResults(results)
    })
  }
  if (options.codes) {
    await runCodes(options, async (rows) => {
      results.codes.push(...rows)
      console.log(`\n${codesTable(rows)}\n`)
      await storeResults(results)
    })
  }
  if (options.memory) {
    await runMemory(options, async (rows) => {
      for (const part of Object.keys(noMemoryResults()) as (keyof MemoryResults)[]) (results.memory[part] as unknown[]).push(...rows[part])
      console.log(`\n${memoryTables(rows).join('\n\n')}\n`)
      await storeResults(results)
    })
  }
  const { micro, macro, churn, threads, codes, memory } = results
  const isEmpty = [micro, macro, churn, codes, ...Object.values(threads), ...Object.values(memory)].every((rows) => rows.length === 0)
  if (!isEmpty && !options.quick) console.log(`\nStored in ${await storeResults(results)}`)
}

function optionsOrExit(args: string[]): Options | undefined {
  try {
    return parseOptions(args)
  } catch (error) {
    console.error(`${(error as Error).message}\nnpm run bench -- --help explains the options.`)
    process.exit(2)
  }
}

const options = optionsOrExit(process.argv.slice(2))
if (options === undefined) console.log(help)
else await bench(options)
