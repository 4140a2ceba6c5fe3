/** Search over one level, and the way down to level 0. Source: as kernel/search.ts. */

import { EF_NARROW, EF_WIDE, WIDTH, WIDTH_LEAST, WIDTH_MOST } from '../kernel/layout.js'
import type { GraphRows, Level, Query } from './graph.js'

/** A node that a search has met. */
export interface Met {
  key: number
  id: number
}

/** What a search has computed, expanded, and measured by full vectors. */
export interface Work {
  distances: number
  hops: number
  measured: number
}

/** Nearer first; of equally near ones the lower id. */
export function byKey(a: Met, b: Met): number {
  return a.key - b.key || a.id - b.id
}

/**
 * The `ef` nearest of a level, nearest first, starting from one node.
 *
 * In each round the nearest nodes that were not expanded yet are, several together, by the width of the beam, until all are.
 */
export function searchLevel(graph: GraphRows, work: Work, level: Level, query: Query, start: Met, ef: number): Met[] {
  const width = ef < EF_NARROW ? WIDTH_LEAST : ef < EF_WIDE ? WIDTH : WIDTH_MOST
  const visited = new Set([start.id])
  const expanded = new Set<Met>()
  let nearest = [start]
  for (;;) {
    const round = nearest.filter(met => !expanded.has(met)).slice(0, width)
    if (!round.length) return nearest
    const fresh: number[] = []
    for (const met of round) {
      expanded.add(met)
      for (const neighbor of graph.node(level, met.id).neighbors) {
        if (visited.has(neighbor)) continue
        visited.add(neighbor)
        fresh.push(neighbor)
      }
    }
    work.hops += round.length
    work.distances += fresh.length
    for (const id of fresh) {
      const met = { key: graph.key(query, graph.codeOf(level, id)), id }
      if (nearest.length === ef && met.key >= nearest[ef - 1].key) continue
      nearest = [...nearest, met].sort(byKey).slice(0, ef)
    }
  }
}

/** Walks greedily from the entry point down to level `until`, 1 or higher; returns the nearest slot there. */
export function descend(graph: GraphRows, work: Work, query: Query, until: number): Met {
  const { slot, level } = graph.entry
  let best = meet(graph, work, query, slot)
  for (let height = level; ; height--) {
    for (;;) {
      const neighbors = graph.node(graph.upper, best.id).neighbors.map(id => meet(graph, work, query, id))
      const nearest = neighbors.reduce((a, b) => (b.key < a.key ? b : a), best)
      if (nearest === best) break
      best = nearest
    }
    if (height <= until) return best
    best = { key: best.key, id: graph.slotBelow(best.id) }
  }
}

function meet(graph: GraphRows, work: Work, query: Query, slot: number): Met {
  work.distances++
  return { key: graph.key(query, graph.codeOf(graph.upper, slot)), id: slot }
}

/** A node of an upper level as the one of its ordinal at level 0. */
export function toBase(graph: GraphRows, met: Met): Met {
  return { key: met.key, id: graph.ordinalOf(graph.upper, met.id) }
}
