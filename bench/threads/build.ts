import { setImmediate as nextTurn } from 'node:timers/promises'
import { openItems } from '../churn/vector-level.js'
import { rowOf, type Matrix } from '../data/fbin-file.js'
import { linked } from '../linked.js'
import { loadEngine } from '../macro/engines.js'
import type { Engine } from '../macro/engine.js'
import { Stopwatch } from '../macro/stopwatch.js'
import { recallOf } from '../macro/sweep.js'
import type { BuildFigures, RecallAt } from './figures.js'
import type { StoreTask } from './subjects.js'

export interface BuildTask extends StoreTask {
  k: number
  efs: readonly number[]
}

/** Vectors of a batch. */
const batchCount = 1_000

/** Loads the base into a new store, and leaves that behind. */
export async function measureBuild(task: BuildTask, base: Matrix, queries: Matrix, truth: Matrix<Int32Array>): Promise<BuildFigures> {
  const { durability = 'strict', workers, k } = task
  const { db, items } = await openItems(task, { workers, durability })
  const [linking, checkpointing] = [new Stopwatch(), new Stopwatch()]
  await linking.time(async () => {
    for (const keys of blocks(base.count)) await items.batch(keys.map((key) => ({ type: 'put', key: String(key), vector: rowOf(base, key) })))
    await linked(items)
  })
  await checkpointing.time(() => db.checkpoint())
  const recalls = recallsOf(task, queries, truth, (query, ef) => items.searchSync(query, { k, ef }).map(({ key }) => Number(key)))
  await db.close()
  return { durability, seconds: linking.seconds, checkpointSeconds: linking.seconds + checkpointing.seconds, cpuSeconds: linking.cpuSeconds, recalls }
}

/** The same by a peer, in memory; its vectors are in the shape that it takes when the clock starts. */
export async function measurePeerBuild(
  name: string, task: BuildTask, base: Matrix, queries: Matrix, truth: Matrix<Int32Array>
): Promise<BuildFigures> {
  const engine: Engine = await loadEngine(name)
  const prepared = (vector: Float32Array): unknown => (engine.prepare ? engine.prepare(vector) : vector)
  const builder = await engine.build(task)
  const building = new Stopwatch()
  for (const keys of blocks(base.count)) {
    const values = base.values.subarray(keys[0] * base.dim, (keys[0] + keys.length) * base.dim)
    const vectors = keys.map((key) => prepared(rowOf(base, key)))
    await building.time(() => builder.add({ first: keys[0], count: keys.length, dim: base.dim, values }, vectors))
    await nextTurn()
  }
  await building.time(() => builder.finish())
  const { seconds, cpuSeconds } = building
  await builder.close()
  const searcher = await engine.open(task)
  const recalls: RecallAt[] = []
  for (const ef of task.efs) {
    await searcher.setEf(ef)
    recalls.push(...recallsOf({ ...task, efs: [ef] }, queries, truth, (query) => searcher.ordinalsOf(searcher.search(prepared(query), task.k))))
  }
  await searcher.close()
  return { durability: 'in memory', seconds, checkpointSeconds: seconds, cpuSeconds, recalls }
}

export function recallsOf(
  { efs, k }: Pick<BuildTask, 'efs' | 'k'>, queries: Matrix, truth: Matrix<Int32Array>, search: (query: Float32Array, ef: number) => number[]
): RecallAt[] {
  const vectors = Array.from({ length: queries.count }, (_, i) => rowOf(queries, i))
  return efs.map((ef) => ({ ef, recall: recallOf(vectors.map((vector) => search(vector, ef)), truth, k) }))
}

/** The keys of each batch. */
function blocks(count: number): number[][] {
  return Array.from({ length: Math.ceil(count / batchCount) }, (_, block) =>
    Array.from({ length: Math.min(batchCount, count - block * batchCount) }, (_, i) => block * batchCount + i))
}
