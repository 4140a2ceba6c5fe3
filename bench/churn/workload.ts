import { mkdir, rm } from 'node:fs/promises'
import { readMatrix, rowOf, type Matrix } from '../data/fbin-file.js'
import { datasetOf } from '../datasets.js'
import { directorySize } from '../directory-size.js'
import { answer } from '../macro/child.js'
import type { Codec } from '../macro/engine.js'
import { loadMutableEngine } from '../macro/engines.js'
import { Stopwatch } from '../macro/stopwatch.js'
import { sweep } from '../macro/sweep.js'
import { measureCosts } from './costs.js'
import type { MutableEngine, MutableIndex, MutableTask } from './engine.js'
import type { ChurnCosts, ChurnEnd, ChurnRound, Found } from './figures.js'
import { k, readRunbook, truthAt, type PreparedRunbook, type RunbookName } from './runbook-files.js'
import { liveAtEnd, putsOf } from './runbook.js'

export interface ChurnWorkload {
  engine: string
  codec: Codec
  M: number
  efConstruction: number
  ef: number
  runbook: RunbookName
  directory: string
}

export type Request =
  | { type: 'load'; workload: ChurnWorkload }
  | { type: 'round'; round: number }
  | { type: 'end' }
  | { type: 'costs'; workload: ChurnWorkload }

export interface Replies {
  load: ChurnRound & { note: string }
  round: ChurnRound
  end: ChurnEnd
  costs: ChurnCosts
}

const repetitions = 3
/** Operations of one call. */
const blockCount = 1_000

interface Running {
  engine: MutableEngine
  index: MutableIndex
  task: MutableTask
  base: Matrix
  queries: Matrix
  runbook: PreparedRunbook
}

let running: Running

async function handle(request: Request): Promise<Replies[Request['type']]> {
  switch (request.type) {
    case 'load':
      return load(request.workload)
    case 'round':
      return round(request.round)
    case 'end':
      return end()
    case 'costs':
      return measureCosts(await taskOf(request.workload), await baseOf(request.workload), request.workload.runbook.dataset)
  }
}

async function load(workload: ChurnWorkload): Promise<Replies['load']> {
  const engine = await loadMutableEngine(workload.engine)
  const task = await taskOf(workload)
  const queries = await readMatrix(datasetOf(workload.runbook.dataset).files.query, floats, workload.runbook.queries)
  const runbook = await readRunbook(workload.runbook)
  const base = await baseOf(workload)
  running = { engine, index: await engine.create(task), task, base, queries, runbook }
  const insertUs = await put('insert', Array.from(runbook.start.keys()), Array.from(runbook.start))
  return { note: engine.note, insertUs, ...(await find(0)) }
}

async function round(number: number): Promise<ChurnRound> {
  const { runbook, index } = running
  const plan = runbook.rounds[number - 1]
  const { keys, rows } = putsOf(plan)
  const deletes = Array.from(plan.deletes)
  if (deletes.length === 0) return { updateUs: await put('update', keys, rows), ...(await find(number)) }
  const deleteUs = await timed(deletes, (block) => index.delete(block))
  return { deleteUs, insertUs: await put('insert', keys, rows), ...(await find(number)) }
}

/** Compacts, then builds the same vectors anew. */
async function end(): Promise<ChurnEnd> {
  const { runbook, index, engine, task } = running
  const last = runbook.rounds.length
  await index.compact?.()
  const compacted = index.compact && (await find(last))
  await index.close()
  await emptyFolder(task.directory)
  running.index = await engine.create(task)
  const live = liveAtEnd(runbook)
  const keys = [...live.keys].sort((a, b) => a - b)
  await put('insert', keys, keys.map((key) => live.rowOf(key)!))
  const fresh = await find(last)
  await running.index.close()
  return { fresh, ...(compacted && { compacted }) }
}

/** Microseconds of one put, with what the library wants to have done to each vector first. */
function put(how: 'insert' | 'update', keys: number[], rows: number[]): Promise<number> {
  const { base, engine, index } = running
  const vectors = new Map(keys.map((key, i) => [key, rowOf(base, rows[i])]))
  return timed(keys, (block) => {
    const given = block.map((key) => vectors.get(key)!)
    return index[how](block, engine.prepare ? given.map(engine.prepare) : given)
  })
}

async function timed(keys: number[], act: (block: number[]) => Promise<void> | void): Promise<number> {
  const watch = new Stopwatch()
  for (let first = 0; first < keys.length; first += blockCount) await watch.time(() => act(keys.slice(first, first + blockCount)))
  await watch.time(() => running.index.settle())
  return (watch.seconds * 1e6) / keys.length
}

async function find(moment: number): Promise<Found> {
  const { engine, index, queries, runbook, task } = running
  const [{ recall, short, timing }] = await sweep(engine, index, queries, truthAt(runbook, moment), { efs: [task.ef], k, repetitions })
  await index.save?.()
  const state = await index.state?.()
  return { recall, short, qps: timing.qps, bytesOnDisk: await directorySize(task.directory), ...(state && { state }) }
}

async function taskOf({ runbook, directory, codec, M, efConstruction, ef }: ChurnWorkload): Promise<MutableTask> {
  const { dim, metric } = datasetOf(runbook.dataset)
  await emptyFolder(directory)
  return { directory, dim, metric, count: runbook.count, codec, M, efConstruction, ef }
}

function baseOf({ runbook }: ChurnWorkload): Promise<Matrix> {
  return readMatrix(datasetOf(runbook.dataset).files.base, floats)
}

async function emptyFolder(directory: string): Promise<void> {
  await rm(directory, { recursive: true, force: true })
  await mkdir(directory, { recursive: true })
}

function floats(components: number): Float32Array {
  return new Float32Array(components)
}

answer(handle)
