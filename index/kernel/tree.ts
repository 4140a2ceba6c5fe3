/**
 * The tree that keeps the graph connected.
 *
 * Every node of level 0 but the first has a parent, chosen at its insertion among its nearest neighbors. The two edges between
 * them are protected: pruning never removes them. They form a spanning tree in both directions, so every node can be reached
 * from every other, whatever the heuristic prunes. Protected neighbors stand first in a row, the parent before the children.
 *
 * A node that leaves hands its children on, to its parent or to each other: among these no choice can close a circle.
 */

import { dirtyRowAddress, rowAddress } from '../../storage/kernel/space'
import { connect } from './connect'
import { GRAPH_BASE, GRAPH_M, LEVEL_EMPTY, LEVEL_SPACE, ROW_PROTECTED, SCRATCH_IDS, SCRATCH_KEYS } from './layout'
import { countNeighbors, neighborAt, positionOf, setNeighbor } from './row'
import { loadOrdinal, ordinalOf, scoreIds } from './search'

/** Whether a node may have another child. */
export function hasRoom(graph: usize, ordinal: u32): bool {
  return protectedCount(graph, ordinal) < load<u32>(graph, GRAPH_M)
}

/** The first child with room below a node that has none; the node itself when it has. */
export function firstWithRoom(graph: usize, ordinal: u32): u32 {
  while (!hasRoom(graph, ordinal)) ordinal = neighborOf(graph, ordinal, protectedCount(graph, ordinal) - 1)
  return ordinal
}

/** Takes a node out of the tree. */
export function leaveTree(graph: usize, scratch: usize, ordinal: u32): void {
  const count = protectedCount(graph, ordinal)
  if (!count) return
  disown(graph, neighborOf(graph, ordinal, 0), ordinal)
  for (let i: u32 = 1; i < count; i++) {
    const child = neighborOf(graph, ordinal, i)
    const parent = parentFor(graph, scratch, child, ordinal, i)
    replaceParent(graph, child, parent)
    adopt(graph, scratch, parent, child)
  }
}

/** The nearest to `child` among the first `count` relatives of the node that leaves, of those with room. */
function parentFor(graph: usize, scratch: usize, child: u32, leaving: u32, count: u32): u32 {
  const ids = <usize>load<u32>(scratch, SCRATCH_IDS)
  const keys = <usize>load<u32>(scratch, SCRATCH_KEYS)
  const level = graph + GRAPH_BASE
  for (let i: u32 = 0; i < count; i++) store<u32>(ids + (i << 2), neighborOf(graph, leaving, i))
  loadOrdinal(graph, scratch, ordinalOf(graph, level, child))
  scoreIds(graph, scratch, level, ids, count)
  let parent = load<u32>(level, LEVEL_EMPTY)
  let least: u32 = 0
  for (let i: u32 = 0; i < count; i++) {
    const id = load<u32>(ids + (i << 2))
    const key = load<u32>(keys + (i << 2))
    if (!hasRoom(graph, id) || (parent != load<u32>(level, LEVEL_EMPTY) && key >= least)) continue
    parent = id
    least = key
  }
  return parent == load<u32>(level, LEVEL_EMPTY) ? firstWithRoom(graph, load<u32>(ids)) : parent
}

/** Removes a protected neighbor. */
function disown(graph: usize, node: u32, id: u32): void {
  const level = graph + GRAPH_BASE
  const row = dirtyRowAddress(load<u32>(level, LEVEL_SPACE), node)
  const last = countNeighbors(level, row) - 1
  const kept = <u32>load<u8>(row, ROW_PROTECTED) - 1
  for (let i = positionOf(level, row, id); i < kept; i++) setNeighbor(level, row, i, neighborAt(level, row, i + 1))
  setNeighbor(level, row, kept, neighborAt(level, row, last))
  setNeighbor(level, row, last, load<u32>(level, LEVEL_EMPTY))
  store<u8>(row, <u8>kept, ROW_PROTECTED)
}

/** Puts another parent in the place of the one that leaves. */
function replaceParent(graph: usize, child: u32, parent: u32): void {
  const level = graph + GRAPH_BASE
  const row = dirtyRowAddress(load<u32>(level, LEVEL_SPACE), child)
  const count = countNeighbors(level, row)
  const position = positionOf(level, row, parent)
  if (position < count) {
    setNeighbor(level, row, position, neighborAt(level, row, count - 1))
    setNeighbor(level, row, count - 1, load<u32>(level, LEVEL_EMPTY))
  }
  setNeighbor(level, row, 0, parent)
}

/** Makes a node the last child of another, which it may be linked with already. */
function adopt(graph: usize, scratch: usize, parent: u32, child: u32): void {
  const level = graph + GRAPH_BASE
  const row = dirtyRowAddress(load<u32>(level, LEVEL_SPACE), parent)
  const position = positionOf(level, row, child)
  if (position == countNeighbors(level, row)) {
    connect(graph, scratch, level, parent, child, true)
    return
  }
  const kept = <u32>load<u8>(row, ROW_PROTECTED)
  setNeighbor(level, row, position, neighborAt(level, row, kept))
  setNeighbor(level, row, kept, child)
  store<u8>(row, <u8>kept + 1, ROW_PROTECTED)
}

function protectedCount(graph: usize, ordinal: u32): u32 {
  return load<u8>(rowAddress(load<u32>(graph + GRAPH_BASE, LEVEL_SPACE), ordinal))
}

function neighborOf(graph: usize, ordinal: u32, index: u32): u32 {
  return neighborAt(graph + GRAPH_BASE, rowAddress(load<u32>(graph + GRAPH_BASE, LEVEL_SPACE), ordinal), index)
}
