import { setImmediate as nextTurn } from 'node:timers/promises'
import { unlessDamaged, VectorLevelError } from '../floor/errors.js'
import { Random } from '../floor/random.js'
import { type Graph, isFindable } from '../index/graph.js'
import { countUnreachable, sampleUnreachable } from '../index/reachability.js'
import { USUAL_RERANK } from '../index/searcher.js'
import { type Deadline, NEVER } from './deadline.js'
import type { Engine, OpenCollection } from './engine.js'
import { find } from './find.js'
import { checkRecallOptions, measureRecall } from './recall.js'

/** How well a graph can be searched. */
export interface GraphHealth {
  /** Live nodes that no walk along the edges comes to; an estimate unless it was asked to be exact. */
  unreachable: number
  /**
   * For some of the records' vectors, the share of the ten nearest that a search finds, of those that one with a four times as wide beam does; when
   * asked to be exact, recall@10 of 100 of them against exact search. Undefined when there is nothing to search for, or so much is still to be
   * linked that probing would take long.
   */
  probeRecall: number | undefined
}

/** Nodes whose way to the root is gone, so many at a time, and records that are searched for. */
const NODES = 64
const NODES_AT_ONCE = 8
const PROBES = 16
/** What a probe finds, at which width of the beam, and at which other. */
const K = 10
const EF = 64
const WIDE_EF = 256
/** Each probe would have to scan so many vectors. */
const MOST_UNLINKED = 2000
/** Nodes that are walked over between two pauses. */
const PAUSE = 100

/** Who asks again and again is told the same for so long. */
const LASTS_MS = 1000
const probed = new WeakMap<Graph, { at: number, health: Promise<GraphHealth> }>()

/** An estimate from a sample: some milliseconds of the threads, once a second at most. */
export function probeHealth(engine: Engine, graph: Graph): Promise<GraphHealth> {
  const last = probed.get(graph)
  if (last && performance.now() - last.at < LASTS_MS) return last.health
  const health = estimate(engine, graph)
  probed.set(graph, { at: performance.now(), health })
  return health
}

async function estimate(engine: Engine, graph: Graph): Promise<GraphHealth> {
  const random = new Random(graph.ordinals)
  let nodes = 0
  let unreachable = 0
  for (let i = 0; i < NODES; i += NODES_AT_ONCE) {
    const sample = engine.threads.read(() => sampleUnreachable(graph, NODES_AT_ONCE, below => random.below(below)))
    nodes += sample.nodes
    unreachable += sample.unreachable
    await nextTurn()
  }
  return { unreachable: nodes ? Math.round(unreachable / nodes * graph.live) : 0, probeRecall: await probe(engine, graph, random) }
}

async function probe(engine: Engine, graph: Graph, random: Random): Promise<number | undefined> {
  if (!graph.live || graph.unlinked > MOST_UNLINKED) return undefined
  let found = 0
  let wanted = 0
  let probes = 0
  for (let tries = 0; tries < 4 * PROBES && probes < PROBES; tries++) {
    const ordinal = random.below(graph.ordinals)
    if (!isFindable(graph.stateOf(ordinal))) continue
    const vector = unlessDamaged(() => graph.records.vector(ordinal))
    if (!vector) continue
    probes++
    const [wide, narrow] = await Promise.all([distancesOf(engine, graph, vector, WIDE_EF), distancesOf(engine, graph, vector, EF)])
    // Others may be as far as the last.
    const farthest = wide.at(-1) ?? 0
    found += narrow.filter(distance => distance <= farthest).length
    wanted += wide.length
  }
  return wanted ? found / wanted : undefined
}

/** Nothing where there is damage, or too much else to do. */
async function distancesOf(engine: Engine, graph: Graph, vector: Float32Array, ef: number): Promise<number[]> {
  try {
    const question = { vector, k: K, ef, exact: false, rerank: USUAL_RERANK, explain: false, deadline: NEVER, partial: false }
    return await find(engine, graph, question, ({ found }) => found.map(({ distance }) => distance))
  } catch (error) {
    if (error instanceof VectorLevelError && ['VECTOR_CORRUPTION', 'VECTOR_BUSY'].includes(error.code)) return []
    throw error
  }
}

/** All of it, with pauses for others. The graph must keep its ordinals meanwhile. */
export async function measureHealth(engine: Engine, collection: OpenCollection, deadline: Deadline): Promise<GraphHealth> {
  const steps = countUnreachable(collection.graph)
  for (let done = 0; ; done++) {
    if (done % PAUSE === 0) {
      await nextTurn()
      engine.underWay.check()
      deadline.check(`after ${done} nodes`)
    }
    const step = engine.threads.read(() => steps.next())
    if (!step.done) continue
    const { queries, recall } = await measureRecall(engine, collection, { ...checkRecallOptions({}), deadline })
    return { unreachable: step.value.unreachable, probeRecall: queries ? recall : undefined }
  }
}
