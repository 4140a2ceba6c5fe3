import { unlessDamaged } from '../floor/errors.js'
import { type Graph, isFindable } from './graph.js'
import { STATE_FREE } from './kernel/layout.js'
import { countUnreachable } from './reachability.js'

/**
 * Looks for what must not be in a graph: yields a sentence for each thing found, and undefined for each node looked at.
 *
 * Codes as the records give them, degrees within bounds, no neighbor that is itself, twice there, or has no node; a tree of protected edges that agree in both
 * directions; upper levels that lead down to their own ordinal; every node to be reached from the entry point at level 0. The graph may change between two steps.
 */
export function* findInGraph(graph: Graph): Generator<string | undefined> {
  const live = graph.copyStates().reduce((count, state) => (isFindable(state) ? count + 1 : count), 0)
  if (live !== graph.live) yield `${live} ordinals are live, the count says ${graph.live}`
  for (let ordinal = 0; ordinal < graph.ordinals; ordinal++) {
    yield undefined
    // A damaged record says nothing of the code.
    const vector = isFindable(graph.stateOf(ordinal)) ? unlessDamaged(() => graph.records.stored(ordinal)) : undefined
    if (vector && !graph.hasRightCode(ordinal, vector)) yield `the code of ordinal ${ordinal} is not that of its vector`
  }
  if (graph.levels === 0) return
  for (let ordinal = 0; ordinal < graph.ordinals; ordinal++) {
    yield undefined
    if (graph.isLinked(ordinal)) yield* checkNode(graph, ordinal)
  }
  for (let slot = 0; slot < graph.slots; slot++) {
    yield undefined
    yield* checkSlot(graph, slot)
  }
  const { unreachable, nodes } = yield* countUnreachable(graph)
  if (unreachable) yield `${unreachable} of ${nodes} nodes cannot be reached from the entry point`
}

function* checkNode(graph: Graph, ordinal: number): Generator<string> {
  if (graph.stateOf(ordinal) === STATE_FREE) yield `ordinal ${ordinal} has a node, and is free`
  const { protectedCount, neighbors } = graph.baseNode(ordinal)
  if (protectedCount > neighbors.length) yield `ordinal ${ordinal} has ${protectedCount} protected of ${neighbors.length} neighbors`
  if (new Set(neighbors).size !== neighbors.length) yield `ordinal ${ordinal} has a neighbor twice: ${neighbors.join(' ')}`
  for (const [i, neighbor] of neighbors.entries()) {
    if (neighbor === ordinal) yield `ordinal ${ordinal} is its own neighbor`
    else if (neighbor >= graph.ordinals) yield `ordinal ${ordinal} has neighbor ${neighbor} of ${graph.ordinals}`
    else if (!graph.isLinked(neighbor)) yield `ordinal ${ordinal} has neighbor ${neighbor}, which has no node`
    else if (i < protectedCount) {
      const back = graph.baseNode(neighbor)
      const at = back.neighbors.indexOf(ordinal)
      if (at < 0 || at >= back.protectedCount) yield `ordinal ${ordinal} protects its edge to ${neighbor}, which does not protect it back`
    }
  }
}

function* checkSlot(graph: Graph, slot: number): Generator<string> {
  const { ordinal, level, below, neighbors } = graph.upperNode(slot)
  if (ordinal >= graph.ordinals) yield `slot ${slot} stands for ordinal ${ordinal} of ${graph.ordinals}`
  else if (neighbors.length && !graph.isLinked(ordinal)) yield `slot ${slot} has neighbors, and ordinal ${ordinal} has no node`
  if (level > 1 && (below >= graph.slots || graph.upperNode(below).ordinal !== ordinal)) yield `slot ${slot} of ordinal ${ordinal} leads down to slot ${below} of another one`
  for (const neighbor of neighbors) {
    if (neighbor === slot || neighbor >= graph.slots) yield `slot ${slot} has neighbor ${neighbor} of ${graph.slots}`
    else if (graph.upperNode(neighbor).level !== level) yield `slot ${slot} of level ${level} has neighbor ${neighbor} of level ${graph.upperNode(neighbor).level}`
    else if (!graph.isLinked(graph.upperNode(neighbor).ordinal)) yield `slot ${slot} has neighbor ${neighbor}, whose ordinal ${graph.upperNode(neighbor).ordinal} has no node`
  }
}
