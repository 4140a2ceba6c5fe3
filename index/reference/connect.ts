/** Edges to a node that is being linked. Told in kernel/connect.ts. */

import type { GraphRows, Level } from './graph.js'
import { byKey, type Work } from './search.js'
import { selectDiverse } from './select.js'

/** Adds `added` to the neighbors of a node; a full list is pruned, and may then be without it unless it is protected. */
export function connect(graph: GraphRows, work: Work, level: Level, id: number, added: number, protect: boolean): void {
  const { protectedCount, neighbors } = graph.node(level, id)
  const all = [...neighbors, added]
  // A protected neighbor changes places with the first unprotected one.
  if (protect) [all[protectedCount], all[all.length - 1]] = [all[all.length - 1], all[protectedCount]]
  const kept = protect ? protectedCount + 1 : protectedCount
  const fits = all.length <= level.capacity
  graph.setNode(level, id, { protectedCount: kept, neighbors: fits ? all : prune(graph, work, level, id, all, kept) })
}

/** Chooses anew among too many neighbors; the first `kept` stay. */
function prune(graph: GraphRows, work: Work, level: Level, id: number, neighbors: number[], kept: number): number[] {
  const code = graph.codeOf(level, id)
  work.distances += neighbors.length
  const candidates = neighbors.slice(kept).map(neighbor => ({ key: graph.key(code, graph.codeOf(level, neighbor)), id: neighbor })).sort(byKey)
  return selectDiverse(graph, work, level, candidates, level.capacity, neighbors.slice(0, kept))
}
