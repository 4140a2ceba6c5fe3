/**
 * A numbering of nodes in which those that a search reads together lie together, and so in few blocks.
 *
 * Nodes are cut in two halves of whole blocks, and these again, down to single blocks. A cut goes across the direction in which the vectors of
 * its nodes differ most (two means, sought on a sample); then nodes of both halves change places while fewer edges lead across. What is too
 * much to have at hand is divided into regions first: by the directions that cut a sample of all; then each node is asked, a few times, in
 * which region most of its neighbors are. So codes are read twice, and neighbors a few times, in the order of their numbers or region by region,
 * which a small cache can bear.
 *
 * GloVe, 340,000 x 100, sq8, a cache of 8 MiB, an eighth of the index: of all reads of rows 61 % find their block there; in the order of a
 * walk from the entry point, nearest neighbors first, 46 %. 50,000 x 1536: 61 % and 49 %.
 *
 * Memory beside the kernel's: 14 bytes an ordinal, and some 10 MiB for a region.
 *
 * Source: Dhulipala, Kabiljo, Karrer, Ottaviano, Pupyrev, Shalita 2016 (recursive bisection); Nishimura, Ugander 2013 (balanced regions, node by node).
 */

import { type Graph, isFindable } from './graph.js'
import { Edges, Halving } from './halving.js'
import { Regions } from './regions.js'
import { sampleOf, Sketch } from './sketch.js'

/** Nodes of a region, as a sample lets them expect, at most: their numbers within it have 16 bits. */
const REGION = 16384
/** Nodes of the sample for each region, and in all. */
const SAMPLE = 128
const MOST_SAMPLED = 32768
/** Nodes whose vectors the scale of sketches is that of. */
const SCALED_BY = 256
/** How often each node is asked where its neighbors are. */
const VISITS = 3
/** Nodes that are looked at between two pauses. */
const PAUSE = 256

/**
 * The ordinals of a graph in that order; those that are not linked come last.
 *
 * Shapes: u32[count], the old ordinal of each new one. Yields how many have their place, now and then, so that others have their turn. Nothing may be pending,
 * there may be no ghosts, all codes must be of one codebook, and nothing may change meanwhile. Ordinals that have neither record nor node are left out.
 *
 * Cost: about 5 s of one core for 340,000 x 100.
 */
export function* localOrder(graph: Graph): Generator<number, Uint32Array> {
  const order = new Uint32Array(graph.ordinals)
  let linked = 0
  let last = order.length
  for (const [ordinal, state] of graph.copyStates().entries()) {
    if (ordinal % PAUSE === 0) yield 0
    // One whose record is lost may be a stepping stone still.
    if (graph.levels && graph.isLinked(ordinal)) order[linked++] = ordinal
    else if (isFindable(state)) order[--last] = ordinal
  }
  if (linked) yield* new Ordering(graph, order.subarray(0, linked)).run()
  const unlinked = order.slice(last).reverse()
  order.set(unlinked, linked)
  return order.slice(0, linked + unlinked.length)
}

class Ordering {
  readonly #graph: Graph
  readonly #order: Uint32Array
  readonly #sketch: Sketch
  /** Rows of blocks, the largest first: cuts go between as large ones as they can. */
  readonly #units: number[]
  #placed = 0

  /** Shapes: order u32[count], ordinals, ascending; rearranged. */
  constructor(graph: Graph, order: Uint32Array) {
    this.#graph = graph
    this.#order = order
    this.#sketch = Sketch.of(graph.options.dimensions, Array.from(sampleOf(order, SCALED_BY), ordinal => graph.decode(ordinal)))
    this.#units = [graph[graph.codeKind].rowsPerBlock, graph.base.rowsPerBlock].sort((a, b) => b - a)
  }

  *run(): Generator<number, void> {
    const regions = Math.ceil(this.#order.length / REGION)
    const ends = regions > 1 ? yield* this.#divide(regions) : [this.#order.length]
    const places = new Uint32Array(this.#graph.ordinals)
    for (const [i, end] of ends.entries()) yield* this.#arrangeRegion(ends[i - 1] ?? 0, end, places)
  }

  /** Puts the nodes of each region together; returns where each ends. */
  *#divide(count: number): Generator<number, Uint32Array> {
    const [order, sketch, graph] = [this.#order, this.#sketch, this.#graph]
    const sample = sampleOf(order, Math.min(MOST_SAMPLED, count * SAMPLE))
    const points = sketch.points(sample.length)
    for (const [i, ordinal] of sample.entries()) {
      if (i % PAUSE === 0) yield 0
      sketch.draw(graph.decode(ordinal), points, i)
    }
    const halving = new Halving(points, sketch.width, sample.length)
    const found = Regions.of(halving, Uint32Array.from(sample.keys()), { ordinals: graph.ordinals, count: order.length, most: REGION })
    let step = found.next()
    for (; !step.done; step = found.next()) yield 0
    const regions = step.value
    const point = sketch.points(1)
    for (const [i, ordinal] of order.entries()) {
      if (i % PAUSE === 0) yield 0
      sketch.draw(graph.decode(ordinal), point, 0)
      regions.add(ordinal, point)
    }
    for (let visit = 0; visit < VISITS; visit++) {
      for (const [i, ordinal] of order.entries()) {
        if (i % PAUSE === 0) yield 0
        regions.follow(ordinal, graph.baseNode(ordinal).neighbors)
      }
    }
    return regions.gather(order)
  }

  *#arrangeRegion(from: number, to: number, places: Uint32Array): Generator<number, void> {
    const [graph, sketch] = [this.#graph, this.#sketch]
    const ordinals = this.#order.slice(from, to)
    const points = sketch.points(ordinals.length)
    for (const [i, ordinal] of ordinals.entries()) {
      if (i % PAUSE === 0) yield this.#placed
      places[ordinal] = i
      sketch.draw(graph.decode(ordinal), points, i)
    }
    const edges = new Edges(ordinals.length, 2 * graph.options.M)
    for (const [i, ordinal] of ordinals.entries()) {
      if (i % PAUSE === 0) yield this.#placed
      for (const neighbor of graph.baseNode(ordinal).neighbors) {
        const place = places[neighbor]!
        if (ordinals[place] === neighbor) edges.add(i, place)
      }
    }
    edges.complete()
    const nodes = Uint32Array.from(ordinals.keys())
    yield* this.#arrange(new Halving(points, sketch.width, nodes.length, edges), nodes, from)
    for (const [i, node] of nodes.entries()) this.#order[from + i] = ordinals[node]!
  }

  /** Arranges nodes that are the ones from a place on. */
  *#arrange(halving: Halving, nodes: Uint32Array, from: number): Generator<number, void> {
    const left = this.#cutAt(from, from + nodes.length) - from
    if (left === 0) {
      this.#placed += nodes.length
      return
    }
    for (const _ of halving.halve(nodes, left)) yield this.#placed
    yield* this.#arrange(halving, nodes.subarray(0, left), from)
    yield* this.#arrange(halving, nodes.subarray(left), from + left)
  }

  /** Where a block begins between two places, as near their middle as there is one; `from` if there is none. */
  #cutAt(from: number, to: number): number {
    for (const rows of this.#units) {
      const middle = Math.round((from + to) / 2 / rows) * rows
      for (const at of [middle, middle - rows, middle + rows]) if (at > from && at < to) return at
    }
    return from
  }
}
