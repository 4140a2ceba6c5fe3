/** The upper levels of nodes, and their slots. Told in kernel/levels.ts. */

import { MEMBER_LEVELS, MEMBER_ORDINAL, MEMBER_SLOT, NO_SLOT, ROW_BELOW, ROW_LEVEL, ROW_ORDINAL } from '../kernel/layout.js'
import type { GraphRows } from './graph.js'

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

/** Writes what a member of a batch is, and makes its slots. Returns its levels. */
export function enroll(graph: GraphRows, member: number, ordinal: number, least: number): number {
  const { memory } = graph
  const left = graph.slotLeft(ordinal)
  const drawn = left === undefined ? levelOf(graph, ordinal) : left === NO_SLOT ? 0 : memory.u8(graph.rows.address(graph.upper.space, left) + ROW_LEVEL)
  const levels = Math.max(least, drawn)
  memory.setU32(member + MEMBER_ORDINAL, ordinal)
  memory.setU32(member + MEMBER_LEVELS, levels)
  memory.setU32(member + MEMBER_SLOT, levels ? createSlots(graph, ordinal, levels, left ?? NO_SLOT) : NO_SLOT)
  return levels
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
