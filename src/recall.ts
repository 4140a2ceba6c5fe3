import { Random } from '../floor/random.js'
import { isFindable } from '../index/graph.js'
import type { Rerank } from '../index/searcher.js'
import { checkDeadline, type Deadline, DEADLINE_OPTIONS, type DeadlineOptions } from './deadline.js'
import type { Engine, OpenCollection } from './engine.js'
import { find } from './find.js'
import { checkNames, checkRerankOptions, integer, RERANK_OPTIONS, type RerankOptions } from './options.js'

export interface RecallOptions extends DeadlineOptions, RerankOptions {
  /** Vectors of the collection that are searched for: default 100. */
  sample?: number
  k?: number
  ef?: number
  seed?: number
}

export interface RecallReport {
  /** The share of the k nearest that search found, 0 to 1. */
  recall: number
  queries: number
  k: number
  ef: number
}

export interface RecallSettings {
  sample: number
  k: number
  ef: number
  seed: number
  rerank: Rerank
  deadline: Deadline
}

const NAMES = ['sample', 'k', 'ef', 'seed', ...RERANK_OPTIONS, ...DEADLINE_OPTIONS]

export function checkRecallOptions(options: RecallOptions): RecallSettings {
  checkNames(options, NAMES)
  return {
    sample: integer('sample', options.sample ?? 100, 0, 2 ** 31),
    k: integer('k', options.k ?? 10, 1, 2 ** 20),
    ef: integer('ef', options.ef ?? 64, 1, 2 ** 20),
    seed: integer('seed', options.seed ?? 1, 0, 2 ** 32 - 1),
    rerank: checkRerankOptions(options),
    deadline: checkDeadline('measuring recall', options)
  }
}

/**
 * Searches for vectors of the collection, and compares with exact search; each vector's own record is left out. An estimate while others write.
 *
 * Cost: a thread's look at every vector for each query.
 */
export async function measureRecall(
  engine: Engine, collection: OpenCollection | undefined, { sample, k, ef, seed, rerank, deadline }: RecallSettings
): Promise<RecallReport> {
  if (!collection || collection.graph.live === 0) return { recall: 1, queries: 0, k, ef }
  const { graph } = collection
  const random = new Random(seed)
  let hits = 0
  let wanted = 0
  let queries = 0
  while (queries < sample && graph.live > 0) {
    engine.underWay.check()
    const progress = `after ${queries} of ${sample} queries`
    deadline.check(progress)
    const { revision } = graph
    let ordinal = random.below(graph.ordinals)
    while (!isFindable(graph.stateOf(ordinal))) ordinal = (ordinal + 1) % graph.ordinals
    const vector = graph.records.vector(ordinal)
    const others = async (exact: boolean): Promise<number[]> => {
      const { found } = await find(engine, graph, { vector, k: k + 1, ef, exact, rerank, explain: false, deadline, partial: false }, nearest => nearest)
      return found.map(one => one.ordinal).filter(other => other !== ordinal).slice(0, k)
    }
    const [nearest, found] = await Promise.all([others(true), others(false)]).catch((error: unknown) => {
      deadline.check(progress)
      throw error
    })
    // An ordinal may mean one record in the first answer, and another in the second.
    if (graph.revision !== revision) continue
    queries++
    const all = new Set(nearest)
    hits += found.filter(other => all.has(other)).length
    wanted += all.size
  }
  return { recall: wanted ? hits / wanted : 1, queries, k, ef }
}
