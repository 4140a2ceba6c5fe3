/**
 * The choice of a node's neighbors: near, and in different directions.
 *
 * Source: Malkov, Yashunin 2018, algorithm 4, without extension of candidates and without keeping pruned ones.
 */

import { rowAddress } from '../../storage/kernel/space'
import { entryOf, idOf, insertSorted, keyOf } from './beam'
import { GRAPH_GHOSTS, GRAPH_STATES, SCRATCH_CANDIDATES, SCRATCH_IDS, SCRATCH_KEYS, SCRATCH_LEFT, SCRATCH_SELECTED, STATE_GHOST } from './layout'
import { loadOrdinal, ordinalOf, scoreIds } from './search'

/** Whether no edge may lead to an ordinal any more. */
export function isGhost(graph: usize, ordinal: u32): bool {
  return load<u32>(graph, GRAPH_GHOSTS) != 0 && load<u8>(rowAddress(load<u32>(graph, GRAPH_STATES), ordinal)) == STATE_GHOST
}

/** Sorts the `most` nearest of the `count` ids in SCRATCH_IDS, by their distance from the node, into SCRATCH_CANDIDATES; returns how many. */
export function sortNear(graph: usize, scratch: usize, level: usize, id: u32, count: u32, most: u32): u32 {
  if (!count) return 0
  loadOrdinal(graph, scratch, ordinalOf(graph, level, id))
  scoreIds(graph, scratch, level, load<u32>(scratch, SCRATCH_IDS), count)
  return sortScored(scratch, load<u32>(scratch, SCRATCH_CANDIDATES), 0, 0, count, most, 0)
}

/** Inserts the ids in [from, to) of SCRATCH_IDS, with their keys and a mark of one bit, into a list of `length` entries, `most` then; returns how many. */
export function sortScored(scratch: usize, list: usize, length: u32, from: u32, to: u32, most: u32, mark: u64): u32 {
  const ids = <usize>load<u32>(scratch, SCRATCH_IDS)
  const keys = <usize>load<u32>(scratch, SCRATCH_KEYS)
  for (let i = from; i < to; i++) length = insertSorted(list, length, most, entryOf(load<u32>(keys + (i << 2)), load<u32>(ids + (i << 2))) | mark)
  return length
}

/**
 * Goes through `list` (u64 entries, nearest first) and chooses those that are nearer to the node than to any chosen one, and no ghosts,
 * until `limit`; the first `count` of SCRATCH_SELECTED are chosen already. Returns how many then are; their ids stand in SCRATCH_SELECTED.
 *
 * Each that is chosen strikes out those behind it that are nearer to it than to the node: so few codes are made the query, and each is compared
 * with many.
 */
export function selectDiverse(graph: usize, scratch: usize, level: usize, list: usize, length: u32, limit: u32, count: u32): u32 {
  const selected = <usize>load<u32>(scratch, SCRATCH_SELECTED)
  const left = <usize>load<u32>(scratch, SCRATCH_LEFT)
  let end = copyUseful(graph, level, list, length, left)
  for (let i: u32 = 0; i < count; i++) end = strike(graph, scratch, level, load<u32>(selected + (i << 2)), left, end)
  return choose(graph, scratch, level, end, 0, 0, limit, count)
}

/** The same, where those that are chosen already strike out only what is farther from the node than they are; these are `beside`, nearest first. */
export function selectBeside(
  graph: usize, scratch: usize, level: usize, list: usize, length: u32, beside: usize, besideCount: u32, limit: u32, count: u32
): u32 {
  const end = copyUseful(graph, level, list, length, load<u32>(scratch, SCRATCH_LEFT))
  return choose(graph, scratch, level, end, beside, beside + (<usize>besideCount << 3), limit, count)
}

/** Copies the entries of no ghosts; returns their end. */
function copyUseful(graph: usize, level: usize, list: usize, length: u32, to: usize): usize {
  for (let i: u32 = 0; i < length; i++) {
    const entry = load<u64>(list + (<usize>i << 3))
    if (isGhost(graph, ordinalOf(graph, level, idOf(entry)))) continue
    store<u64>(to, entry)
    to += 8
  }
  return to
}

/** Chooses from SCRATCH_LEFT, which ends at `end`; the entries in [beside, besideEnd) strike as if they were chosen in their turn. */
function choose(graph: usize, scratch: usize, level: usize, end: usize, beside: usize, besideEnd: usize, limit: u32, count: u32): u32 {
  const selected = <usize>load<u32>(scratch, SCRATCH_SELECTED)
  let at = <usize>load<u32>(scratch, SCRATCH_LEFT)
  while (at < end && count < limit) {
    const entry = load<u64>(at)
    if (beside < besideEnd && load<u64>(beside) < entry) {
      end = strike(graph, scratch, level, idOf(load<u64>(beside)), at, end)
      beside += 8
      continue
    }
    store<u32>(selected + (count << 2), idOf(entry))
    count++
    at += 8
    if (count < limit) end = strike(graph, scratch, level, idOf(entry), at, end)
  }
  return count
}

/** Leaves out the entries in [from, end) that are nearer to `id` than to the node; the others move together. Returns their end. */
function strike(graph: usize, scratch: usize, level: usize, id: u32, from: usize, end: usize): usize {
  if (from == end) return end
  const ids = <usize>load<u32>(scratch, SCRATCH_IDS)
  const keys = <usize>load<u32>(scratch, SCRATCH_KEYS)
  const count = <u32>((end - from) >> 3)
  for (let i: u32 = 0; i < count; i++) store<u32>(ids + (i << 2), idOf(load<u64>(from + (<usize>i << 3))))
  loadOrdinal(graph, scratch, ordinalOf(graph, level, id))
  scoreIds(graph, scratch, level, ids, count)
  let to = from
  for (let i: u32 = 0; i < count; i++) {
    const entry = load<u64>(from + (<usize>i << 3))
    store<u64>(to, entry)
    to += select<usize>(0, 8, load<u32>(keys + (i << 2)) < keyOf(entry))
  }
  return to
}
