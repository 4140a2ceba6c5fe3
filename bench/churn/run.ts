import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { WorkloadProcess } from '../macro/child.js'
import { installPeers, ownEngine, versionOf } from '../macro/engines.js'
import { prepareInOwnProcess } from '../macro/prepare.js'
import type { DatasetPart, Options } from '../options.js'
import { places } from '../places.js'
import { Progress, stage } from '../progress.js'
import type { ChurnCosts, ChurnRow } from './figures.js'
import { policyTitles, type PolicyName } from './policies.js'
import { k, share } from './runbook-files.js'
import type { ChurnWorkload, Replies, Request } from './workload.js'

const prepareScript = new URL('./prepare-process.js', import.meta.url)
const workloadScript = new URL('./workload.js', import.meta.url)

/** Runs each policy on each data set with each engine; `onRows` gets what was found as soon as it is there. */
export async function runChurn(options: Options, onRows: (rows: ChurnRow[], costs: ChurnCosts[]) => Promise<void>): Promise<void> {
  const { engines, policies, rounds, queries, limit } = options
  if (engines.some((engine) => engine !== ownEngine)) await installPeers()
  for (const part of options.churnDatasets) {
    const { dataset, count } = part
    const tenth = Math.round(count * share).toLocaleString('en-US')
    console.log(`\n${dataset.title}: ${count.toLocaleString('en-US')} vectors, of which ${rounds} rounds change ${tenth} each`)
    if (!(await prepareInOwnProcess(prepareScript, dataset.name, policies.join(','), count, rounds, queries))) {
      process.exitCode = 1
      continue
    }
    for (const policy of policies) {
      console.log(`\n${policy}: ${policyTitles[policy]}`)
      const rows: ChurnRow[] = []
      for (const engine of engines) rows.push(await runEngine(workloadOf(engine, part, policy, options), part, limit))
      await onRows(rows, [])
    }
    if (engines.includes(ownEngine)) await onRows([], await runCosts(workloadOf(ownEngine, part, policies[0], options)))
  }
}

function workloadOf(engine: string, { dataset, count }: DatasetPart, policy: PolicyName, { rounds, queries }: Options): ChurnWorkload {
  return {
    engine,
    // The peers are compared as they come: with full vectors.
    codec: engine === ownEngine ? 'sq8' : 'f32',
    M: 16,
    efConstruction: 200,
    ef: 64,
    runbook: { dataset: dataset.name, policy, count, rounds, queries },
    directory: join(places.cache, 'bench', `churn-${dataset.name}-${engine}`)
  }
}

/** The row of one engine; one that fails, or is not done in `limit` minutes, has the rounds up to there, and says why it ended. */
async function runEngine(workload: ChurnWorkload, { dataset, count }: DatasetPart, limit: number): Promise<ChurnRow> {
  const { engine, codec, M, efConstruction, ef, runbook, directory } = workload
  const { name, dim, metric } = dataset
  const version = await versionOf(engine)
  const row: ChurnRow = { dataset: name, policy: runbook.policy, count, dim, metric, engine, version, codec, M, efConstruction, ef, k, share, queries: runbook.queries, rounds: [] }
  const child = new WorkloadProcess<Request, Replies>(workloadScript)
  let progress: Progress | undefined
  let isLate = false
  const timer = setTimeout(() => {
    isLate = true
    void child.end()
  }, limit * 60_000)
  try {
    const { note, ...loaded } = await stage(`  ${engine} loads`, () => child.ask({ type: 'load', workload }))
    row.note = note
    row.rounds.push(loaded)
    const changes = Math.round(count * share)
    progress = new Progress(`  ${engine}`, runbook.rounds * changes, 'changes')
    for (let round = 1; round <= runbook.rounds; round++) {
      row.rounds.push(await child.ask({ type: 'round', round }))
      progress.update(round * changes)
    }
    progress.stop()
    progress = undefined
    row.end = await stage(`  ${engine} builds the same anew`, () => child.ask({ type: 'end' }))
  } catch (error) {
    row.error = isLate ? `it was stopped after ${limit} min` : (error as Error).message.replaceAll(places.root, '')
    if (!isLate) process.exitCode = 1
  } finally {
    clearTimeout(timer)
    progress?.stop()
    await child.end()
    await rm(directory, { recursive: true, force: true })
  }
  return row
}

async function runCosts(workload: ChurnWorkload): Promise<ChurnCosts[]> {
  const child = new WorkloadProcess<Request, Replies>(workloadScript)
  try {
    return [await child.ask({ type: 'costs', workload })]
  } catch (error) {
    process.exitCode = 1
    console.error(`  costs of single operations: ${(error as Error).message}`)
    return []
  } finally {
    await child.end()
    await rm(workload.directory, { recursive: true, force: true })
  }
}
