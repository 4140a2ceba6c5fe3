/**
 * Search over one level, and the way down to level 0.
 *
 * Source: Malkov, Yashunin 2018, algorithms 2 and 5, changed in one way: several candidates are expanded together, so that
 * their cache misses overlap (there is no prefetch instruction).
 */

import { SPACE_ROW_BYTES } from '../../storage/kernel/layout'
import { resolveRows, rowAddress } from '../../storage/kernel/space'
import { entryOf, idOf, insertAt, keyOf, positionIn } from './beam'
import {
  EF_NARROW, EF_WIDE, GRAPH_BASE, GRAPH_CODES, GRAPH_ENTRY, GRAPH_LEVELS, GRAPH_SCORER, GRAPH_TOGETHER, GRAPH_UPPER, GRAPH_VECTOR_BYTES, LEVEL_CAPACITY,
  LEVEL_EMPTY, LEVEL_HEADER, LEVEL_SPACE, LEVEL_STRIDE, ROW_BELOW, ROW_ORDINAL, SCORER_F32, SCRATCH_ADDRESSES, SCRATCH_BEAM, SCRATCH_BEAM_COUNT,
  SCRATCH_CODE_QUERY, SCRATCH_EPOCH, SCRATCH_HOPS, SCRATCH_IDS, SCRATCH_KEYS, SCRATCH_QUERY, SCRATCH_ROWS, SCRATCH_STOP, SCRATCH_TOUCHED, SCRATCH_VISITED,
  SCRATCH_VISITED_BYTES, WIDTH, WIDTH_LEAST, WIDTH_MOST
} from './layout'
import { loadRow, score } from './query'

/** Rows up to this long are read together before the first is scored: so many longer ones would drive each other out of the nearest cache. */
const TOUCHED: usize = 640

// @ts-ignore: decorator
@inline
export function isUpper(graph: usize, level: usize): bool {
  return level == graph + GRAPH_UPPER
}

/** The ordinal that an id of this level stands for. */
export function ordinalOf(graph: usize, level: usize, id: u32): u32 {
  return isUpper(graph, level) ? load<u32>(rowAddress(load<u32>(level, LEVEL_SPACE), id), ROW_ORDINAL) : id
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

/** The ordinals that `count` ids of a level stand for: the ids themselves, or on upper levels, whose rows are all resident at once, what is in SCRATCH_ROWS then. */
function ordinalsOf(graph: usize, scratch: usize, level: usize, ids: usize, count: u32): usize {
  if (!isUpper(graph, level)) return ids
  const rows = <usize>load<u32>(scratch, SCRATCH_ROWS)
  resolveRows(load<u32>(level, LEVEL_SPACE), ids, count, rows)
  for (let i: u32 = 0; i < count; i++) store<u32>(rows + (i << 2), load<u32>(<usize>load<u32>(rows + (i << 2)), ROW_ORDINAL))
  return rows
}

/** Keys of `count` ids of a level; the keys stand in SCRATCH_KEYS, in the order of `ids`. */
export function scoreIds(graph: usize, scratch: usize, level: usize, ids: usize, count: u32): void {
  const codes = load<u32>(graph, GRAPH_CODES)
  const addresses = load<u32>(scratch, SCRATCH_ADDRESSES)
  const keys = <usize>load<u32>(scratch, SCRATCH_KEYS)
  const together = load<u32>(graph, GRAPH_TOGETHER)
  const rowBytes = <usize>load<u32>(codes, SPACE_ROW_BYTES)
  for (let i: u32 = 0; i < count; i += together) {
    const several = min(together, count - i)
    resolveRows(codes, ordinalsOf(graph, scratch, level, ids + (i << 2), several), several, addresses)
    if (rowBytes <= TOUCHED) store<u32>(scratch, touchRows(addresses, several, rowBytes), SCRATCH_TOUCHED)
    score(graph, scratch, addresses, several, keys + (i << 2))
  }
}

/** Reads every cache line of `count` rows, so that they arrive together. Returns a value that depends on all reads: store it. */
function touchRows(addresses: usize, count: u32, rowBytes: usize): u32 {
  let touched: u32 = 0
  for (let i: u32 = 0; i < count; i++) {
    const row = <usize>load<u32>(addresses + (i << 2))
    for (let o: usize = 0; o < rowBytes; o += 64) touched |= load<u8>(row + o)
    touched |= load<u8>(row + rowBytes - 1)
  }
  return touched
}

/** A new generation of visited marks. */
export function nextEpoch(scratch: usize): u32 {
  let epoch = load<u32>(scratch, SCRATCH_EPOCH) + 1
  if (epoch > 255) {
    memory.fill(load<u32>(scratch, SCRATCH_VISITED), 0, load<u32>(scratch, SCRATCH_VISITED_BYTES))
    epoch = 1
  }
  store<u32>(scratch, epoch, SCRATCH_EPOCH)
  return epoch
}

/** Begins a beam with one id. */
export function startBeam(graph: usize, scratch: usize, level: usize, id: u32): void {
  const ids = <usize>load<u32>(scratch, SCRATCH_IDS)
  store<u32>(ids, id)
  scoreIds(graph, scratch, level, ids, 1)
  store<u64>(load<u32>(scratch, SCRATCH_BEAM), entryOf(load<u32>(load<u32>(scratch, SCRATCH_KEYS)), id))
  store<u32>(scratch, 1, SCRATCH_BEAM_COUNT)
}

/** Whether a search should end with what it has. */
// @ts-ignore: decorator
@inline
export function isStopped(scratch: usize): bool {
  const stop = <usize>load<u32>(scratch, SCRATCH_STOP)
  return stop != 0 && load<u32>(stop) != 0
}

/** HOT PATH: widens the beam of a level until its `ef` nearest are expanded, or it is told to stop. The beam holds at least one entry before. */
export function searchLevel(graph: usize, scratch: usize, level: usize, ef: u32): void {
  const beam = <usize>load<u32>(scratch, SCRATCH_BEAM)
  const visited = <usize>load<u32>(scratch, SCRATCH_VISITED)
  const ids = <usize>load<u32>(scratch, SCRATCH_IDS)
  const keys = <usize>load<u32>(scratch, SCRATCH_KEYS)
  const epoch = nextEpoch(scratch)
  const width: u32 = ef < <u32>EF_NARROW ? WIDTH_LEAST : ef < <u32>EF_WIDE ? WIDTH : WIDTH_MOST
  let count = load<u32>(scratch, SCRATCH_BEAM_COUNT)
  for (let i: u32 = 0; i < count; i++) store<u8>(visited + idOf(load<u64>(beam + (<usize>i << 3))), epoch)
  let cursor: u32 = 0
  let hops: u32 = 0
  for (;;) {
    let picked: u32 = 0
    for (; cursor < count && picked < width; cursor++) {
      const at = beam + (<usize>cursor << 3)
      const entry = load<u64>(at)
      if (entry & 1) continue
      store<u64>(at, entry | 1)
      store<u32>(ids + (picked << 2), idOf(entry))
      picked++
    }
    if (!picked || isStopped(scratch)) break
    hops += picked
    const gathered = gather(scratch, level, picked, visited, epoch)
    if (!gathered) continue
    scoreIds(graph, scratch, level, ids, gathered)
    let worst: u32 = count < ef ? u32.MAX_VALUE : keyOf(load<u64>(beam + (<usize>(count - 1) << 3)))
    for (let i: u32 = 0; i < gathered; i++) {
      const key = load<u32>(keys + (i << 2))
      if (key >= worst) continue
      const entry = entryOf(key, load<u32>(ids + (i << 2)))
      const position = positionIn(beam, count, entry)
      count = insertAt(beam, count, ef, position, entry)
      if (position < cursor) cursor = position
      if (count == ef) worst = keyOf(load<u64>(beam + (<usize>(count - 1) << 3)))
    }
  }
  store<u32>(scratch, count, SCRATCH_BEAM_COUNT)
  store<u32>(scratch, load<u32>(scratch, SCRATCH_HOPS) + hops, SCRATCH_HOPS)
}

/** Replaces the `picked` ids by their neighbors that were not visited yet; returns how many. */
// @ts-ignore: decorator
@inline
export function gather(scratch: usize, level: usize, picked: u32, visited: usize, epoch: u32): u32 {
  const ids = <usize>load<u32>(scratch, SCRATCH_IDS)
  const rows = <usize>load<u32>(scratch, SCRATCH_ROWS)
  resolveRows(load<u32>(level, LEVEL_SPACE), ids, picked, rows)
  const header = <usize>load<u32>(level, LEVEL_HEADER)
  const stride = <usize>load<u32>(level, LEVEL_STRIDE)
  const empty = load<u32>(level, LEVEL_EMPTY)
  const length = stride * load<u32>(level, LEVEL_CAPACITY)
  // Touches every row before the first is read, so that their cache misses overlap.
  let touched: u32 = 0
  for (let i: u32 = 0; i < picked; i++) {
    const row = <usize>load<u32>(rows + (i << 2))
    touched |= <u32>load<u8>(row) | <u32>load<u8>(row + (length >> 1)) | <u32>load<u8>(row + length)
  }
  store<u32>(scratch, touched, SCRATCH_TOUCHED)
  let count: u32 = 0
  for (let i: u32 = 0; i < picked; i++) {
    let at = <usize>load<u32>(rows + (i << 2)) + header
    const end = at + length
    for (; at < end; at += stride) {
      const id = load<u32>(at) & empty
      if (id == empty) break
      const mark = visited + id
      // Always stored, kept only when new: no branch to mispredict.
      store<u32>(ids + (count << 2), id)
      count += u32(load<u8>(mark) != epoch)
      store<u8>(mark, epoch)
    }
  }
  return count
}

/** Walks greedily from the entry point down to `until` (1 or higher); leaves the nearest slot of that level in the beam. */
export function descend(graph: usize, scratch: usize, until: u32): void {
  const level = graph + GRAPH_UPPER
  const space = load<u32>(level, LEVEL_SPACE)
  const beam = <usize>load<u32>(scratch, SCRATCH_BEAM)
  const ids = <usize>load<u32>(scratch, SCRATCH_IDS)
  const keys = <usize>load<u32>(scratch, SCRATCH_KEYS)
  const capacity = load<u32>(level, LEVEL_CAPACITY)
  let height = load<u32>(graph, GRAPH_LEVELS)
  startBeam(graph, scratch, level, load<u32>(graph, GRAPH_ENTRY))
  let best = load<u64>(beam)
  for (;;) {
    const row = rowAddress(space, idOf(best))
    const below = load<u32>(row, ROW_BELOW)
    let count: u32 = 0
    let at = row + <usize>load<u32>(level, LEVEL_HEADER)
    for (; count < capacity; count++, at += 4) {
      const id = load<u32>(at)
      if (id == u32.MAX_VALUE) break
      store<u32>(ids + (count << 2), id)
    }
    let nearest = best
    if (count) {
      scoreIds(graph, scratch, level, ids, count)
      for (let i: u32 = 0; i < count; i++) {
        const entry = entryOf(load<u32>(keys + (i << 2)), load<u32>(ids + (i << 2)))
        if (keyOf(entry) < keyOf(nearest)) nearest = entry
      }
    }
    if (nearest != best) {
      best = nearest
      continue
    }
    if (height <= until) break
    height--
    best = entryOf(keyOf(best), below)
  }
  store<u64>(beam, best)
  store<u32>(scratch, 1, SCRATCH_BEAM_COUNT)
}

/** Turns the beam of level 1 (its nearest entry) into a beam of level 0. */
export function enterBase(graph: usize, scratch: usize): void {
  const beam = <usize>load<u32>(scratch, SCRATCH_BEAM)
  const entry = load<u64>(beam)
  store<u64>(beam, entryOf(keyOf(entry), ordinalOf(graph, graph + GRAPH_UPPER, idOf(entry))))
  store<u32>(scratch, 1, SCRATCH_BEAM_COUNT)
}

/** The `ef` nearest of level 0, into the beam. */
export function searchBase(graph: usize, scratch: usize, ef: u32): void {
  descend(graph, scratch, 1)
  enterBase(graph, scratch)
  searchLevel(graph, scratch, graph + GRAPH_BASE, ef)
}
