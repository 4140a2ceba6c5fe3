import { OrdinalSet } from '../floor/ordinal-set.js'
import { type Graph, isFindable } from './graph.js'

export interface Reachability {
  /** Live nodes that are looked at. */
  nodes: number
  /** How many of them no walk along edges of level 0 comes to from the entry point. */
  unreachable: number
}

/** Walks level 0 from the entry point. Yields after each node; the graph may change between two steps. */
export function* countUnreachable(graph: Graph): Generator<undefined, Reachability> {
  const result = { nodes: 0, unreachable: 0 }
  if (graph.levels === 0) return result
  const reached = new OrdinalSet()
  const stack = [graph.upperNode(graph.entry).ordinal]
  reached.add(stack[0]!)
  while (stack.length) {
    for (const neighbor of graph.baseNode(stack.pop()!).neighbors) {
      if (neighbor >= graph.ordinals || reached.has(neighbor)) continue
      reached.add(neighbor)
      stack.push(neighbor)
    }
    yield undefined
  }
  for (let ordinal = 0; ordinal < graph.ordinals; ordinal++) {
    yield undefined
    if (!isLiveNode(graph, ordinal)) continue
    result.nodes++
    // What was linked after the walk had passed, or led to by what was removed before it came, hangs on the root of the entry point.
    if (!reached.has(ordinal) && rootOf(graph, ordinal) !== rootOf(graph, graph.upperNode(graph.entry).ordinal)) result.unreachable++
  }
  return result
}

/**
 * The same for some nodes, by the tree alone: whether each of them, and the entry point, hangs on the same root.
 *
 * Shapes: `draw` gives numbers below its argument. Cost: the depth of the tree for each of `sample` nodes.
 */
export function sampleUnreachable(graph: Graph, sample: number, draw: (below: number) => number): Reachability {
  const result = { nodes: 0, unreachable: 0 }
  if (graph.levels === 0) return result
  const root = rootOf(graph, graph.upperNode(graph.entry).ordinal)
  for (let tries = 0; tries < 4 * sample && result.nodes < sample; tries++) {
    const ordinal = draw(graph.ordinals)
    if (!isLiveNode(graph, ordinal)) continue
    result.nodes++
    if (rootOf(graph, ordinal) !== root) result.unreachable++
  }
  return result
}

function isLiveNode(graph: Graph, ordinal: number): boolean {
  return isFindable(graph.stateOf(ordinal)) && graph.isLinked(ordinal)
}

/** The lower one of the two nodes that are each other's parents. */
function rootOf(graph: Graph, ordinal: number): number {
  const [last = ordinal, before = ordinal] = ancestors(graph, ordinal).reverse()
  return Math.min(last, before)
}

/** The parent of a node, its parent, and so on, as long as each leads back to its child; the root comes to be a child of its first child. */
function ancestors(graph: Graph, ordinal: number): number[] {
  const line: number[] = []
  const seen = new Set([ordinal])
  for (let node = ordinal; ;) {
    const { protectedCount, neighbors } = graph.baseNode(node)
    const parent = protectedCount ? neighbors[0]! : node
    if (seen.has(parent) || parent >= graph.ordinals || graph.baseNode(parent).neighbors.indexOf(node) < 0) return line
    line.push(parent)
    seen.add(parent)
    node = parent
  }
}
