import { rowOf, type Matrix } from '../data/fbin-file.js'
import { Stopwatch } from '../macro/stopwatch.js'
import { trained } from '../../test/index/memory-index.js'
import { ThreadedIndex } from '../../test/index/threaded-index.js'
import type { LinkFigures } from './figures.js'
import type { StoreTask } from './subjects.js'

/** Vectors that the codes are made for, as in a store. */
const trainingCount = 2_000
const cacheBytes = 2 * 1024 ** 3
/** Nodes that one run links, as in a store. */
const most = 1_024

/** Links vectors that are stored already, in memory, by worker threads alone: what the threads are worth without all else that a store does. */
export async function measureLink(task: StoreTask, base: Matrix): Promise<LinkFigures> {
  const { dim: dimensions, metric, codec, M, efConstruction, workers } = task
  const options = { dimensions, metric, codec, M, efConstruction }
  const index = new ThreadedIndex({ ...options, workers, cacheBytes })
  const vectors = Array.from({ length: base.count }, (_, row) => rowOf(base, row))
  index.useCodebook(trained(options, vectors.slice(0, trainingCount)))
  // The first take no part in it: by then the threads have begun, and their code is compiled.
  const begun = Math.min(trainingCount, base.count >> 1)
  for (const vector of vectors.slice(0, begun)) index.add(vector)
  await index.linkTogether('batches', most)
  for (const vector of vectors.slice(begun)) index.add(vector)
  const linking = new Stopwatch()
  await linking.time(() => index.linkTogether('batches', most))
  const figures = { linked: base.count - begun, seconds: linking.seconds, cpuSeconds: linking.cpuSeconds, graph: index.hash() }
  await index.close()
  return figures
}
