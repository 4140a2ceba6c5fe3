/** The choice of a node's neighbors: near, and in different directions. Source: as kernel/select.ts. */

import type { Code, GraphRows, Level } from './graph.js'
import { byKey, type Met, type Work } from './search.js'

/** The `most` nearest to a node among some others. */
export function sortNear(graph: GraphRows, work: Work, level: Level, id: number, others: number[], most: number): Met[] {
  const code = graph.codeOf(level, id)
  work.distances += others.length
  return others.map(one => ({ key: graph.key(code, graph.codeOf(level, one)), id: one })).sort(byKey).slice(0, most)
}

/**
 * Goes through `candidates`, nearest first, and adds to `chosen` those that are nearer to the node than to any chosen one, and no ghosts,
 * until they are `limit`. Returns the ids of all chosen.
 */
export function selectDiverse(graph: GraphRows, work: Work, level: Level, candidates: Met[], limit: number, chosen: number[] = []): number[] {
  const ids = [...chosen]
  const codes: Code[] = ids.map(id => graph.codeOf(level, id))
  for (const { key, id } of candidates) {
    if (ids.length >= limit) break
    if (graph.isGhost(graph.ordinalOf(level, id))) continue
    const code = graph.codeOf(level, id)
    work.distances += codes.length
    if (codes.some(other => graph.key(code, other) < key)) continue
    ids.push(id)
    codes.push(code)
  }
  return ids
}

/** The same, where those that are chosen already, which are `beside`, rule out only what is farther from the node than they are. */
export function selectBeside(graph: GraphRows, work: Work, level: Level, candidates: Met[], limit: number, chosen: number[], beside: Met[]): number[] {
  const ids = [...chosen]
  const met = [...beside]
  for (const one of candidates) {
    if (ids.length >= limit) break
    if (graph.isGhost(graph.ordinalOf(level, one.id))) continue
    const code = graph.codeOf(level, one.id)
    const nearer = met.filter(other => byKey(other, one) < 0)
    work.distances += nearer.length
    if (nearer.some(({ id }) => graph.key(code, graph.codeOf(level, id)) < one.key)) continue
    ids.push(one.id)
    met.push(one)
  }
  return ids
}
