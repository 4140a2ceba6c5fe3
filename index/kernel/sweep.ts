/**
 * The sweep: edges to ghosts are replaced, row after row.
 *
 * A node that was removed stays a stepping stone, a ghost, until the sweep has come by every row once; then no edge leads to it but the
 * protected ones, which it knows itself. So the edges that lead to a node need not be known, a removal changes a few blocks only, and a
 * swept block mends the edges to many ghosts at once.
 *
 * What keeps recall is, first, that neighbors lie in different directions, as an insertion chooses them. Neighbors of a ghost are chosen beside those that
 * stay as if all had been there at once: what is nearer than one that stays is not struck out by it. Only where too few are chosen, those that the others make
 * needless follow, first those with an edge to the row, and none that is farther away than the ghosts: or else edges get longer from ghost to ghost. And, second,
 * that edges lead in both directions: a node that only has edges to others is found by none. So a row that few lead to offers itself to those that it chooses.
 *
 * Measured at 30,000 words of 100 dimensions after two to three turnovers: where all that stays strikes, and those with an edge to the row come first whatever
 * lies in their direction, 32 % of a row is needless where a graph built anew has 22 %; choosing whole rows anew was no better, and took a third longer.
 *
 * Source: the replacement of lost neighbors by neighbors of the lost ones is that of Singh et al. 2021 (FreshDiskANN), algorithm 4, here
 * without choosing those anew that are still there. Edges in both directions are what Xiao et al. 2024 (MN-RU) repair by, too.
 */

import { resolveRows, rowAddress } from '../../storage/kernel/space'
import { idOf, keyOf } from './beam'
import {
  BATCH_RANGES, FOR_A_GHOST, GHOSTS_ASKED, GRAPH_BASE, GRAPH_EF_CONSTRUCTION, GRAPH_LEVELS, GRAPH_M, GRAPH_STATES, GRAPH_TOGETHER, GRAPH_UPPER,
  LEVEL_CAPACITY, LEVEL_SPACE, LEVEL_STRIDE, LONELY_EIGHTHS, NEAR_A_GHOST, OFFERS, RANGE_BYTES, RANGE_FROM, RANGE_ROWS, RANGE_TO, RANGE_UPPER,
  READ_TOGETHER, ROW_LEFT, ROW_LEVEL, ROW_PROTECTED, SCRATCH_ADDRESSES, SCRATCH_BEAM, SCRATCH_BEAM_COUNT, SCRATCH_CANDIDATES, SCRATCH_IDS,
  SCRATCH_KEYS, SCRATCH_LEFT, SCRATCH_ROWS, SCRATCH_SELECTED, SCRATCH_STAY, SCRATCH_STOP, SCRATCH_TOUCHED, SCRATCH_VISITED, STATE_GHOST, SWEPT_COUNT,
  SWEPT_HEADER, SWEPT_ID, SWEPT_OFFERED
} from './layout'
import { copyNeighbors, hasNeighbor } from './row'
import { descend, enterBase, gather, isUpper, loadOrdinal, nextEpoch, ordinalOf, scoreIds, searchLevel } from './search'
import { isGhost, selectBeside, selectDiverse, sortScored } from './select'

/** The mark of a candidate that has an edge to the row. */
const ANSWERS: u64 = 1

/** Looks for what replaces the edges to ghosts in the rows of range `index` of a batch, while the graph does not change: `join` writes it. */
export function sweep(graph: usize, scratch: usize, batch: usize, index: u32): void {
  const range = <usize>load<u32>(batch, BATCH_RANGES) + <usize>index * RANGE_BYTES
  const upper = load<u32>(range, RANGE_UPPER)
  const to = load<u32>(range, RANGE_TO)
  const rows = <usize>load<u32>(range, RANGE_ROWS)
  const level = graph + (upper ? GRAPH_UPPER : GRAPH_BASE)
  store<u32>(scratch, 0, SCRATCH_STOP)
  let at = rows + 4
  let changed: u32 = 0
  let offers: u32 = 0
  for (let id = load<u32>(range, RANGE_FROM); id < to; id++) {
    if (!upper && !isLinked(graph, id)) continue
    const ghosts = divide(graph, scratch, level, id)
    if (!ghosts) continue
    const stay = load<u32>(scratch, SCRATCH_STAY)
    let count = stay
    if (!isGhost(graph, ordinalOf(graph, level, id))) {
      // Where most of a neighborhood is gone, or there was little of one, what is left of it knows too little.
      const isRest = ghosts > stay || stay < load<u32>(graph, GRAPH_M) / 2
      count = isRest ? relink(graph, scratch, level, id, stay + ghosts) : mend(graph, scratch, level, id, stay, ghosts)
    }
    const selected = <usize>load<u32>(scratch, SCRATCH_SELECTED)
    const isOffered = count > stay && offers + count - stay <= <u32>OFFERS && isLonely(graph, scratch, level, id, selected, count)
    if (isOffered) offers += count - stay
    store<u32>(at, id, SWEPT_ID)
    store<u32>(at, count, SWEPT_COUNT)
    store<u32>(at, isOffered ? stay : count, SWEPT_OFFERED)
    memory.copy(at + SWEPT_HEADER, selected, <usize>count << 2)
    at += SWEPT_HEADER + (<usize>count << 2)
    changed++
  }
  store<u32>(rows, changed)
}

/** Whether few of the `count` neighbors that are chosen for a node have an edge back: as a rule, few others have one then. */
function isLonely(graph: usize, scratch: usize, level: usize, id: u32, selected: usize, count: u32): bool {
  const enough = load<u32>(level, LEVEL_CAPACITY) * LONELY_EIGHTHS / 8
  const keys = <usize>load<u32>(scratch, SCRATCH_KEYS)
  findEdges(graph, scratch, level, selected, count, id)
  let mutual: u32 = 0
  for (let i: u32 = 0; i < count && mutual < enough; i++) {
    if (load<u32>(keys + (i << 2)) && !isGhost(graph, ordinalOf(graph, level, load<u32>(selected + (i << 2))))) mutual++
  }
  return mutual < enough
}

/** HOT PATH: whether each of `count` nodes has an edge to `id`, as u32 in SCRATCH_KEYS: 0 for those that have none. */
function findEdges(graph: usize, scratch: usize, level: usize, ids: usize, count: u32, id: u32): void {
  const space = load<u32>(level, LEVEL_SPACE)
  const addresses = <usize>load<u32>(scratch, SCRATCH_ADDRESSES)
  const keys = <usize>load<u32>(scratch, SCRATCH_KEYS)
  const length = <usize>load<u32>(level, LEVEL_STRIDE) * load<u32>(level, LEVEL_CAPACITY)
  const together = min<u32>(READ_TOGETHER, load<u32>(graph, GRAPH_TOGETHER))
  for (let from: u32 = 0; from < count; from += together) {
    const several = min(together, count - from)
    resolveRows(space, ids + (from << 2), several, addresses)
    // Touches every row before the first is read, so that their cache misses overlap.
    let touched: u32 = 0
    for (let i: u32 = 0; i < several; i++) {
      const row = <usize>load<u32>(addresses + (i << 2))
      touched |= <u32>load<u8>(row) | <u32>load<u8>(row + (length >> 1))
    }
    store<u32>(scratch, touched, SCRATCH_TOUCHED)
    for (let i: u32 = 0; i < several; i++) store<u32>(keys + ((from + i) << 2), u32(hasNeighbor(level, load<u32>(addresses + (i << 2)), id)))
  }
}

/** Whether an ordinal has a node. */
export function isLinked(graph: usize, ordinal: u32): bool {
  return load<u8>(rowAddress(load<u32>(graph + GRAPH_BASE, LEVEL_SPACE), ordinal)) < <u8>ROW_LEFT
}

/**
 * Writes the neighbors of a row that stay to SCRATCH_SELECTED, and how many they are to SCRATCH_STAY, the ghosts to SCRATCH_IDS; returns how many
 * of these.
 * A protected one is both: it stays until the ghost leaves the tree, but what takes its place there need not be near.
 */
function divide(graph: usize, scratch: usize, level: usize, id: u32): u32 {
  const space = load<u32>(level, LEVEL_SPACE)
  const stays = <usize>load<u32>(scratch, SCRATCH_SELECTED)
  const goes = <usize>load<u32>(scratch, SCRATCH_IDS)
  const row = rowAddress(space, id)
  const kept = <u32>load<u8>(row, ROW_PROTECTED)
  const count = copyNeighbors(level, row, stays)
  const states = findStates(graph, scratch, level, stays, count)
  let stay: u32 = 0
  while (stay < count && load<u8>(load<u32>(states + (stay << 2))) != STATE_GHOST) stay++
  let ghosts: u32 = 0
  for (let i = stay; i < count; i++) {
    const neighbor = load<u32>(stays + (i << 2))
    const isLost = load<u8>(load<u32>(states + (i << 2))) == STATE_GHOST
    if (isLost) {
      store<u32>(goes + (ghosts << 2), neighbor)
      ghosts++
    }
    if (isLost && i >= kept) continue
    store<u32>(stays + (stay << 2), neighbor)
    stay++
  }
  store<u32>(scratch, stay, SCRATCH_STAY)
  return ghosts
}

/** HOT PATH: addresses of the states of `count` nodes, at most as many as a row has. Valid until the next fault. */
function findStates(graph: usize, scratch: usize, level: usize, ids: usize, count: u32): usize {
  const addresses = load<u32>(scratch, SCRATCH_ADDRESSES)
  if (!count) return addresses
  let ordinals = ids
  if (isUpper(graph, level)) {
    ordinals = load<u32>(scratch, SCRATCH_ROWS)
    for (let i: u32 = 0; i < count; i++) store<u32>(ordinals + (i << 2), ordinalOf(graph, level, load<u32>(ids + (i << 2))))
  }
  resolveRows(load<u32>(graph, GRAPH_STATES), ordinals, count, addresses)
  return addresses
}

/** Chooses neighbors of the ghosts in SCRATCH_IDS in their place; the others stay. Returns how many there are then, in SCRATCH_SELECTED. */
function mend(graph: usize, scratch: usize, level: usize, id: u32, stay: u32, ghosts: u32): u32 {
  const ids = <usize>load<u32>(scratch, SCRATCH_IDS)
  const list = <usize>load<u32>(scratch, SCRATCH_CANDIDATES)
  const capacity = load<u32>(level, LEVEL_CAPACITY)
  const asked = min<u32>(ghosts, GHOSTS_ASKED)
  const goes = <usize>load<u32>(scratch, SCRATCH_LEFT)
  memory.copy(goes, ids, <usize>asked << 2)
  const found = gather(scratch, level, asked, load<u32>(scratch, SCRATCH_VISITED), markKnown(scratch, id, stay))
  if (!found) return stay
  const others = sortOut(graph, scratch, level, id, found)
  const known = found + stay
  memory.copy(ids + (found << 2), load<u32>(scratch, SCRATCH_SELECTED), <usize>stay << 2)
  memory.copy(ids + (known << 2), goes, <usize>asked << 2)
  loadOrdinal(graph, scratch, ordinalOf(graph, level, id))
  scoreIds(graph, scratch, level, ids, known + asked)
  let length = sortScored(scratch, list, 0, 0, others, min<u32>(capacity, NEAR_A_GHOST * ghosts), 0)
  length = sortScored(scratch, list, length, others, found, capacity, ANSWERS)
  const near = countNear(list, length, farthest(scratch, known, known + asked))
  const beside = list + (<usize>capacity << 3)
  let besides: u32 = 0
  for (let i = found; i < known; i++) {
    // What is protected may be a ghost, too, and makes no neighbor of its own needless.
    if (!isGhost(graph, ordinalOf(graph, level, load<u32>(ids + (i << 2))))) besides = sortScored(scratch, beside, besides, i, i + 1, capacity, 0)
  }
  let count = selectBeside(graph, scratch, level, list, length, beside, besides, min(capacity, stay + FOR_A_GHOST * ghosts), stay)
  count = fill(graph, scratch, level, near, count, stay + ghosts, ANSWERS)
  return fill(graph, scratch, level, near, count, stay + ghosts, 0)
}

/** The largest of the keys in [from, to) of SCRATCH_KEYS. */
function farthest(scratch: usize, from: u32, to: u32): u32 {
  const keys = <usize>load<u32>(scratch, SCRATCH_KEYS)
  let largest: u32 = 0
  for (let i = from; i < to; i++) largest = max(largest, load<u32>(keys + (i << 2)))
  return largest
}

/** How many entries of a list, nearest first, have no larger key. */
function countNear(list: usize, length: u32, key: u32): u32 {
  while (length && keyOf(load<u64>(list + (<usize>(length - 1) << 3))) > key) length--
  return length
}

/** Chooses all but the protected neighbors anew, among those that a search finds: three quarters of what a row holds, or `least` of them. */
function relink(graph: usize, scratch: usize, level: usize, id: u32, least: u32): u32 {
  const kept = <u32>load<u8>(rowAddress(load<u32>(level, LEVEL_SPACE), id), ROW_PROTECTED)
  const length = searchAround(graph, scratch, level, id, kept)
  const capacity = load<u32>(level, LEVEL_CAPACITY)
  const count = selectDiverse(graph, scratch, level, load<u32>(scratch, SCRATCH_CANDIDATES), length, capacity, kept)
  return fill(graph, scratch, level, length, count, max(least, capacity - capacity / 4), 0)
}

/**
 * Adds to the first `count` of SCRATCH_SELECTED the nearest of the `length` candidates that were left out and have the mark, until there are `least`:
 * where lists shrink, recall does.
 */
function fill(graph: usize, scratch: usize, level: usize, length: u32, count: u32, least: u32, mark: u64): u32 {
  const list = <usize>load<u32>(scratch, SCRATCH_CANDIDATES)
  const selected = <usize>load<u32>(scratch, SCRATCH_SELECTED)
  const enough = min(load<u32>(level, LEVEL_CAPACITY), least)
  for (let i: u32 = 0; i < length && count < enough; i++) {
    const entry = load<u64>(list + (<usize>i << 3))
    const id = idOf(entry)
    let isOut = (entry & mark) != mark || isGhost(graph, ordinalOf(graph, level, id))
    for (let j: u32 = 0; j < count && !isOut; j++) isOut = load<u32>(selected + (j << 2)) == id
    if (isOut) continue
    store<u32>(selected + (count << 2), id)
    count++
  }
  return count
}

/** Moves those of the `found` ids in SCRATCH_IDS that have an edge to the node behind the others; returns how many these are. */
function sortOut(graph: usize, scratch: usize, level: usize, id: u32, found: u32): u32 {
  const ids = <usize>load<u32>(scratch, SCRATCH_IDS)
  const keys = <usize>load<u32>(scratch, SCRATCH_KEYS)
  findEdges(graph, scratch, level, ids, found, id)
  let others: u32 = 0
  for (let i: u32 = 0; i < found; i++) {
    if (load<u32>(keys + (i << 2))) continue
    const one = load<u32>(ids + (i << 2))
    store<u32>(ids + (i << 2), load<u32>(ids + (others << 2)))
    store<u32>(ids + (others << 2), one)
    others++
  }
  return others
}

/** Searches for a node, and leaves what it finds, without the node and what it is linked with, in SCRATCH_CANDIDATES; returns how many. */
function searchAround(graph: usize, scratch: usize, level: usize, id: u32, stay: u32): u32 {
  const list = <usize>load<u32>(scratch, SCRATCH_CANDIDATES)
  const beam = <usize>load<u32>(scratch, SCRATCH_BEAM)
  const visited = <usize>load<u32>(scratch, SCRATCH_VISITED)
  const height = isUpper(graph, level) ? <u32>load<u8>(rowAddress(load<u32>(level, LEVEL_SPACE), id), ROW_LEVEL) : 1
  if (height > load<u32>(graph, GRAPH_LEVELS)) return 0
  loadOrdinal(graph, scratch, ordinalOf(graph, level, id))
  descend(graph, scratch, height)
  if (!isUpper(graph, level)) enterBase(graph, scratch)
  searchLevel(graph, scratch, level, load<u32>(graph, GRAPH_EF_CONSTRUCTION))
  const epoch = markKnown(scratch, id, stay)
  const count = load<u32>(scratch, SCRATCH_BEAM_COUNT)
  let length: u32 = 0
  for (let i: u32 = 0; i < count; i++) {
    const entry = load<u64>(beam + (<usize>i << 3))
    if (load<u8>(visited + idOf(entry)) == <u8>epoch) continue
    store<u64>(list + (<usize>length << 3), entry & ~1)
    length++
  }
  return length
}

/** Marks a node and the `count` neighbors in SCRATCH_SELECTED as visited. */
function markKnown(scratch: usize, id: u32, count: u32): u32 {
  const visited = <usize>load<u32>(scratch, SCRATCH_VISITED)
  const selected = <usize>load<u32>(scratch, SCRATCH_SELECTED)
  const epoch = nextEpoch(scratch)
  store<u8>(visited + id, epoch)
  for (let i: u32 = 0; i < count; i++) store<u8>(visited + load<u32>(selected + (i << 2)), epoch)
  return epoch
}
