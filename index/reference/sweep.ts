/** The sweep: edges to ghosts are replaced, row after row. Told in kernel/sweep.ts. */

import {
  BATCH_RANGES, FOR_A_GHOST, GHOSTS_ASKED, LONELY_EIGHTHS, NEAR_A_GHOST, OFFERS, RANGE_BYTES, RANGE_FROM, RANGE_ROWS, RANGE_TO, RANGE_UPPER, ROW_LEVEL
} from '../kernel/layout.js'
import type { GraphRows, Level } from './graph.js'
import { byKey, descend, type Met, searchLevel, toBase, type Work } from './search.js'
import { selectBeside, selectDiverse, sortNear } from './select.js'

/** Looks for what replaces the edges to ghosts in the rows of range `index` of a batch. */
export function sweep(graph: GraphRows, work: Work, batch: number, index: number): void {
  const { memory } = graph
  const range = memory.u32(batch + BATCH_RANGES) + index * RANGE_BYTES
  const level = memory.u32(range + RANGE_UPPER) ? graph.upper : graph.base
  const rows: number[][] = []
  let offers = 0
  for (let id = memory.u32(range + RANGE_FROM); id < memory.u32(range + RANGE_TO); id++) {
    if (!level.isUpper && !graph.isLinked(id)) continue
    const { protectedCount, neighbors } = graph.node(level, id)
    const ghosts = neighbors.filter(neighbor => isGhost(graph, level, neighbor))
    if (!ghosts.length) continue
    const stay = neighbors.filter((neighbor, i) => i < protectedCount || !ghosts.includes(neighbor))
    const all = replaced(graph, work, level, id, stay, ghosts, protectedCount)
    const chosen = all.length - stay.length
    const isOffered = chosen > 0 && offers + chosen <= OFFERS && isLonely(graph, level, id, all)
    if (isOffered) offers += chosen
    rows.push([id, all.length, isOffered ? stay.length : all.length, ...all])
  }
  for (const [i, word] of [rows.length, ...rows.flat()].entries()) memory.setU32(memory.u32(range + RANGE_ROWS) + 4 * i, word)
}

/** Whether few of the neighbors of a node have an edge back. */
function isLonely(graph: GraphRows, level: Level, id: number, neighbors: number[]): boolean {
  return neighbors.filter(other => !isGhost(graph, level, other) && leadsTo(graph, level, other, id)).length < Math.floor(level.capacity * LONELY_EIGHTHS / 8)
}

function leadsTo(graph: GraphRows, level: Level, from: number, to: number): boolean {
  return graph.node(level, from).neighbors.includes(to)
}

function isGhost(graph: GraphRows, level: Level, id: number): boolean {
  return graph.isGhost(graph.ordinalOf(level, id))
}

/** What takes the place of a list that has lost its ghosts. */
function replaced(graph: GraphRows, work: Work, level: Level, id: number, stay: number[], ghosts: number[], protectedCount: number): number[] {
  if (isGhost(graph, level, id)) return stay
  const { capacity } = level
  const lost = ghosts.length
  if (lost > stay.length || stay.length < Math.floor(graph.M / 2)) {
    const kept = stay.slice(0, protectedCount)
    const candidates = searchAround(graph, work, level, id, kept)
    const chosen = selectDiverse(graph, work, level, candidates, capacity, kept)
    return fill(graph, level, candidates, chosen, Math.max(stay.length + lost, capacity - Math.floor(capacity / 4)))
  }
  const known = new Set([id, ...stay])
  const asked = ghosts.slice(0, GHOSTS_ASKED)
  const found = [...new Set(asked.flatMap(ghost => graph.node(level, ghost).neighbors))].filter(one => !known.has(one))
  const answers = sortNear(graph, work, level, id, found.filter(one => leadsTo(graph, level, one, id)), capacity)
  const others = sortNear(graph, work, level, id, found.filter(one => !leadsTo(graph, level, one, id)), Math.min(capacity, NEAR_A_GHOST * lost))
  const candidates = [...answers, ...others].sort(byKey).slice(0, capacity)
  const beside = sortNear(graph, work, level, id, stay.filter(one => !isGhost(graph, level, one)), capacity)
  const chosen = selectBeside(graph, work, level, candidates, Math.min(capacity, stay.length + FOR_A_GHOST * lost), stay, beside)
  const farthest = sortNear(graph, work, level, id, asked, asked.length).at(-1)!.key
  const near = candidates.filter(({ key }) => key <= farthest)
  const answered = fill(graph, level, near.filter(met => answers.includes(met)), chosen, stay.length + lost)
  return fill(graph, level, near, answered, stay.length + lost)
}

/** Adds the nearest candidates that were left out, until there are `least`. */
function fill(graph: GraphRows, level: Level, candidates: Met[], chosen: number[], least: number): number[] {
  const missing = Math.max(0, Math.min(level.capacity, least) - chosen.length)
  return [...chosen, ...candidates.map(({ id }) => id).filter(id => !chosen.includes(id) && !isGhost(graph, level, id)).slice(0, missing)]
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
