/** The end of a ghost. Told in kernel/remove.ts. */

import { NO_SLOT, ROW_LEVEL, ROW_ORDINAL } from '../kernel/layout.js'
import type { GraphRows } from './graph.js'
import { createSlots } from './levels.js'
import type { Work } from './search.js'
import { leaveTree } from './tree.js'

/** Removes the node of a ghost that the sweep has come around for; `slot` is the highest one it has, or NO_SLOT. */
export function remove(graph: GraphRows, work: Work, ordinal: number, slot: number): void {
  const { protectedCount, neighbors } = graph.node(graph.base, ordinal)
  leaveTree(graph, work, ordinal)
  graph.leave(ordinal, slot)
  for (let one = slot; one !== NO_SLOT; one = graph.slotBelow(one)) graph.setNode(graph.upper, one, { protectedCount: 0, neighbors: [] })
  if (!protectedCount) graph.entry = { slot: graph.entry.slot, level: 0 }
  else if (graph.ordinalOf(graph.upper, graph.entry.slot) === ordinal) replaceEntry(graph, neighbors[0])
}

/** Makes the highest slot of a node the entry point, one of no ghost if there is any; `relative` gets a slot when no node has one. */
function replaceEntry(graph: GraphRows, relative: number): void {
  let best: { slot: number, level: number, isGhost: boolean } | undefined
  for (let slot = 0; slot < graph.slots; slot++) {
    const row = graph.rows.address(graph.upper.space, slot)
    const level = graph.memory.u8(row + ROW_LEVEL)
    const ordinal = graph.memory.u32(row + ROW_ORDINAL)
    if (!graph.isLinked(ordinal)) continue
    const isGhost = graph.isGhost(ordinal)
    if (!best || (best.isGhost && !isGhost) || (best.isGhost === isGhost && level > best.level)) best = { slot, level, isGhost }
  }
  graph.entry = best ?? { slot: createSlots(graph, relative, 1, NO_SLOT), level: 1 }
}
