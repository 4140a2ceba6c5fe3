import { setImmediate as nextTurn } from 'node:timers/promises'
import { VectorLevelError } from '../floor/errors.js'
import { Random } from '../floor/random.js'
import { isFindable } from '../index/graph.js'
import type { OpenCollection } from './engine.js'
import { checkNames, integer } from './options.js'

export interface RecallOptions {
  /** Vectors of the collection that are searched for: default 100. */
  sample?: number
  k?: number
  ef?: number
  seed?: number
  signal?: AbortSignal
}

export interface RecallReport {
  /** The share of the k nearest that search found, 0 to 1. */
  recall: number
  queries: number
  k: number
  ef: number
}

const NAMES = ['sample', 'k', 'ef', 'seed', 'signal']

/**
 * Searches for vectors of the collection, and compares with exact search; each vector's own record is left out.
 *
 * Cost: a look at every vector for each query, with a pause after each for others.
 */
export async function measureRecall(collection: OpenCollection | undefined, options: RecallOptions): Promise<RecallReport> {
  checkNames(options, NAMES)
  const sample = integer('sample', options.sample ?? 100, 0, 2 ** 31)
  const k = integer('k', options.k ?? 10, 1, 2 ** 20)
  const ef = integer('ef', options.ef ?? 64, 1, 2 ** 20)
  const random = new Random(integer('seed', options.seed ?? 1, 0, 2 ** 32 - 1))
  const { signal } = options
  if (!collection || collection.graph.live === 0) return { recall: 1, queries: 0, k, ef }
  const { graph } = collection
  let hits = 0
  let wanted = 0
  let queries = 0
  for (; queries < sample && graph.live > 0; queries++) {
    if (signal?.aborted) throw new VectorLevelError('VECTOR_ABORTED', `measuring recall was aborted after ${queries} of ${sample} queries`, signal.reason)
    let ordinal = random.below(graph.ordinals)
    while (!isFindable(graph.stateOf(ordinal))) ordinal = (ordinal + 1) % graph.ordinals
    const vector = graph.records.vector(ordinal)
    const exact = new Set(graph.exact(vector, k + 1).found.filter(found => found.ordinal !== ordinal).slice(0, k).map(found => found.ordinal))
    const found = graph.search(vector, k + 1, ef).found.filter(found => found.ordinal !== ordinal).slice(0, k)
    hits += found.filter(one => exact.has(one.ordinal)).length
    wanted += exact.size
    await nextTurn()
  }
  return { recall: wanted ? hits / wanted : 1, queries, k, ef }
}
