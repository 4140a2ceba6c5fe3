/** The upper levels of nodes, and their slots. */

import { dirtyRowAddress, rowAddress } from '../../storage/kernel/space'
import {
  GRAPH_BASE, GRAPH_M, GRAPH_SEED, GRAPH_SLOTS, GRAPH_UPPER, LEVEL_SPACE, MEMBER_LEVELS, MEMBER_ORDINAL, MEMBER_SLOT,
  NO_SLOT, ROW_BELOW, ROW_LEFT, ROW_LEVEL, ROW_ORDINAL, ROW_PROTECTED, ROW_SLOT
} from './layout'
import { writeNeighbors } from './row'

/** The upper levels of an ordinal: a function of seed and ordinal alone, with a share of 1/M reaching each further level. */
export function levelOf(graph: usize, ordinal: u32): u32 {
  let hash = load<u64>(graph, GRAPH_SEED) + (<u64>ordinal + 1) * 0x9E3779B97F4A7C15
  hash = (hash ^ (hash >> 30)) * 0xBF58476D1CE4E5B9
  hash = (hash ^ (hash >> 27)) * 0x94D049BB133111EB
  hash ^= hash >> 31
  const draw = <u32>(hash >> 32)
  const share = load<u32>(graph, GRAPH_M)
  let level: u32 = 0
  for (let threshold = u32.MAX_VALUE / share; draw < threshold && level < 31; threshold /= share) level++
  return level
}

/** Writes what a member of a batch is, and makes its slots; no edge leads to them yet. Returns its levels. */
export function enroll(graph: usize, member: usize, ordinal: u32, least: u32): u32 {
  const left = slotLeft(graph, ordinal)
  const levels = max(least, left == NO_SLOT ? levelsOf(graph, ordinal) : <u32>load<u8>(slotAddress(graph, left), ROW_LEVEL))
  store<u32>(member, ordinal, MEMBER_ORDINAL)
  store<u32>(member, levels, MEMBER_LEVELS)
  store<u32>(member, levels ? createSlots(graph, ordinal, levels, left) : NO_SLOT, MEMBER_SLOT)
  return levels
}

export function slotAddress(graph: usize, slot: u32): usize {
  return rowAddress(load<u32>(graph + GRAPH_UPPER, LEVEL_SPACE), slot)
}

/** The highest slot that an earlier node of this ordinal left, NO_SLOT when it left none. */
function slotLeft(graph: usize, ordinal: u32): u32 {
  const row = rowAddress(load<u32>(graph + GRAPH_BASE, LEVEL_SPACE), ordinal)
  return load<u8>(row) == <u8>ROW_LEFT ? load<u32>(row, ROW_SLOT) : NO_SLOT
}

/** Levels of an ordinal without slots: those of the draw, but none when an earlier node of it had none. */
function levelsOf(graph: usize, ordinal: u32): u32 {
  const row = rowAddress(load<u32>(graph + GRAPH_BASE, LEVEL_SPACE), ordinal)
  return load<u8>(row) == <u8>ROW_LEFT ? 0 : levelOf(graph, ordinal)
}

/** Slots for the levels `top` to 1 of an ordinal, those from `left` on when there are any; returns that of the highest. */
export function createSlots(graph: usize, ordinal: u32, top: u32, left: u32): u32 {
  const space = load<u32>(graph + GRAPH_UPPER, LEVEL_SPACE)
  let first = left
  if (left == NO_SLOT) {
    first = load<u32>(graph, GRAPH_SLOTS)
    store<u32>(graph, first + top, GRAPH_SLOTS)
  }
  for (let level = top; level > 0; level--) {
    const slot = first + (top - level)
    const row = dirtyRowAddress(space, slot)
    store<u8>(row, 0, ROW_PROTECTED)
    store<u8>(row, level, ROW_LEVEL)
    store<u32>(row, ordinal, ROW_ORDINAL)
    store<u32>(row, level > 1 ? slot + 1 : NO_SLOT, ROW_BELOW)
    writeNeighbors(graph + GRAPH_UPPER, row, 0, 0)
  }
  return first
}
