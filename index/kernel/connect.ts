/** Edges to a node that is being linked: lists grow, and are pruned when they are full. */

import { dirtyRowAddress, rowAddress } from '../../storage/kernel/space'
import { entryOf, insertSorted } from './beam'
import { LEVEL_CAPACITY, LEVEL_SPACE, ROW_PROTECTED, SCRATCH_CANDIDATES, SCRATCH_IDS, SCRATCH_KEYS, SCRATCH_SELECTED } from './layout'
import { countNeighbors, neighborAt, setNeighbor, writeNeighbors } from './row'
import { loadOrdinal, ordinalOf, scoreIds } from './search'
import { selectDiverse } from './select'

/** Adds `id` to the neighbors of `node`; a full list is pruned, and may then be without it unless it is protected. */
export function connect(graph: usize, scratch: usize, level: usize, node: u32, id: u32, protect: bool): void {
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

  const keys = <usize>load<u32>(scratch, SCRATCH_KEYS)
  const candidates = capacity + 1
  loadOrdinal(graph, scratch, ordinalOf(graph, level, node))
  scoreIds(graph, scratch, level, ids, candidates)
  const list = load<u32>(scratch, SCRATCH_CANDIDATES)
  let length: u32 = 0
  for (let i = kept; i < candidates; i++) {
    length = insertSorted(list, length, candidates, entryOf(load<u32>(keys + (i << 2)), load<u32>(ids + (i << 2))))
  }
  const selected = load<u32>(scratch, SCRATCH_SELECTED)
  memory.copy(selected, ids, <usize>kept << 2)
  const count = selectDiverse(graph, scratch, level, list, length, capacity, kept)
  row = dirtyRowAddress(space, node)
  store<u8>(row, <u8>kept, ROW_PROTECTED)
  writeNeighbors(level, row, selected, count)
}
