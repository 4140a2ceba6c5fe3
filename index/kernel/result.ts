/** What a search returns: the nearest live ordinals with distances from full vectors, or from codes where these are exact, or all that there is. */

import { SPACE_ID } from '../../storage/kernel/layout'
import { resolveKept } from '../../storage/kernel/kept'
import { countReads, MOST_TRIES, refuse, resolveRows, rowAddress } from '../../storage/kernel/space'
import { sortable, unsortable } from '../../codecs/kernel/f32'
import { entryOf, idOf, insertAt, insertSorted, keyOf, positionIn } from './beam'
import {
  GRAPH_CODES, GRAPH_LEVELS, GRAPH_RECORDS, GRAPH_RERANKS, GRAPH_SCORER, GRAPH_STATES, GRAPH_TASKS, GRAPH_TASKS_END,
  GRAPH_TASKS_FIRST, GRAPH_TOGETHER, RERANKED, SCAN, SCORER_F32, SCRATCH_ADDRESSES, SCRATCH_BEAM, SCRATCH_BEAM_COUNT,
  SCRATCH_CANDIDATES, SCRATCH_IDS, SCRATCH_KEYS, SCRATCH_MEASURED, SCRATCH_MISSED, SCRATCH_QUERY, SCRATCH_RESULT, STATE_LIVE, STATE_UNCODED, TASK_BITS, TASK_REMOVE
} from './layout'
import { distanceOf, score, scoreFull } from './query'
import { isStopped, searchBase } from './search'

/** Has the record rows of ordinals kept, filled from the store of records. Shapes: ordinals u32[count]. */
// @ts-ignore: decorator
@external('env', 'loadRecords')
declare function loadRecords(spaceId: u32, ordinals: usize, count: u32): void

// @ts-ignore: decorator
@inline
function isLive(states: usize, ordinal: u32): bool {
  return load<u8>(rowAddress(states, ordinal)) == STATE_LIVE
}

/** Searches the graph for the loaded query: first a beam, then a choice from it. */
export function search(graph: usize, scratch: usize, ef: u32, k: u32, measured: u32, misses: f32): u32 {
  widen(graph, scratch, ef)
  return chooseFrom(graph, scratch, k, measured, misses)
}

/** The `ef` nearest of the graph by their codes, into the beam; none where it is empty. */
export function widen(graph: usize, scratch: usize, ef: u32): void {
  if (load<u32>(graph, GRAPH_LEVELS)) searchBase(graph, scratch, ef)
  else store<u32>(scratch, 0, SCRATCH_BEAM_COUNT)
}

/**
 * The nearest of the beam. Where codes are approximate, `measured` of them are measured by their full vectors; when that is 0, as many
 * as it takes to miss no more than `misses` of those that the beam holds, and SCRATCH_MISSED is how many it probably does not hold.
 *
 * Shapes: SCRATCH_RESULT u64[k], written, nearest first: sortable distance << 32 | ordinal << 1. Returns how many, at most k.
 */
export function chooseFrom(graph: usize, scratch: usize, k: u32, measured: u32, misses: f32): u32 {
  store<f32>(scratch, 0, SCRATCH_MISSED)
  return load<u32>(graph, GRAPH_RERANKS) ? rerank(graph, scratch, k, measured, misses) : takeLive(graph, scratch, k)
}

/** The beam's nearest live entries are the result. */
function takeLive(graph: usize, scratch: usize, k: u32): u32 {
  const states = load<u32>(graph, GRAPH_STATES)
  const beam = <usize>load<u32>(scratch, SCRATCH_BEAM)
  const count = load<u32>(scratch, SCRATCH_BEAM_COUNT)
  const result = <usize>load<u32>(scratch, SCRATCH_RESULT)
  let found: u32 = 0
  for (let i: u32 = 0; i < count && found < k; i++) {
    const entry = load<u64>(beam + (<usize>i << 3))
    if (!isLive(states, idOf(entry))) continue
    // Different keys may be the same distance, when it is rounded.
    found = insertSorted(result, found, k, entryOf(sortable(<f32>distanceOf(graph, scratch, keyOf(entry))), idOf(entry)))
  }
  return found
}

/**
 * Measures the beam's live entries by their full vectors, nearest first and RERANKED at a time.
 *
 * How far a code's distance is off is learned from those measured so far: their mean error and its deviation say how probable it is that another one is
 * nearer than the k-th. It ends when all that are left are less than `misses` together.
 */
function rerank(graph: usize, scratch: usize, k: u32, most: u32, misses: f32): u32 {
  const states = load<u32>(graph, GRAPH_STATES)
  const beam = <usize>load<u32>(scratch, SCRATCH_BEAM)
  const count = load<u32>(scratch, SCRATCH_BEAM_COUNT)
  const candidates = <usize>load<u32>(scratch, SCRATCH_CANDIDATES)
  const keys = <usize>load<u32>(scratch, SCRATCH_KEYS)
  let found: u32 = 0
  let measured: u32 = 0
  let sum: f64 = 0
  let squares: f64 = 0
  let next: u32 = 0
  while (next < count && (!most || measured < most)) {
    if (next && isStopped(scratch)) return found
    if (!most && found == k && measured >= <u32>RERANKED && !areLeft(graph, scratch, next, k, measured, sum, squares, misses)) return found
    // Entries that are scored now: u32 ordinals, and the beam's distances of them behind.
    const several = most ? min<u32>(RERANKED, most - measured) : RERANKED
    let length: u32 = 0
    for (; next < count && length < several; next++) {
      const entry = load<u64>(beam + (<usize>next << 3))
      if (!isLive(states, idOf(entry))) continue
      store<u32>(candidates + (length << 2), idOf(entry))
      store<u32>(candidates + ((RERANKED + length) << 2), keyOf(entry))
      length++
    }
    if (!length) break
    found = scoreInto(graph, scratch, RECORDS, candidates, length, k, found)
    for (let i: u32 = 0; i < length; i++) {
      const error = <f64>unsortable(load<u32>(keys + (i << 2))) - distanceOf(graph, scratch, load<u32>(candidates + ((RERANKED + i) << 2)))
      sum += error
      squares += error * error
    }
    measured += length
  }
  // Behind the last entry of a full beam there are about as many again, and less and less near.
  if (!most && found == k && count && measured >= <u32>RERANKED) {
    const missed = <f64>count / 2 * chanceOf(graph, scratch, count - 1, k, measured, sum, squares)
    store<f32>(scratch, <f32>missed, SCRATCH_MISSED)
  }
  return found
}

/** Whether of the entries from `next` on more than `misses` are probably nearer than the k-th of the result. */
function areLeft(graph: usize, scratch: usize, next: u32, k: u32, measured: u32, sum: f64, squares: f64, misses: f32): bool {
  const count = load<u32>(scratch, SCRATCH_BEAM_COUNT)
  let expected: f64 = 0
  for (let i = next; i < count; i++) {
    const chance = chanceOf(graph, scratch, i, k, measured, sum, squares)
    expected += chance
    if (expected > <f64>misses) return true
    // Those behind are no nearer.
    if (expected + chance * <f64>(count - 1 - i) <= <f64>misses) return false
  }
  return false
}

/** How probable it is that an entry of the beam is nearer than the k-th of the result, when errors are distributed normally. */
function chanceOf(graph: usize, scratch: usize, index: u32, k: u32, measured: u32, sum: f64, squares: f64): f64 {
  const mean = sum / <f64>measured
  const variance = max<f64>(squares / <f64>measured - mean * mean, 0)
  const farthest = <f64>unsortable(keyOf(load<u64>(<usize>load<u32>(scratch, SCRATCH_RESULT) + (<usize>(k - 1) << 3))))
  const above = distanceOf(graph, scratch, keyOf(load<u64>(<usize>load<u32>(scratch, SCRATCH_BEAM) + (<usize>index << 3)))) + mean - farthest
  if (above <= 0) return 1
  // What few have shown is not all: their deviation is taken for larger than it was.
  return variance > 0 ? tailOf(above / (Math.sqrt(variance) * (1 + 2 / Math.sqrt(<f64>measured)))) : 0
}

/** The chance of a normally distributed number to be more than `x` >= 0. Source: Abramowitz, Stegun 1964, 26.2.19: only products and sums, which are the same everywhere. */
function tailOf(x: f64): f64 {
  let power = 1 + x * (0.0498673470 + x * (0.0211410061 + x * (0.0032776263 + x * (0.0000380036 + x * (0.0000488906 + x * 0.0000053830)))))
  power *= power
  power *= power
  power *= power
  power *= power
  return 0.5 / power
}

/** Scores the live ordinals of [from, to). Result as in search; `found` are there already. Ends early when it is told to. The query must be loaded. */
export function scan(graph: usize, scratch: usize, from: u32, to: u32, k: u32, found: u32): u32 {
  const ids = <usize>load<u32>(scratch, SCRATCH_IDS)
  const several = scannedTogether(graph)
  let rows = NOWHERE
  let count: u32 = 0
  for (let ordinal = from; ordinal < to; ordinal++) {
    const place = rowsOf(graph, ordinal)
    if (place == NOWHERE) continue
    if (count == several || (count && place != rows)) {
      if (isStopped(scratch)) return found
      found = scoreInto(graph, scratch, rows, ids, count, k, found)
      count = 0
    }
    rows = place
    store<u32>(ids + (count++ << 2), ordinal)
  }
  return count ? scoreInto(graph, scratch, rows, ids, count, k, found) : found
}

/** As scan, for what is not linked yet. What was found already is not found twice. */
export function scanUnlinked(graph: usize, scratch: usize, k: u32, found: u32): u32 {
  const ids = <usize>load<u32>(scratch, SCRATCH_IDS)
  const several = scannedTogether(graph)
  const tasks = <usize>load<u32>(graph, GRAPH_TASKS)
  const end = load<u32>(graph, GRAPH_TASKS_END)
  let rows = NOWHERE
  let count: u32 = 0
  for (let i = load<u32>(graph, GRAPH_TASKS_FIRST); i < end; i++) {
    const task = load<u32>(tasks + (<usize>i << 2))
    if ((task & ((1 << TASK_BITS) - 1)) >= <u32>TASK_REMOVE) continue
    const place = rowsOf(graph, task >> TASK_BITS)
    if (place == NOWHERE) continue
    if (count == several || (count && place != rows)) {
      if (isStopped(scratch)) return found
      found = scoreInto(graph, scratch, rows, ids, count, k, found)
      count = 0
    }
    rows = place
    store<u32>(ids + (count++ << 2), task >> TASK_BITS)
  }
  return count ? scoreInto(graph, scratch, rows, ids, count, k, found) : found
}

function scannedTogether(graph: usize): u32 {
  return min<u32>(SCAN, load<u32>(graph, GRAPH_TOGETHER))
}

/** The rows that tell how far an ordinal is: its code, or its record's full vector; none where it is not found, or has no code and codes are the vectors. */
const NOWHERE: u32 = 0
const CODES: u32 = 1
const RECORDS: u32 = 2

// @ts-ignore: decorator
@inline
function rowsOf(graph: usize, ordinal: u32): u32 {
  const state = <u32>load<u8>(rowAddress(load<u32>(graph, GRAPH_STATES), ordinal))
  if (state == STATE_LIVE) return load<u32>(graph, GRAPH_RERANKS) ? RECORDS : CODES
  return state == STATE_UNCODED && load<u32>(graph, GRAPH_SCORER) != SCORER_F32 ? RECORDS : NOWHERE
}

/** Measures at most SCAN ordinals by rows of one kind and keeps the k nearest in the result. */
function scoreInto(graph: usize, scratch: usize, rows: u32, ids: usize, count: u32, k: u32, found: u32): u32 {
  const addresses = <usize>load<u32>(scratch, SCRATCH_ADDRESSES)
  const keys = <usize>load<u32>(scratch, SCRATCH_KEYS)
  const result = <usize>load<u32>(scratch, SCRATCH_RESULT)
  if (rows == CODES) {
    resolveRows(load<u32>(graph, GRAPH_CODES), ids, count, addresses)
    score(graph, scratch, addresses, count, keys)
    for (let i: u32 = 0; i < count; i++) store<u32>(keys + (i << 2), sortable(<f32>distanceOf(graph, scratch, load<u32>(keys + (i << 2)))))
  } else {
    resolveRecords(graph, ids, count, addresses)
    store<u32>(scratch, load<u32>(scratch, SCRATCH_MEASURED) + count, SCRATCH_MEASURED)
    scoreFull(graph, load<u32>(scratch, SCRATCH_QUERY), addresses, count, keys)
  }
  for (let i: u32 = 0; i < count; i++) {
    const entry = entryOf(load<u32>(keys + (i << 2)), load<u32>(ids + (i << 2)))
    const position = positionIn(result, found, entry)
    // What is being linked is met in the graph, and scanned.
    if (position == k || (position < found && load<u64>(result + (<usize>position << 3)) == entry)) continue
    found = insertAt(result, found, k, position, entry)
  }
  return found
}

/** Addresses of the records' rows of at most SCAN ordinals. Shapes as for resolveRows. */
function resolveRecords(graph: usize, ids: usize, count: u32, addresses: usize): void {
  const records = load<u32>(graph, GRAPH_RECORDS)
  countReads(records, count)
  for (let tries: u32 = 0; !resolveKept(records, ids, count, addresses); tries++) {
    if (tries == MOST_TRIES) refuse(records)
    // A call for all of them: who makes it may have to wait for another thread, and rows may go meanwhile.
    loadRecords(load<u32>(records, SPACE_ID), ids, count)
  }
}
