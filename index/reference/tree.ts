/** The tree of protected edges that keeps the graph connected. Told in kernel/tree.ts. */

import { DEPTH_KNOWN } from '../kernel/layout.js'
import { connect } from './connect.js'
import type { GraphRows } from './graph.js'
import type { Work } from './search.js'
import { sortNear } from './select.js'

/** Whether a node may have another child. */
export function hasRoom(graph: GraphRows, ordinal: number): boolean {
  return graph.node(graph.base, ordinal).protectedCount < graph.M
}

/** Goes from a node without room to its last child, and on, until there is room. */
export function firstWithRoom(graph: GraphRows, ordinal: number): number {
  if (hasRoom(graph, ordinal)) return ordinal
  const { protectedCount, neighbors } = graph.node(graph.base, ordinal)
  return firstWithRoom(graph, neighbors[protectedCount - 1])
}

/** Takes a node out of the tree. */
export function leaveTree(graph: GraphRows, work: Work, ordinal: number): void {
  const { protectedCount, neighbors } = graph.node(graph.base, ordinal)
  const [first, ...children] = neighbors.slice(0, protectedCount)
  if (first === undefined) return
  disown(graph, first, ordinal)
  for (const child of children) {
    const parent = parentFor(graph, work, child) ?? firstWithRoom(graph, first)
    replaceParent(graph, child, parent)
    adopt(graph, work, parent, child)
  }
}

/** The nearest neighbor of a child that may be its parent. */
function parentFor(graph: GraphRows, work: Work, child: number): number | undefined {
  const { neighbors } = graph.node(graph.base, child)
  const near = sortNear(graph, work, graph.base, child, neighbors, neighbors.length)
  return near.find(({ id }) => !graph.isGhost(id) && hasRoom(graph, id) && !isBelow(graph, id, child))?.id
}

/** Whether a node is below another, or so deep that it may be. */
function isBelow(graph: GraphRows, ordinal: number, other: number): boolean {
  for (let i = 0; i < DEPTH_KNOWN; i++) {
    const { protectedCount, neighbors: [parent] } = graph.node(graph.base, ordinal)
    if (!protectedCount) return false
    if (parent === other) return true
    if (graph.node(graph.base, parent).neighbors[0] === ordinal) return false
    ordinal = parent
  }
  return true
}

/** Removes a protected neighbor: its place is taken by the last of all. */
function disown(graph: GraphRows, id: number, leaving: number): void {
  const { protectedCount, neighbors } = graph.node(graph.base, id)
  const children = neighbors.slice(0, protectedCount).filter(one => one !== leaving)
  const others = neighbors.slice(protectedCount)
  graph.setNode(graph.base, id, { protectedCount: protectedCount - 1, neighbors: [...children, ...others.slice(-1), ...others.slice(0, -1)] })
}

/** Puts another parent in the first place. Where it was among the unprotected neighbors, the last of these takes its place. */
function replaceParent(graph: GraphRows, child: number, parent: number): void {
  const { protectedCount, neighbors } = graph.node(graph.base, child)
  const at = neighbors.indexOf(parent)
  if (at >= 0) {
    const last = neighbors.pop()!
    if (at < neighbors.length) neighbors[at] = last
  }
  neighbors[0] = parent
  graph.setNode(graph.base, child, { protectedCount, neighbors })
}

/** Makes a node the last child of another, which it may be linked with already. */
function adopt(graph: GraphRows, work: Work, parent: number, child: number): void {
  const { protectedCount, neighbors } = graph.node(graph.base, parent)
  const at = neighbors.indexOf(child)
  if (at < 0) {
    connect(graph, work, graph.base, parent, child, true)
    return
  }
  [neighbors[at], neighbors[protectedCount]] = [neighbors[protectedCount], child]
  graph.setNode(graph.base, parent, { protectedCount: protectedCount + 1, neighbors })
}
