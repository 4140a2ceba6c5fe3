/** What a search returns: the nearest live ordinals with distances from full vectors. */

import { SPACE_ID } from '../../storage/kernel/layout'
import { resolveRows, rowAddress } from '../../storage/kernel/space'
import { unsortable } from '../../codecs/kernel/f32'
import { entryOf, idOf, insertSorted, keyOf } from './beam'
import {
  GRAPH_CODES, GRAPH_KEY_ORIGIN, GRAPH_KEY_UNIT, GRAPH_LEVELS, GRAPH_RECORDS, GRAPH_SCORER, GRAPH_STATES, GRAPH_TOGETHER,
  GRAPH_VECTOR_BYTES, MARGIN, RERANKED, SCAN, SCORER_F32, SCRATCH_ADDRESSES, SCRATCH_BEAM, SCRATCH_BEAM_COUNT, SCRATCH_CANDIDATES,
  SCRATCH_IDS, SCRATCH_KEYS, SCRATCH_QUERY, SCRATCH_RESULT, STATE_LIVE, STATE_UNCODED
} from './layout'
import { scoreFull } from './query'
import { searchBase } from './search'

/** Fills the record row of an ordinal from the store of records. */
// @ts-ignore: decorator
@external('env', 'loadRecord')
declare function loadRecord(spaceId: u32, ordinal: u32): void

// @ts-ignore: decorator
@inline
function isLive(states: usize, ordinal: u32): bool {
  return load<u8>(rowAddress(states, ordinal)) == STATE_LIVE
}

/**
 * Searches the graph for the loaded query.
 *
 * Shapes: SCRATCH_RESULT u64[k], written, nearest first: sortable distance << 32 | ordinal << 1. Returns how many, at most k.
 */
export function search(graph: usize, scratch: usize, ef: u32, k: u32): u32 {
  if (!load<u32>(graph, GRAPH_LEVELS)) return 0
  searchBase(graph, scratch, ef)
  return load<u32>(graph, GRAPH_SCORER) == SCORER_F32 ? takeLive(graph, scratch, k) : rerank(graph, scratch, k)
}

/** Distances of the beam are exact: its nearest live entries are the result. */
function takeLive(graph: usize, scratch: usize, k: u32): u32 {
  const states = load<u32>(graph, GRAPH_STATES)
  const beam = <usize>load<u32>(scratch, SCRATCH_BEAM)
  const count = load<u32>(scratch, SCRATCH_BEAM_COUNT)
  const result = <usize>load<u32>(scratch, SCRATCH_RESULT)
  let found: u32 = 0
  for (let i: u32 = 0; i < count && found < k; i++) {
    const entry = load<u64>(beam + (<usize>i << 3))
    if (isLive(states, idOf(entry))) store<u64>(result + (<usize>(found++) << 3), entry & ~1)
  }
  return found
}

/**
 * Measures the beam's live entries by their full vectors, nearest first and RERANKED at a time, until no other can be among the k nearest.
 *
 * How far a code's distance is off is learned from those measured so far: an entry whose distance, less MARGIN times the largest
 * deviation from the mean error, is beyond the k-th, ends it.
 */
function rerank(graph: usize, scratch: usize, k: u32): u32 {
  const states = load<u32>(graph, GRAPH_STATES)
  const beam = <usize>load<u32>(scratch, SCRATCH_BEAM)
  const count = load<u32>(scratch, SCRATCH_BEAM_COUNT)
  const result = <usize>load<u32>(scratch, SCRATCH_RESULT)
  const candidates = <usize>load<u32>(scratch, SCRATCH_CANDIDATES)
  const keys = <usize>load<u32>(scratch, SCRATCH_KEYS)
  const origin = load<u32>(graph, GRAPH_KEY_ORIGIN)
  const unit = load<f32>(graph, GRAPH_KEY_UNIT)
  let found: u32 = 0
  let measured: u32 = 0
  let sum: f64 = 0
  let least: f64 = Infinity
  let next: u32 = 0
  while (next < count) {
    if (found == k && measured >= <u32>RERANKED) {
      const mean = sum / <f64>measured
      const nearest = distanceOf(keyOf(load<u64>(beam + (<usize>next << 3))), origin, unit) + mean - MARGIN * (mean - least)
      if (nearest > <f64>unsortable(keyOf(load<u64>(result + (<usize>(k - 1) << 3))))) break
    }
    // Entries that are scored now: u32 ordinals, and the beam's distances of them behind.
    let length: u32 = 0
    for (; next < count && length < <u32>RERANKED; next++) {
      const entry = load<u64>(beam + (<usize>next << 3))
      if (!isLive(states, idOf(entry))) continue
      store<u32>(candidates + (length << 2), idOf(entry))
      store<u32>(candidates + ((RERANKED + length) << 2), keyOf(entry))
      length++
    }
    if (!length) break
    found = scoreInto(graph, scratch, candidates, length, k, found)
    for (let i: u32 = 0; i < length; i++) {
      const error = <f64>unsortable(load<u32>(keys + (i << 2))) - distanceOf(load<u32>(candidates + ((RERANKED + i) << 2)), origin, unit)
      sum += error
      least = min(least, error)
    }
    measured += length
  }
  return found
}

/** The distance that a key of codes stands for. */
// @ts-ignore: decorator
@inline
function distanceOf(key: u32, origin: u32, unit: f32): f64 {
  return <f64>(<i64>key - <i64>origin) * <f64>unit
}

/** Scores the live ordinals of [from, to) by their full vectors. Result as in search; `found` are there already. */
export function scan(graph: usize, scratch: usize, from: u32, to: u32, k: u32, found: u32): u32 {
  return scanAll(graph, scratch, from, to, 0, k, found)
}

/** As scan, for ordinals that are given. Shapes: ordinals u32[length]. */
export function scanIds(graph: usize, scratch: usize, ordinals: usize, length: u32, k: u32, found: u32): u32 {
  return scanAll(graph, scratch, 0, length, ordinals, k, found)
}

/** Scores [from, to), or what stands there in `ordinals` when these are given. */
function scanAll(graph: usize, scratch: usize, from: u32, to: u32, ordinals: usize, k: u32, found: u32): u32 {
  const states = load<u32>(graph, GRAPH_STATES)
  const ids = <usize>load<u32>(scratch, SCRATCH_IDS)
  const several = min<u32>(SCAN, load<u32>(graph, GRAPH_TOGETHER))
  // Where codes are the full vectors, who has no code cannot be scored.
  const least: u32 = load<u32>(graph, GRAPH_SCORER) == SCORER_F32 ? STATE_LIVE : STATE_UNCODED
  let count: u32 = 0
  for (let i = from; i < to; i++) {
    const ordinal = ordinals ? load<u32>(ordinals + (<usize>i << 2)) : i
    const state = <u32>load<u8>(rowAddress(states, ordinal))
    if (state < least || state > <u32>STATE_LIVE) continue
    store<u32>(ids + (count << 2), ordinal)
    if (++count == several) {
      found = scoreInto(graph, scratch, ids, count, k, found)
      count = 0
    }
  }
  return count ? scoreInto(graph, scratch, ids, count, k, found) : found
}

/** Measures at most SCAN ordinals by their full vectors and keeps the k nearest in the result. */
function scoreInto(graph: usize, scratch: usize, ids: usize, count: u32, k: u32, found: u32): u32 {
  const addresses = <usize>load<u32>(scratch, SCRATCH_ADDRESSES)
  const keys = <usize>load<u32>(scratch, SCRATCH_KEYS)
  const result = <usize>load<u32>(scratch, SCRATCH_RESULT)
  if (load<u32>(graph, GRAPH_SCORER) == SCORER_F32) {
    resolveRows(load<u32>(graph, GRAPH_CODES), ids, count, addresses)
  } else {
    const records = load<u32>(graph, GRAPH_RECORDS)
    const vectorBytes = load<u32>(graph, GRAPH_VECTOR_BYTES)
    resolveRows(records, ids, count, addresses)
    for (let i: u32 = 0; i < count; i++) {
      // Filling a record row reads the records only; the frames stay where they are.
      if (!load<u8>(load<u32>(addresses + (i << 2)) + vectorBytes)) loadRecord(load<u32>(records, SPACE_ID), load<u32>(ids + (i << 2)))
    }
  }
  scoreFull(graph, load<u32>(scratch, SCRATCH_QUERY), addresses, count, keys)
  for (let i: u32 = 0; i < count; i++) {
    found = insertSorted(result, found, k, entryOf(load<u32>(keys + (i << 2)), load<u32>(ids + (i << 2))))
  }
  return found
}
