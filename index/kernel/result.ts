/** What a search returns: the nearest live ordinals with distances from full vectors. */

import { SPACE_ID } from '../../storage/kernel/layout'
import { resolveRows, rowAddress } from '../../storage/kernel/space'
import { entryOf, idOf, insertSorted } from './beam'
import {
  GRAPH_CODES, GRAPH_LEVELS, GRAPH_RECORDS, GRAPH_SCORER, GRAPH_STATES, GRAPH_VECTOR_BYTES, SCORER_F32, SCRATCH_ADDRESSES, SCRATCH_BEAM,
  SCRATCH_BEAM_COUNT, SCRATCH_CANDIDATES, SCRATCH_IDS, SCRATCH_KEYS, SCRATCH_QUERY, SCRATCH_RESULT, STATE_LIVE
} from './layout'
import { scoreFull } from './query'
import { searchBase } from './search'

/** Ordinals of a scan that are scored together. */
const SCAN: u32 = 64

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
 * Shapes: SCRATCH_RESULT u64[k], written, nearest first: sortable distance << 32 | ordinal << 1.
 * Returns how many, at most k. `rerank` is how many of the beam's nearest are measured by their full vectors.
 */
export function search(graph: usize, scratch: usize, ef: u32, k: u32, rerank: u32): u32 {
  if (!load<u32>(graph, GRAPH_LEVELS)) return 0
  searchBase(graph, scratch, ef)
  const states = load<u32>(graph, GRAPH_STATES)
  const beam = <usize>load<u32>(scratch, SCRATCH_BEAM)
  const count = load<u32>(scratch, SCRATCH_BEAM_COUNT)
  const result = <usize>load<u32>(scratch, SCRATCH_RESULT)
  if (load<u32>(graph, GRAPH_SCORER) == SCORER_F32) {
    let found: u32 = 0
    for (let i: u32 = 0; i < count && found < k; i++) {
      const entry = load<u64>(beam + (<usize>i << 3))
      if (isLive(states, idOf(entry))) store<u64>(result + (<usize>(found++) << 3), entry & ~1)
    }
    return found
  }
  const candidates = <usize>load<u32>(scratch, SCRATCH_CANDIDATES)
  let length: u32 = 0
  for (let i: u32 = 0; i < count && length < rerank; i++) {
    const ordinal = idOf(load<u64>(beam + (<usize>i << 3)))
    if (isLive(states, ordinal)) store<u32>(candidates + (length++ << 2), ordinal)
  }
  let found: u32 = 0
  for (let i: u32 = 0; i < length; i += SCAN) found = scoreInto(graph, scratch, candidates + (i << 2), min(SCAN, length - i), k, found)
  return found
}

/** Scores the live ordinals of [from, to) by their full vectors. Result as in search; `found` are there already. */
export function scan(graph: usize, scratch: usize, from: u32, to: u32, k: u32, found: u32): u32 {
  const states = load<u32>(graph, GRAPH_STATES)
  const ids = <usize>load<u32>(scratch, SCRATCH_IDS)
  let count: u32 = 0
  for (let ordinal = from; ordinal < to; ordinal++) {
    if (!isLive(states, ordinal)) continue
    store<u32>(ids + (count << 2), ordinal)
    if (++count == SCAN) {
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
