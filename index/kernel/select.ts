/**
 * The choice of a node's neighbors: near, and in different directions.
 *
 * Source: Malkov, Yashunin 2018, algorithm 4, without extension of candidates and without keeping pruned ones.
 */

import { SPACE_ROW_BYTES } from '../../storage/kernel/layout'
import { rowAddress } from '../../storage/kernel/space'
import { idOf, keyOf } from './beam'
import { GRAPH_ABREAST, GRAPH_CODES, GRAPH_GHOSTS, GRAPH_STATES, SCRATCH_ADDRESSES, SCRATCH_COPIES, SCRATCH_KEYS, SCRATCH_SELECTED, STATE_GHOST } from './layout'
import { loadRow, score } from './query'
import { ordinalOf } from './search'

/** Whether no edge may lead to an ordinal any more. */
export function isGhost(graph: usize, ordinal: u32): bool {
  return load<u32>(graph, GRAPH_GHOSTS) != 0 && load<u8>(rowAddress(load<u32>(graph, GRAPH_STATES), ordinal)) == STATE_GHOST
}

/** Starts a choice: the copies of chosen codes stand side by side in scratch, safe from eviction and hot in the cache. */
export function startSelection(graph: usize, scratch: usize, limit: u32): void {
  const copies = load<u32>(scratch, SCRATCH_COPIES)
  const rowBytes = load<u32>(load<u32>(graph, GRAPH_CODES), SPACE_ROW_BYTES)
  const addresses = <usize>load<u32>(scratch, SCRATCH_ADDRESSES)
  for (let i: u32 = 0; i < limit + 3; i++) store<u32>(addresses + (i << 2), copies + i * rowBytes)
}

/** Chooses one id as number `count`, given the address of its code. */
export function choose(graph: usize, scratch: usize, id: u32, row: usize, count: u32): void {
  const rowBytes = load<u32>(load<u32>(graph, GRAPH_CODES), SPACE_ROW_BYTES)
  memory.copy(load<u32>(scratch, SCRATCH_COPIES) + count * rowBytes, row, rowBytes)
  store<u32>(load<u32>(scratch, SCRATCH_SELECTED) + (count << 2), id)
}

/**
 * Goes through `list` (u64 entries, nearest first) and chooses those that are nearer to the node than to any chosen one, and no ghosts,
 * until `limit`; `count` are chosen already. Returns how many then are; their ids stand in SCRATCH_SELECTED.
 */
export function selectDiverse(graph: usize, scratch: usize, level: usize, list: usize, length: u32, limit: u32, count: u32): u32 {
  const codes = load<u32>(graph, GRAPH_CODES)
  for (let i: u32 = 0; i < length && count < limit; i++) {
    const entry = load<u64>(list + (<usize>i << 3))
    const id = idOf(entry)
    const ordinal = ordinalOf(graph, level, id)
    if (isGhost(graph, ordinal)) continue
    const row = rowAddress(codes, ordinal)
    if (count) {
      loadRow(graph, scratch, row)
      if (!isDiverse(graph, scratch, keyOf(entry), count)) continue
    }
    choose(graph, scratch, id, row, count)
    count++
  }
  return count
}

function isDiverse(graph: usize, scratch: usize, key: u32, count: u32): bool {
  const addresses = <usize>load<u32>(scratch, SCRATCH_ADDRESSES)
  const keys = <usize>load<u32>(scratch, SCRATCH_KEYS)
  const abreast = load<u32>(graph, GRAPH_ABREAST)
  for (let i: u32 = 0; i < count; i += abreast) {
    const several = min(abreast, count - i)
    score(graph, scratch, addresses + (i << 2), several, keys)
    for (let j: u32 = 0; j < several; j++) {
      if (load<u32>(keys + (j << 2)) < key) return false
    }
  }
  return true
}
