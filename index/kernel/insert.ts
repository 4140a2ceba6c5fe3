/**
 * Insertion of one node, and the tree that keeps the graph connected.
 *
 * Every node of level 0 but the first has a parent, chosen at its insertion among its nearest neighbors. The two edges between
 * them are protected: pruning never removes them. They form a spanning tree in both directions, so every node can be reached
 * from every other, whatever the heuristic prunes. Protected neighbors stand first in a row, the parent before the children.
 */

import { SPACE_ROW_BYTES } from '../../storage/kernel/layout'
import { dirtyRowAddress, rowAddress } from '../../storage/kernel/space'
import { entryOf, idOf, insertSorted, keyOf } from './beam'
import {
  GRAPH_BASE, GRAPH_CODES, GRAPH_EF_CONSTRUCTION, GRAPH_ENTRY, GRAPH_LEVELS, GRAPH_M, GRAPH_SEED, GRAPH_SCORER, GRAPH_SLOTS, GRAPH_UPPER,
  GRAPH_VECTOR_BYTES, LEVEL_CAPACITY, LEVEL_EMPTY, LEVEL_SPACE, ROW_BELOW, ROW_LEVEL, ROW_ORDINAL, ROW_PROTECTED, SCORER_F32,
  SCRATCH_BEAM, SCRATCH_BEAM_COUNT, SCRATCH_CANDIDATES, SCRATCH_CODE_QUERY, SCRATCH_IDS, SCRATCH_KEYS, SCRATCH_QUERY,
  SCRATCH_ROW, SCRATCH_SELECTED
} from './layout'
import { loadRow } from './query'
import { countNeighbors, neighborAt, setNeighbor, writeNeighbors } from './row'
import { descend, enterBase, ordinalOf, scoreIds, searchLevel } from './search'
import { choose, selectDiverse, startSelection } from './select'

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
  const levels = levelOf(graph, ordinal)
  const height = load<u32>(graph, GRAPH_LEVELS)
  if (!height) {
    // The first node is the root of the tree; it has a slot in any case, so that a graph always has an entry point.
    const top = max<u32>(levels, 1)
    const entry = createSlots(graph, ordinal, top)
    store<u8>(dirtyRowAddress(load<u32>(graph + GRAPH_BASE, LEVEL_SPACE), ordinal), 0, ROW_PROTECTED)
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
    const first = createSlots(graph, ordinal, levels)
    for (;;) {
      searchLevel(graph, scratch, upper, ef)
      linkUpper(graph, scratch, upper, first + (levels - level))
      if (level == 1) break
      level--
      const nearest = load<u64>(beam)
      const below = load<u32>(rowAddress(load<u32>(upper, LEVEL_SPACE), idOf(nearest)), ROW_BELOW)
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
function loadOrdinal(graph: usize, scratch: usize, ordinal: u32): void {
  const row = rowAddress(load<u32>(graph, GRAPH_CODES), ordinal)
  if (load<u32>(graph, GRAPH_SCORER) == SCORER_F32) {
    const query = load<u32>(scratch, SCRATCH_QUERY)
    memory.copy(query, row, load<u32>(graph, GRAPH_VECTOR_BYTES))
    store<u32>(scratch, query, SCRATCH_CODE_QUERY)
  } else {
    loadRow(graph, scratch, row)
  }
}

/** New slots for the levels `top` to 1 of an ordinal; returns that of the highest. */
function createSlots(graph: usize, ordinal: u32, top: u32): u32 {
  const space = load<u32>(graph + GRAPH_UPPER, LEVEL_SPACE)
  const first = load<u32>(graph, GRAPH_SLOTS)
  store<u32>(graph, first + top, GRAPH_SLOTS)
  for (let level = top; level > 0; level--) {
    const slot = first + (top - level)
    const row = dirtyRowAddress(space, slot)
    store<u8>(row, 0, ROW_PROTECTED)
    store<u8>(row, level, ROW_LEVEL)
    store<u32>(row, ordinal, ROW_ORDINAL)
    store<u32>(row, level > 1 ? slot + 1 : u32.MAX_VALUE, ROW_BELOW)
    writeNeighbors(graph + GRAPH_UPPER, row, 0, 0)
  }
  return first
}

function linkUpper(graph: usize, scratch: usize, level: usize, slot: u32): void {
  const count = selectForward(graph, scratch, level)
  writeNeighbors(level, dirtyRowAddress(load<u32>(level, LEVEL_SPACE), slot), load<u32>(scratch, SCRATCH_SELECTED), count)
  for (let i: u32 = 0; i < count; i++) connect(graph, scratch, level, neighborOf(level, slot, i), slot, false)
}

function linkBase(graph: usize, scratch: usize, ordinal: u32): void {
  const level = graph + GRAPH_BASE
  const selected = <usize>load<u32>(scratch, SCRATCH_SELECTED)
  let count = selectForward(graph, scratch, level)
  let parent = u32.MAX_VALUE
  let position: u32 = 0
  for (; position < count; position++) {
    const id = load<u32>(selected + (position << 2))
    if (hasRoom(graph, id)) {
      parent = id
      break
    }
  }
  if (parent == u32.MAX_VALUE) {
    // Every chosen neighbor has all the children it may have: the first child with room below the nearest one takes this.
    parent = load<u32>(selected)
    while (!hasRoom(graph, parent)) parent = lastChild(graph, parent)
    position = count++
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

function hasRoom(graph: usize, ordinal: u32): bool {
  const row = rowAddress(load<u32>(graph + GRAPH_BASE, LEVEL_SPACE), ordinal)
  return load<u8>(row, ROW_PROTECTED) < <u8>load<u32>(graph, GRAPH_M)
}

function lastChild(graph: usize, ordinal: u32): u32 {
  const level = graph + GRAPH_BASE
  const row = rowAddress(load<u32>(level, LEVEL_SPACE), ordinal)
  return neighborAt(level, row, <u32>load<u8>(row, ROW_PROTECTED) - 1)
}

/** Adds `id` to the neighbors of `node`; a full list is pruned, and may then be without it unless it is protected. */
function connect(graph: usize, scratch: usize, level: usize, node: u32, id: u32, protect: bool): void {
  const row = dirtyRowAddress(load<u32>(level, LEVEL_SPACE), node)
  const count = countNeighbors(level, row)
  if (count == load<u32>(level, LEVEL_CAPACITY)) {
    prune(graph, scratch, level, node, id, protect)
    return
  }
  let position = count
  if (protect) {
    // The first unprotected one moves to the end, and leaves its place.
    position = load<u8>(row, ROW_PROTECTED)
    setNeighbor(level, row, count, neighborAt(level, row, position))
    store<u8>(row, <u8>position + 1, ROW_PROTECTED)
  }
  setNeighbor(level, row, position, id)
}

/** Chooses the neighbors of `node` anew from those that it has and `id`. */
function prune(graph: usize, scratch: usize, level: usize, node: u32, id: u32, protect: bool): void {
  const space = load<u32>(level, LEVEL_SPACE)
  const capacity = load<u32>(level, LEVEL_CAPACITY)
  const ids = <usize>load<u32>(scratch, SCRATCH_IDS)
  let row = rowAddress(space, node)
  let kept = <u32>load<u8>(row, ROW_PROTECTED)
  for (let i: u32 = 0; i < capacity; i++) store<u32>(ids + (i << 2), neighborAt(level, row, i))
  store<u32>(ids + (capacity << 2), id)
  if (protect) {
    store<u32>(ids + (capacity << 2), load<u32>(ids + (kept << 2)))
    store<u32>(ids + (kept << 2), id)
    kept++
  }

  // Distances from the node, whose own code is copied: no load of others may evict it.
  const codes = load<u32>(graph, GRAPH_CODES)
  const keys = <usize>load<u32>(scratch, SCRATCH_KEYS)
  const candidates = capacity + 1
  const own = load<u32>(scratch, SCRATCH_ROW)
  memory.copy(own, rowAddress(codes, ordinalOf(graph, level, node)), load<u32>(codes, SPACE_ROW_BYTES))
  loadRow(graph, scratch, own)
  scoreIds(graph, scratch, level, ids, candidates)
  const list = load<u32>(scratch, SCRATCH_CANDIDATES)
  let length: u32 = 0
  for (let i = kept; i < candidates; i++) {
    length = insertSorted(list, length, candidates, entryOf(load<u32>(keys + (i << 2)), load<u32>(ids + (i << 2))))
  }

  startSelection(graph, scratch, capacity)
  for (let i: u32 = 0; i < kept; i++) {
    const protectedId = load<u32>(ids + (i << 2))
    choose(graph, scratch, protectedId, rowAddress(codes, ordinalOf(graph, level, protectedId)), i)
  }
  const count = selectDiverse(graph, scratch, level, list, length, capacity, kept)
  row = dirtyRowAddress(space, node)
  store<u8>(row, <u8>kept, ROW_PROTECTED)
  writeNeighbors(level, row, load<u32>(scratch, SCRATCH_SELECTED), count)
}
