import { unlessDamaged } from '../floor/errors.js'
import type { Graph } from './graph.js'
import { STATE_FREE, STATE_LIVE } from './kernel/layout.js'

/**
 * Looks for what must not be in a graph: yields a sentence for each thing found, and undefined for each node looked at.
 *
 * Codes as the records give them, degrees within bounds, no neighbor that is itself, twice there, free or not linked yet; a tree of protected edges that agree in both
 * directions; upper levels that lead down to their own ordinal; every linked node to be reached from the entry point at level 0. The graph may grow between two steps.
 */
export function* findInGraph(graph: Graph): Generator<string | undefined> {
  const linked = graph.linked
  const live = graph.copyStates().reduce((count, state) => (state === STATE_LIVE ? count + 1 : count), 0)
  if (live !== graph.live) yield `${live} ordinals are live, the count says ${graph.live}`
  for (let ordinal = 0; ordinal < graph.ordinals; ordinal++) {
    yield undefined
    // A damaged record says nothing of the code.
    const vector = graph.stateOf(ordinal) === STATE_LIVE ? unlessDamaged(() => graph.records.given(ordinal)) : undefined
    if (vector && !graph.hasRightCode(ordinal, vector)) yield `the code of ordinal ${ordinal} is not that of its vector`
  }
  if (graph.levels === 0) return
  for (let ordinal = 0; ordinal < linked; ordinal++) {
    yield undefined
    if (graph.stateOf(ordinal) === STATE_FREE) continue
    yield* checkNode(graph, ordinal)
  }
  for (let slot = 0; slot < graph.slots; slot++) {
    yield undefined
    const { ordinal, level, below, neighbors } = graph.upperNode(slot)
    if (ordinal >= graph.linked) yield `slot ${slot} stands for ordinal ${ordinal}, of which ${graph.linked} are linked`
    if (level > 1 && (below >= graph.slots || graph.upperNode(below).ordinal !== ordinal)) yield `slot ${slot} of ordinal ${ordinal} leads down to slot ${below} of another one`
    for (const neighbor of neighbors) {
      if (neighbor === slot || neighbor >= graph.slots) yield `slot ${slot} has neighbor ${neighbor} of ${graph.slots}`
      else if (graph.upperNode(neighbor).level !== level) yield `slot ${slot} of level ${level} has neighbor ${neighbor} of level ${graph.upperNode(neighbor).level}`
    }
  }
  yield* checkReachability(graph, linked)
}

function* checkNode(graph: Graph, ordinal: number): Generator<string> {
  const { protectedCount, neighbors } = graph.baseNode(ordinal)
  if (protectedCount > neighbors.length) yield `ordinal ${ordinal} has ${protectedCount} protected of ${neighbors.length} neighbors`
  if (new Set(neighbors).size !== neighbors.length) yield `ordinal ${ordinal} has a neighbor twice: ${neighbors.join(' ')}`
  for (const [i, neighbor] of neighbors.entries()) {
    if (neighbor === ordinal) yield `ordinal ${ordinal} is its own neighbor`
    else if (neighbor >= graph.linked) yield `ordinal ${ordinal} has neighbor ${neighbor}, of which ${graph.linked} are linked`
    else if (graph.stateOf(neighbor) === STATE_FREE) yield `ordinal ${ordinal} has neighbor ${neighbor}, which is free`
    else if (i < protectedCount) {
      const back = graph.baseNode(neighbor)
      const at = back.neighbors.indexOf(ordinal)
      if (at < 0 || at >= back.protectedCount) yield `ordinal ${ordinal} protects its edge to ${neighbor}, which does not protect it back`
    }
  }
}

/** Walks level 0 from the entry point. */
function* checkReachability(graph: Graph, linked: number): Generator<string | undefined> {
  const reached = new Uint8Array(linked)
  const stack = [graph.upperNode(graph.entry).ordinal]
  reached[stack[0]!] = 1
  while (stack.length) {
    for (const neighbor of graph.baseNode(stack.pop()!).neighbors) {
      if (neighbor >= linked || reached[neighbor]) continue
      reached[neighbor] = 1
      stack.push(neighbor)
    }
    yield undefined
  }
  const states = graph.copyStates()
  let lost = 0
  for (let ordinal = 0; ordinal < linked; ordinal++) if (!reached[ordinal] && states[ordinal] !== STATE_FREE) lost++
  if (lost) yield `${lost} of ${linked} nodes cannot be reached from the entry point`
}
