import { setImmediate as nextTurn } from 'node:timers/promises'
import { unlessDamaged } from '../floor/errors.js'
import { Random } from '../floor/random.js'
import { type Graph, isFindable } from '../index/graph.js'
import { countUnreachable, sampleUnreachable } from '../index/reachability.js'
import type { Engine, OpenCollection } from './engine.js'
import { refuseWhenAborted } from './maintenance.js'
import { measureRecall } from './recall.js'

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

/** Nodes whose way to the root is gone, and records that are searched for. */
const NODES = 64
const PROBES = 16
/** What a probe finds, at which width of the beam, and at which other. */
const K = 10
const EF = 64
const WIDE_EF = 256
/** Each probe would have to scan so many vectors. */
const MOST_UNLINKED = 2000
/** Nodes that are walked over between two pauses. */
const PAUSE = 500

/** Who asks again and again is told the same for so long. */
const LASTS_MS = 1000
const probed = new WeakMap<Graph, { at: number, health: GraphHealth }>()

/** An estimate from a sample: some milliseconds, once a second at most. */
export function probeHealth({ threads }: Engine, graph: Graph): GraphHealth {
  const last = probed.get(graph)
  if (last && performance.now() - last.at < LASTS_MS) return last.health
  const health = threads.read(() => estimate(graph))
  probed.set(graph, { at: performance.now(), health })
  return health
}

function estimate(graph: Graph): GraphHealth {
  const random = new Random(graph.ordinals)
  const { nodes, unreachable } = sampleUnreachable(graph, NODES, below => random.below(below))
  return { unreachable: nodes ? Math.round(unreachable / nodes * graph.live) : 0, probeRecall: probe(graph, random) }
}

function probe(graph: Graph, random: Random): number | undefined {
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
    const wide = unlessDamaged(() => graph.search(vector, K, WIDE_EF).found) ?? []
    const narrow = unlessDamaged(() => graph.search(vector, K, EF).found) ?? []
    // Others may be as far as the last.
    const farthest = wide.at(-1)?.distance ?? 0
    found += narrow.filter(({ distance }) => distance <= farthest).length
    wanted += wide.length
  }
  return wanted ? found / wanted : undefined
}

/** All of it, with pauses for others. The graph must keep its ordinals meanwhile. */
export async function measureHealth({ threads }: Engine, collection: OpenCollection, signal: AbortSignal | undefined): Promise<GraphHealth> {
  const steps = countUnreachable(collection.graph)
  for (let done = 1; ; done++) {
    const step = threads.read(() => steps.next())
    if (step.done) {
      const { queries, recall } = await measureRecall(collection, signal ? { signal } : {})
      return { unreachable: step.value.unreachable, probeRecall: queries ? recall : undefined }
    }
    if (done % PAUSE) continue
    await nextTurn()
    refuseWhenAborted(signal, `measuring, after ${done} nodes,`)
  }
}
