/**
 * What a batch has chosen is written into the graph: first all that depends on the order, by one thread, then the edges to its nodes, part by part.
 *
 * A row is changed by one part alone, its edges in the order of the nodes; so the graph is the same however many threads there are.
 */

import { dirtyRowAddress, rowAddress } from '../../storage/kernel/space'
import { connect } from './connect'
import {
  BATCH_EDGES, BATCH_LINKS, BATCH_PARTS, BATCH_RANGES, BATCH_SWEEPS, EDGE_BYTES, EDGE_ID, EDGE_NODE, EDGE_UPPER, GRAPH_BASE, GRAPH_ENTRY, GRAPH_LEVELS,
  GRAPH_UPPER, LEVEL_SPACE, LIST_COUNT, LIST_HEADER, LIST_NEAREST, MEMBER_LEVELS, MEMBER_LISTS, MEMBER_ORDINAL, MEMBER_SLOT, PARTS, RANGE_BYTES,
  RANGE_ROWS, RANGE_UPPER, ROW_PROTECTED, SCRATCH_SELECTED, SWEPT_COUNT, SWEPT_HEADER, SWEPT_ID, SWEPT_OFFERED
} from './layout'
import { listBytes, memberAt } from './seek'
import { hasNeighbor, writeNeighbors } from './row'
import { firstWithRoom, hasRoom } from './tree'

/** Writes the swept rows and the nodes of a batch, gives each node its parent, and sorts the edges to them into parts. */
export function join(graph: usize, scratch: usize, batch: usize): void {
  const sweeps = load<u32>(batch, BATCH_SWEEPS)
  for (let i: u32 = 0; i < sweeps; i++) writeSwept(graph, <usize>load<u32>(batch, BATCH_RANGES) + <usize>i * RANGE_BYTES)
  const links = load<u32>(batch, BATCH_LINKS)
  for (let i: u32 = 0; i < links; i++) joinMember(graph, scratch, memberAt(batch, i))
  sortEdges(graph, batch, links, sweeps)
}

function writeSwept(graph: usize, range: usize): void {
  const level = graph + (load<u32>(range, RANGE_UPPER) ? GRAPH_UPPER : GRAPH_BASE)
  let at = <usize>load<u32>(range, RANGE_ROWS)
  const rows = load<u32>(at)
  at += 4
  for (let i: u32 = 0; i < rows; i++) {
    const count = load<u32>(at, SWEPT_COUNT)
    writeNeighbors(level, dirtyRowAddress(load<u32>(level, LEVEL_SPACE), load<u32>(at, SWEPT_ID)), at + SWEPT_HEADER, count)
    at += SWEPT_HEADER + (<usize>count << 2)
  }
}

function joinMember(graph: usize, scratch: usize, member: usize): void {
  const levels = load<u32>(member, MEMBER_LEVELS)
  const slot = load<u32>(member, MEMBER_SLOT)
  const upper = graph + GRAPH_UPPER
  let list = <usize>load<u32>(member, MEMBER_LISTS)
  for (let i: u32 = 0; i < levels; i++) {
    writeNeighbors(upper, dirtyRowAddress(load<u32>(upper, LEVEL_SPACE), slot + i), list + LIST_HEADER, load<u32>(list, LIST_COUNT))
    list += listBytes(graph)
  }
  joinBase(graph, scratch, load<u32>(member, MEMBER_ORDINAL), list)
  if (levels > load<u32>(graph, GRAPH_LEVELS)) {
    store<u32>(graph, slot, GRAPH_ENTRY)
    store<u32>(graph, levels, GRAPH_LEVELS)
  }
}

/** Writes a node of level 0, its parent first: the nearest of the chosen that may have another child. Only the first node of a graph has none. */
function joinBase(graph: usize, scratch: usize, ordinal: u32, list: usize): void {
  const level = graph + GRAPH_BASE
  const space = load<u32>(level, LEVEL_SPACE)
  if (!load<u32>(graph, GRAPH_LEVELS)) {
    const row = dirtyRowAddress(space, ordinal)
    store<u8>(row, 0, ROW_PROTECTED)
    writeNeighbors(level, row, 0, 0)
    return
  }
  const selected = <usize>load<u32>(scratch, SCRATCH_SELECTED)
  const chosen = list + LIST_HEADER
  const count = load<u32>(list, LIST_COUNT)
  let total = count
  let position: u32 = 0
  while (position < count && !hasRoom(graph, load<u32>(chosen + (position << 2)))) position++
  let parent: u32
  if (position == count) {
    // Every chosen neighbor has all the children it may have, or all that was met are ghosts: the first with room below the nearest takes this.
    parent = firstWithRoom(graph, count ? load<u32>(chosen) : load<u32>(list, LIST_NEAREST))
    total++
  } else {
    parent = load<u32>(chosen + (position << 2))
  }
  memory.copy(selected + 4, chosen, <usize>position << 2)
  memory.copy(selected + 4 + (position << 2), chosen + ((position + 1) << 2), <usize>(total - 1 - position) << 2)
  store<u32>(selected, parent)
  // The parent's edge is made at once, since the next node may ask whether it has room; it is in no part.
  store<u32>(list, parent, LIST_NEAREST)
  const row = dirtyRowAddress(space, ordinal)
  store<u8>(row, 1, ROW_PROTECTED)
  writeNeighbors(level, row, selected, total)
  connect(graph, scratch, level, parent, ordinal, true)
}

// @ts-ignore: decorator
@inline
function partOf(node: u32): u32 {
  return node % PARTS
}

/** Sorts the edges that are to be made by the part of the nodes where they begin; those of a part stay in the order of the swept rows and members. */
function sortEdges(graph: usize, batch: usize, links: u32, sweeps: u32): void {
  const parts = <usize>load<u32>(batch, BATCH_PARTS)
  memory.fill(parts, 0, (PARTS + 1) << 2)
  passAll(graph, batch, links, sweeps, true)
  let begin: u32 = 0
  for (let part: u32 = 0; part < <u32>PARTS; part++) {
    const count = load<u32>(parts + (part << 2))
    store<u32>(parts + (part << 2), begin)
    begin += count
  }
  passAll(graph, batch, links, sweeps, false)
  // Each part's place has moved to its end, which is where the next begins.
  for (let part: u32 = PARTS; part > 0; part--) store<u32>(parts + (part << 2), load<u32>(parts + ((part - 1) << 2)))
  store<u32>(parts, 0)
}

function passAll(graph: usize, batch: usize, links: u32, sweeps: u32, isCount: bool): void {
  for (let i: u32 = 0; i < sweeps; i++) passOffers(batch, <usize>load<u32>(batch, BATCH_RANGES) + <usize>i * RANGE_BYTES, isCount)
  for (let i: u32 = 0; i < links; i++) passEdges(graph, batch, memberAt(batch, i), isCount)
}

function passOffers(batch: usize, range: usize, isCount: bool): void {
  const isUpper = load<u32>(range, RANGE_UPPER)
  let at = <usize>load<u32>(range, RANGE_ROWS)
  const rows = load<u32>(at)
  at += 4
  for (let i: u32 = 0; i < rows; i++) {
    const count = load<u32>(at, SWEPT_COUNT)
    for (let j = load<u32>(at, SWEPT_OFFERED); j < count; j++) passEdge(batch, load<u32>(at + SWEPT_HEADER + (j << 2)), load<u32>(at, SWEPT_ID), isUpper, isCount)
    at += SWEPT_HEADER + (<usize>count << 2)
  }
}

function passEdges(graph: usize, batch: usize, member: usize, isCount: bool): void {
  const levels = load<u32>(member, MEMBER_LEVELS)
  const slot = load<u32>(member, MEMBER_SLOT)
  const ordinal = load<u32>(member, MEMBER_ORDINAL)
  let list = <usize>load<u32>(member, MEMBER_LISTS)
  for (let i: u32 = 0; i <= levels; i++) {
    const isUpper = u32(i < levels)
    // Of level 0 the neighbors are taken as they were chosen, but the parent, which has its edge, and stands in the place of the nearest.
    const count = load<u32>(list, LIST_COUNT)
    for (let j: u32 = 0; j < count; j++) {
      const node = load<u32>(list + LIST_HEADER + (j << 2))
      if (!isUpper && node == load<u32>(list, LIST_NEAREST)) continue
      passEdge(batch, node, isUpper ? slot + i : ordinal, isUpper, isCount)
    }
    list += listBytes(graph)
  }
}

function passEdge(batch: usize, node: u32, id: u32, isUpper: u32, isCount: bool): void {
  const place = <usize>load<u32>(batch, BATCH_PARTS) + (partOf(node) << 2)
  const at = load<u32>(place)
  store<u32>(place, at + 1)
  if (isCount) return
  const edge = <usize>load<u32>(batch, BATCH_EDGES) + <usize>at * EDGE_BYTES
  store<u32>(edge, node, EDGE_NODE)
  store<u32>(edge, id, EDGE_ID)
  store<u32>(edge, isUpper, EDGE_UPPER)
}

/** Connects the edges of a part. */
export function connectPart(graph: usize, scratch: usize, batch: usize, part: u32): void {
  const parts = <usize>load<u32>(batch, BATCH_PARTS)
  const edges = <usize>load<u32>(batch, BATCH_EDGES)
  const end = load<u32>(parts + ((part + 1) << 2))
  for (let i = load<u32>(parts + (part << 2)); i < end; i++) {
    const edge = edges + <usize>i * EDGE_BYTES
    const level = graph + (load<u32>(edge, EDGE_UPPER) ? GRAPH_UPPER : GRAPH_BASE)
    const node = load<u32>(edge, EDGE_NODE)
    const id = load<u32>(edge, EDGE_ID)
    // A swept row that offers itself may have been chosen meanwhile.
    if (!hasNeighbor(level, rowAddress(load<u32>(level, LEVEL_SPACE), node), id)) connect(graph, scratch, level, node, id, false)
  }
}
