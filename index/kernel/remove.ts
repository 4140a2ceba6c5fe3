/** The end of a ghost: its node leaves the tree and the levels, and another becomes the entry point if it was. */

import { dirtyRowAddress, rowAddress } from '../../storage/kernel/space'
import {
  GRAPH_BASE, GRAPH_ENTRY, GRAPH_LEVELS, GRAPH_SLOTS, GRAPH_UPPER, LEVEL_SPACE, NO_SLOT, ROW_BELOW, ROW_LEFT, ROW_LEVEL, ROW_ORDINAL,
  ROW_PROTECTED, ROW_SLOT
} from './layout'
import { createSlots } from './levels'
import { neighborAt, writeNeighbors } from './row'
import { isGhost } from './select'
import { isLinked } from './sweep'
import { leaveTree } from './tree'

/** Removes the node of a ghost that the sweep has come around for; `slot` is the highest one it has, or NO_SLOT. */
export function remove(graph: usize, scratch: usize, ordinal: u32, slot: u32): void {
  const base = load<u32>(graph + GRAPH_BASE, LEVEL_SPACE)
  const upper = load<u32>(graph + GRAPH_UPPER, LEVEL_SPACE)
  const relative = neighborAt(graph + GRAPH_BASE, rowAddress(base, ordinal), 0)
  const isLast = !load<u8>(rowAddress(base, ordinal), ROW_PROTECTED)
  leaveTree(graph, scratch, ordinal)
  let row = dirtyRowAddress(base, ordinal)
  writeNeighbors(graph + GRAPH_BASE, row, 0, 0)
  store<u8>(row, ROW_LEFT, ROW_PROTECTED)
  store<u32>(row, slot, ROW_SLOT)
  for (let one = slot; one != NO_SLOT; one = load<u32>(row, ROW_BELOW)) {
    row = dirtyRowAddress(upper, one)
    writeNeighbors(graph + GRAPH_UPPER, row, 0, 0)
  }
  if (isLast) store<u32>(graph, 0, GRAPH_LEVELS)
  else if (load<u32>(rowAddress(upper, load<u32>(graph, GRAPH_ENTRY)), ROW_ORDINAL) == ordinal) replaceEntry(graph, relative)
}

/** Makes the highest slot of any node the entry point, one of no ghost if there is any; `relative` gets a slot when no node has one. */
function replaceEntry(graph: usize, relative: u32): void {
  const upper = load<u32>(graph + GRAPH_UPPER, LEVEL_SPACE)
  const slots = load<u32>(graph, GRAPH_SLOTS)
  let entry = NO_SLOT
  let best: u32 = 0
  for (let slot: u32 = 0; slot < slots; slot++) {
    const row = rowAddress(upper, slot)
    const level = <u32>load<u8>(row, ROW_LEVEL)
    // Of equally high ones those of no ghosts come first, and all of those before the ghosts.
    if (level + 64 <= best) continue
    const ordinal = load<u32>(row, ROW_ORDINAL)
    if (!isLinked(graph, ordinal)) continue
    const rank = level + (isGhost(graph, ordinal) ? 0 : 64)
    if (rank <= best) continue
    entry = slot
    best = rank
  }
  if (entry == NO_SLOT) {
    entry = createSlots(graph, relative, 1, NO_SLOT)
    best = 1
  }
  store<u32>(graph, entry, GRAPH_ENTRY)
  store<u32>(graph, best & 63, GRAPH_LEVELS)
}
