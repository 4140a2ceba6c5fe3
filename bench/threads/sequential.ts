import type { Matrix } from '../data/fbin-file.js'
import { rowOf } from '../data/fbin-file.js'
import { Stopwatch } from '../macro/stopwatch.js'
import { MemoryIndex, trained } from '../../test/index/memory-index.js'
import { recallsOf, type BuildTask } from './build.js'
import type { BuildFigures } from './figures.js'

/** Vectors that the codes are made for, as in a store. */
const trainingCount = 2_000
const cacheBytes = 2 * 1024 ** 3

/** Links each vector before the next is stored, in memory, on the calling thread: how good a graph is that knows no batches. */
export async function measureSequential(task: BuildTask, base: Matrix, queries: Matrix, truth: Matrix<Int32Array>): Promise<BuildFigures> {
  const { dim: dimensions, metric, codec, M, efConstruction, k } = task
  const options = { dimensions, metric, codec, M, efConstruction }
  const index = new MemoryIndex({ ...options, cacheBytes })
  const vectors = Array.from({ length: base.count }, (_, row) => rowOf(base, row))
  index.useCodebook(trained(options, vectors.slice(0, trainingCount)))
  const building = new Stopwatch()
  await building.time(() => {
    for (const vector of vectors) {
      index.add(vector)
      index.link()
    }
  })
  const recalls = recallsOf(task, queries, truth, (query, ef) => index.graph.search(query, k, ef).found.map(({ ordinal }) => ordinal))
  const { seconds, cpuSeconds } = building
  return { durability: 'in memory', seconds, checkpointSeconds: seconds, cpuSeconds, recalls }
}
