/** The sweep: edges to ghosts are replaced, row after row. Told in kernel/sweep.ts. */

import { FOR_A_GHOST, GHOSTS_ASKED, NO_SLOT, RELINK_SHARE, ROW_LEVEL, ROW_ORDINAL } from '../kernel/layout.js'
import type { GraphRows, Level } from './graph.js'
import { createSlots } from './insert.js'
import { byKey, descend, type Met, searchLevel, toBase, type Work } from './search.js'
import { selectDiverse } from './select.js'
import { leaveTree } from './tree.js'

/** Replaces the edges to ghosts in the rows [from, to) of a level. */
export function sweep(graph: GraphRows, work: Work, level: Level, from: number, to: number, round: number): void {
  for (let id = from; id < to; id++) {
    if (!level.isUpper && !graph.isLinked(id)) continue
    const { protectedCount, neighbors } = graph.node(level, id)
    const ghosts = neighbors.filter(neighbor => graph.isGhost(graph.ordinalOf(level, neighbor)))
    if (!ghosts.length) continue
    const stay = neighbors.filter((neighbor, i) => i < protectedCount || !ghosts.includes(neighbor))
    graph.setNode(level, id, { protectedCount, neighbors: replaced(graph, work, level, id, stay, ghosts, protectedCount, round) })
  }
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

/** Removes the node of a ghost that the sweep has come around for; `slot` is the highest one it has, or NO_SLOT. */
export function remove(graph: GraphRows, work: Work, ordinal: number, slot: number): void {
  const { protectedCount, neighbors } = graph.node(graph.base, ordinal)
  leaveTree(graph, work, ordinal)
  graph.leave(ordinal, slot)
  for (let one = slot; one !== NO_SLOT; one = graph.slotBelow(one)) graph.setNode(graph.upper, one, { protectedCount: 0, neighbors: [] })
  if (!protectedCount) graph.entry = { slot: graph.entry.slot, level: 0 }
  else if (graph.ordinalOf(graph.upper, graph.entry.slot) === ordinal) replaceEntry(graph, neighbors[0])
}

/** Makes the highest slot of a node the entry point, one of no ghost if there is any; `relative` gets a slot when no node has one. */
function replaceEntry(graph: GraphRows, relative: number): void {
  let best: { slot: number, level: number, isGhost: boolean } | undefined
  for (let slot = 0; slot < graph.slots; slot++) {
    const row = graph.rows.address(graph.upper.space, slot)
    const level = graph.memory.u8(row + ROW_LEVEL)
    const ordinal = graph.memory.u32(row + ROW_ORDINAL)
    if (!graph.isLinked(ordinal)) continue
    const isGhost = graph.isGhost(ordinal)
    if (!best || (best.isGhost && !isGhost) || (best.isGhost === isGhost && level > best.level)) best = { slot, level, isGhost }
  }
  graph.entry = best ?? { slot: createSlots(graph, relative, 1, NO_SLOT), level: 1 }
}
