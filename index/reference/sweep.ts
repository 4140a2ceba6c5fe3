/** The sweep: edges to ghosts are replaced, row after row. Told in kernel/sweep.ts. */

import {
  BATCH_RANGES, FOR_A_GHOST, GHOSTS_ASKED, RANGE_BYTES, RANGE_FROM, RANGE_ROUND, RANGE_ROWS, RANGE_TO, RANGE_UPPER, RELINK_SHARE, ROW_LEVEL
} from '../kernel/layout.js'
import type { GraphRows, Level } from './graph.js'
import { byKey, descend, type Met, searchLevel, toBase, type Work } from './search.js'
import { selectDiverse } from './select.js'

/** Looks for what replaces the edges to ghosts in the rows of range `index` of a batch. */
export function sweep(graph: GraphRows, work: Work, batch: number, index: number): void {
  const { memory } = graph
  const range = memory.u32(batch + BATCH_RANGES) + index * RANGE_BYTES
  const level = memory.u32(range + RANGE_UPPER) ? graph.upper : graph.base
  const round = memory.u32(range + RANGE_ROUND)
  const rows: number[][] = []
  for (let id = memory.u32(range + RANGE_FROM); id < memory.u32(range + RANGE_TO); id++) {
    if (!level.isUpper && !graph.isLinked(id)) continue
    const { protectedCount, neighbors } = graph.node(level, id)
    const ghosts = neighbors.filter(neighbor => graph.isGhost(graph.ordinalOf(level, neighbor)))
    if (!ghosts.length) continue
    const stay = neighbors.filter((neighbor, i) => i < protectedCount || !ghosts.includes(neighbor))
    const instead = replaced(graph, work, level, id, stay, ghosts, protectedCount, round)
    rows.push([id, instead.length, ...instead])
  }
  for (const [i, word] of [rows.length, ...rows.flat()].entries()) memory.setU32(memory.u32(range + RANGE_ROWS) + 4 * i, word)
}

/** What takes the place of a list that has lost its ghosts. */
function replaced(
  graph: GraphRows, work: Work, level: Level, id: number, stay: number[], ghosts: number[], protectedCount: number, round: number
): number[] {
  if (graph.isGhost(graph.ordinalOf(level, id))) return stay
  const isRelinked = (id + round) % RELINK_SHARE === 0 || ghosts.length > stay.length || stay.length < Math.floor(graph.M / 2)
  const kept = isRelinked ? stay.slice(0, protectedCount) : stay
  const candidates = isRelinked ? searchAround(graph, work, level, id, kept) : askGhosts(graph, work, level, id, stay, ghosts)
  const limit = isRelinked ? level.capacity : Math.min(level.capacity, stay.length + FOR_A_GHOST * ghosts.length)
  const chosen = selectDiverse(graph, work, level, candidates, limit, kept)
  const least = Math.min(level.capacity, isRelinked ? Math.max(stay.length + ghosts.length, level.capacity - Math.floor(level.capacity / 4)) : stay.length + ghosts.length)
  for (const { id: candidate } of candidates) {
    if (chosen.length >= least) break
    if (!chosen.includes(candidate) && !graph.isGhost(graph.ordinalOf(level, candidate))) chosen.push(candidate)
  }
  return chosen
}

/** The neighbors of the ghosts that are not known yet, nearest first. */
function askGhosts(graph: GraphRows, work: Work, level: Level, id: number, stay: number[], ghosts: number[]): Met[] {
  const known = new Set([id, ...stay])
  const fresh = new Set(ghosts.slice(0, GHOSTS_ASKED).flatMap(ghost => graph.node(level, ghost).neighbors).filter(one => !known.has(one)))
  const code = graph.codeOf(level, id)
  work.distances += fresh.size
  return [...fresh].map(one => ({ key: graph.key(code, graph.codeOf(level, one)), id: one })).sort(byKey).slice(0, level.capacity)
}

/** What a search for a node finds besides it and what is known. */
function searchAround(graph: GraphRows, work: Work, level: Level, id: number, stay: number[]): Met[] {
  const height = level.isUpper ? graph.memory.u8(graph.rows.address(level.space, id) + ROW_LEVEL) : 1
  if (height > graph.entry.level) return []
  const code = graph.codeOf(level, id)
  const start = descend(graph, work, code, height)
  const known = new Set([id, ...stay])
  return searchLevel(graph, work, level, code, level.isUpper ? start : toBase(graph, start), graph.efConstruction).filter(met => !known.has(met.id))
}
