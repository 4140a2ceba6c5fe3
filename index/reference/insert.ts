/** Insertion of one node. Told in kernel/insert.ts. */

import { NO_SLOT, ROW_BELOW, ROW_LEVEL, ROW_ORDINAL } from '../kernel/layout.js'
import { connect } from './connect.js'
import type { GraphRows } from './graph.js'
import { descend, type Met, searchLevel, toBase, type Work } from './search.js'
import { selectDiverse } from './select.js'
import { firstWithRoom, hasRoom } from './tree.js'

/** The upper levels of an ordinal: a draw from seed and ordinal (splitmix64), with a share of 1/M reaching each further level. */
export function levelOf(graph: GraphRows, ordinal: number): number {
  const u64 = (value: bigint): bigint => BigInt.asUintN(64, value)
  let hash = u64(graph.seed + (BigInt(ordinal) + 1n) * 0x9E3779B97F4A7C15n)
  hash = u64((hash ^ (hash >> 30n)) * 0xBF58476D1CE4E5B9n)
  hash = u64((hash ^ (hash >> 27n)) * 0x94D049BB133111EBn)
  hash ^= hash >> 31n
  const draw = Number(hash >> 32n)
  let level = 0
  for (let threshold = Math.floor(0xffffffff / graph.M); draw < threshold && level < 31; threshold = Math.floor(threshold / graph.M)) level++
  return level
}

/** Links a node whose code is in place. */
export function insert(graph: GraphRows, work: Work, ordinal: number): void {
  const left = graph.slotLeft(ordinal)
  const levels = left === undefined ? levelOf(graph, ordinal) : left === NO_SLOT ? 0 : graph.memory.u8(graph.rows.address(graph.upper.space, left) + ROW_LEVEL)
  const height = graph.entry.level
  if (!height) {
    const top = Math.max(levels, 1)
    graph.setNode(graph.base, ordinal, { protectedCount: 0, neighbors: [] })
    graph.entry = { slot: createSlots(graph, ordinal, top, left ?? NO_SLOT), level: top }
    return
  }
  const code = graph.codeOf(graph.base, ordinal)
  const highest = Math.max(1, Math.min(levels, height))
  let start = descend(graph, work, code, highest)
  if (levels) {
    const first = createSlots(graph, ordinal, levels, left ?? NO_SLOT)
    for (let level = highest; level > 0; level--) {
      const met = searchLevel(graph, work, graph.upper, code, start, graph.efConstruction)
      linkUpper(graph, work, first + levels - level, met)
      start = level > 1 ? { key: met[0].key, id: graph.slotBelow(met[0].id) } : met[0]
    }
    if (levels > height) graph.entry = { slot: first, level: levels }
  }
  linkBase(graph, work, ordinal, searchLevel(graph, work, graph.base, code, toBase(graph, start), graph.efConstruction))
}

/** Slots for the levels `top` to 1 of an ordinal, those from `left` on when there are any; returns that of the highest. */
export function createSlots(graph: GraphRows, ordinal: number, top: number, left: number): number {
  const first = left === NO_SLOT ? graph.slots : left
  if (left === NO_SLOT) graph.slots = first + top
  for (let level = top; level > 0; level--) {
    const slot = first + top - level
    graph.setNode(graph.upper, slot, { protectedCount: 0, neighbors: [] })
    const row = graph.rows.dirtyAddress(graph.upper.space, slot)
    graph.memory.setU8(row + ROW_LEVEL, level)
    graph.memory.setU32(row + ROW_ORDINAL, ordinal)
    graph.memory.setU32(row + ROW_BELOW, level > 1 ? slot + 1 : NO_SLOT)
  }
  return first
}

function linkUpper(graph: GraphRows, work: Work, slot: number, met: Met[]): void {
  const neighbors = selectDiverse(graph, work, graph.upper, met, graph.M)
  graph.setNode(graph.upper, slot, { protectedCount: 0, neighbors })
  for (const neighbor of neighbors) connect(graph, work, graph.upper, neighbor, slot, false)
}

/** Links a node at level 0, its parent first. */
function linkBase(graph: GraphRows, work: Work, ordinal: number, met: Met[]): void {
  const chosen = selectDiverse(graph, work, graph.base, met, graph.M)
  const parent = chosen.find(id => hasRoom(graph, id)) ?? firstWithRoom(graph, chosen[0] ?? met[0].id)
  const neighbors = [parent, ...chosen.filter(id => id !== parent)]
  graph.setNode(graph.base, ordinal, { protectedCount: 1, neighbors })
  for (const neighbor of neighbors) connect(graph, work, graph.base, neighbor, ordinal, neighbor === parent)
}
