import type { Graph } from '../index/graph.js'
import type { Nearest } from '../index/searcher.js'
import { Explaining } from './explaining.js'
import type { Question } from './find.js'
import { type Hit, type Hits, hitsOf, mannerOf } from './hits.js'
import { decodeMetadata } from './input.js'
import type { SearchSettings } from './options.js'

/** What a search asks of a graph, given the answers: once, or for all within a distance for more until the last is beyond it. */
export function* questions<M>(graph: Graph, vector: Float32Array, settings: SearchSettings): Generator<Question, Hits<M>, Nearest> {
  const { k, ef, exact, maxDistance, rerank, explain, deadline, partial } = settings
  const explaining = explain ? new Explaining() : undefined
  if (k !== Infinity) return hitsIn(graph, yield { vector, k, ef, exact, rerank, explain, deadline, partial }, settings, explaining)
  let whole: Hits<M> | undefined
  for (let count = Math.max(64, ef); ; count *= 4) {
    const nearest = yield { vector, k: count, ef, exact, rerank, explain, deadline, partial }
    // Fewer that were found by a whole search are better than what another had found by then.
    if (nearest.partial && whole) return hitsOf(whole.slice(), { ...mannerOf(whole), exact: false, partial: true })
    const { found } = nearest
    const isAll = found.length < count || found[found.length - 1]!.distance > maxDistance
    if (isAll || partial) whole = hitsIn(graph, nearest, settings, explaining)
    else explaining?.add(nearest.work)
    if (isAll) return whole!
  }
}

function hitsIn<M>(graph: Graph, nearest: Nearest, settings: SearchSettings, explaining: Explaining | undefined): Hits<M> {
  const { approximate } = graph
  if (!explaining) return hitsOf<M>(labelled(graph, nearest, settings), { ...nearest, approximate })
  explaining.add(nearest.work)
  const hits = explaining.reading(() => labelled<M>(graph, nearest, settings))
  return hitsOf(hits, { ...nearest, approximate, explanation: explaining.end() })
}

function labelled<M>({ labels }: Graph, nearest: Nearest, { maxDistance, metadata }: SearchSettings): Hit<M>[] {
  const hits: Hit<M>[] = []
  for (const { ordinal, distance } of nearest.found) {
    if (distance > maxDistance) break
    const label = labels.label(ordinal)
    hits.push({ key: label.key, distance, metadata: (metadata ? decodeMetadata(label.metadata) : undefined) as M })
  }
  return hits
}
