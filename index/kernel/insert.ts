/** Insertion of one node. */

import { SPACE_ROW_BYTES } from '../../storage/kernel/layout'
import { dirtyRowAddress, rowAddress } from '../../storage/kernel/space'
import { entryOf, idOf, keyOf } from './beam'
import { connect } from './connect'
import {
  GRAPH_BASE, GRAPH_CODES, GRAPH_EF_CONSTRUCTION, GRAPH_ENTRY, GRAPH_LEVELS, GRAPH_M, GRAPH_SEED, GRAPH_SCORER, GRAPH_SLOTS, GRAPH_UPPER,
  GRAPH_VECTOR_BYTES, LEVEL_SPACE, NO_SLOT, ROW_BELOW, ROW_LEFT, ROW_LEVEL, ROW_ORDINAL, ROW_PROTECTED, ROW_SLOT, SCORER_F32,
  SCRATCH_BEAM, SCRATCH_BEAM_COUNT, SCRATCH_CODE_QUERY, SCRATCH_QUERY, SCRATCH_SELECTED
} from './layout'
import { loadRow } from './query'
import { neighborAt, writeNeighbors } from './row'
import { descend, enterBase, searchLevel } from './search'
import { selectDiverse, startSelection } from './select'
import { firstWithRoom, hasRoom } from './tree'

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

/** Links a node whose code is in place. Cost: one search with efConstruction a level, and M reverse links. */
export function insert(graph: usize, scratch: usize, ordinal: u32): void {
  const left = slotLeft(graph, ordinal)
  const levels = left == NO_SLOT ? levelsOf(graph, ordinal) : <u32>load<u8>(slotAddress(graph, left), ROW_LEVEL)
  const height = load<u32>(graph, GRAPH_LEVELS)
  if (!height) {
    // The first node is the root of the tree; it has a slot in any case, so that a graph always has an entry point.
    const top = max<u32>(levels, 1)
    const entry = createSlots(graph, ordinal, top, left)
    store<u8>(dirtyRowAddress(load<u32>(graph + GRAPH_BASE, LEVEL_SPACE), ordinal), 0, ROW_PROTECTED)
    writeNeighbors(graph + GRAPH_BASE, dirtyRowAddress(load<u32>(graph + GRAPH_BASE, LEVEL_SPACE), ordinal), 0, 0)
    store<u32>(graph, entry, GRAPH_ENTRY)
    store<u32>(graph, top, GRAPH_LEVELS)
    return
  }
  const beam = <usize>load<u32>(scratch, SCRATCH_BEAM)
  const ef = load<u32>(graph, GRAPH_EF_CONSTRUCTION)
  const upper = graph + GRAPH_UPPER
  loadOrdinal(graph, scratch, ordinal)
  let level = max<u32>(min(levels, height), 1)
  descend(graph, scratch, level)
  if (levels) {
    const first = createSlots(graph, ordinal, levels, left)
    for (;;) {
      searchLevel(graph, scratch, upper, ef)
      linkUpper(graph, scratch, upper, first + (levels - level))
      if (level == 1) break
      level--
      const nearest = load<u64>(beam)
      const below = load<u32>(slotAddress(graph, idOf(nearest)), ROW_BELOW)
      store<u64>(beam, entryOf(keyOf(nearest), below))
      store<u32>(scratch, 1, SCRATCH_BEAM_COUNT)
      loadOrdinal(graph, scratch, ordinal)
    }
    if (levels > height) {
      store<u32>(graph, first, GRAPH_ENTRY)
      store<u32>(graph, levels, GRAPH_LEVELS)
    }
    loadOrdinal(graph, scratch, ordinal)
  }
  enterBase(graph, scratch)
  searchLevel(graph, scratch, graph + GRAPH_BASE, ef)
  linkBase(graph, scratch, ordinal)
}

/** Makes a stored node the query, in memory of the searcher's own. */
export function loadOrdinal(graph: usize, scratch: usize, ordinal: u32): void {
  const row = rowAddress(load<u32>(graph, GRAPH_CODES), ordinal)
  if (load<u32>(graph, GRAPH_SCORER) == SCORER_F32) {
    const query = load<u32>(scratch, SCRATCH_QUERY)
    memory.copy(query, row, load<u32>(graph, GRAPH_VECTOR_BYTES))
    store<u32>(scratch, query, SCRATCH_CODE_QUERY)
  } else {
    loadRow(graph, scratch, row)
  }
}

function slotAddress(graph: usize, slot: u32): usize {
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

function linkUpper(graph: usize, scratch: usize, level: usize, slot: u32): void {
  const count = selectForward(graph, scratch, level)
  writeNeighbors(level, dirtyRowAddress(load<u32>(level, LEVEL_SPACE), slot), load<u32>(scratch, SCRATCH_SELECTED), count)
  for (let i: u32 = 0; i < count; i++) connect(graph, scratch, level, neighborOf(level, slot, i), slot, false)
}

/** Links a node at level 0, its parent first. */
function linkBase(graph: usize, scratch: usize, ordinal: u32): void {
  const level = graph + GRAPH_BASE
  const selected = <usize>load<u32>(scratch, SCRATCH_SELECTED)
  let count = selectForward(graph, scratch, level)
  let position: u32 = 0
  while (position < count && !hasRoom(graph, load<u32>(selected + (position << 2)))) position++
  let parent = load<u32>(selected + (position << 2))
  if (position == count) {
    // Every chosen neighbor has all the children it may have, or all that was found are ghosts: the first with room below the nearest takes this.
    parent = firstWithRoom(graph, count ? load<u32>(selected) : idOf(load<u64>(load<u32>(scratch, SCRATCH_BEAM))))
    count++
  }
  memory.copy(selected + 4, selected, <usize>position << 2)
  store<u32>(selected, parent)
  const row = dirtyRowAddress(load<u32>(level, LEVEL_SPACE), ordinal)
  store<u8>(row, 1, ROW_PROTECTED)
  writeNeighbors(level, row, selected, count)
  for (let i: u32 = 0; i < count; i++) connect(graph, scratch, level, neighborOf(level, ordinal, i), ordinal, i == 0)
}

function selectForward(graph: usize, scratch: usize, level: usize): u32 {
  const limit = load<u32>(graph, GRAPH_M)
  startSelection(graph, scratch, limit)
  return selectDiverse(graph, scratch, level, load<u32>(scratch, SCRATCH_BEAM), load<u32>(scratch, SCRATCH_BEAM_COUNT), limit, 0)
}

function neighborOf(level: usize, id: u32, index: u32): u32 {
  return neighborAt(level, rowAddress(load<u32>(level, LEVEL_SPACE), id), index)
}
