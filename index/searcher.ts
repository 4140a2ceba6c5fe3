import { type CodecName, codecs } from '../codecs/codec.js'
import type { Arena } from '../storage/arena.js'
import type { Kernel } from './kernel.js'
import { STATE_UNCODED } from './kernel/layout.js'
import type { RecordRows } from './record-rows.js'
import type { Scratch } from './scratch.js'
import type { Tasks } from './tasks.js'

/** Candidates kept beyond what is wanted, at least, where codes are approximate; half as many again for more. */
const LEAST_SPARE = 4
/** Unlinked ordinals that the kernel is given at once. */
const LIST = 1024

export interface Found {
  ordinal: number
  distance: number
}

/** Nearest first; exact when every live vector was looked at. */
export interface Nearest {
  found: Found[]
  exact: boolean
}

/** What a searcher sees of a graph. */
export interface SearchedGraph {
  readonly ptr: number
  readonly options: { codec: CodecName }
  readonly records: RecordRows
  readonly ordinals: number
  readonly live: number
  readonly unlinked: number
  readonly uncoded: number
  stateOf(ordinal: number): number
  prepare(vector: Float32Array, width: number): void
}

/** Searches a graph: its nodes along their edges, and what is not linked yet by scanning. */
export class Searcher {
  readonly #arena: Arena
  readonly #kernel: Kernel
  readonly #scratch: Scratch
  readonly #graph: SearchedGraph
  readonly #tasks: Tasks
  readonly #isApproximate: boolean
  readonly #list: number
  readonly #bits = new Uint32Array(1)
  readonly #float = new Float32Array(this.#bits.buffer)

  constructor(arena: Arena, kernel: Kernel, scratch: Scratch, graph: SearchedGraph, tasks: Tasks) {
    this.#arena = arena
    this.#kernel = kernel
    this.#scratch = scratch
    this.#graph = graph
    this.#tasks = tasks
    this.#isApproximate = codecs[graph.options.codec].approximate
    this.#list = arena.allocate(LIST * 4)
  }

  /**
   * The nearest live ordinals: `k` of them, or all when fewer are live. Where removed nodes crowd the beam, it is widened until they are found.
   *
   * Shapes: vector f32[dim] as the user gave it. `ef` is how many candidates are kept, at least k.
   */
  search(vector: Float32Array, k: number, ef: number): Nearest {
    const graph = this.#graph
    const wanted = Math.min(k, graph.live)
    if (wanted === 0) return { found: [], exact: true }
    // Approximate codes lose some of the nearest from a beam that is no wider than what is wanted.
    const spare = this.#isApproximate ? Math.max(LEAST_SPARE, wanted >> 1) : 0
    let width = Math.max(ef, wanted + spare)
    for (;;) {
      // Where the beam would hold most of the graph, looking at everything is cheaper, and exact.
      if (width * 4 > graph.live - graph.unlinked) return this.exact(vector, wanted)
      graph.prepare(vector, width)
      this.#kernel.loadQuery(graph.ptr, this.#scratch.ptr)
      const count = this.#kernel.search(graph.ptr, this.#scratch.ptr, width, wanted)
      const found = this.#withUncoded(vector, wanted, this.#scanUnlinked(wanted, count))
      if (found.length === wanted) return { found, exact: false }
      width *= 4
    }
  }

  /** As search, by looking at every live vector. */
  exact(vector: Float32Array, k: number): Nearest {
    const graph = this.#graph
    const wanted = Math.min(k, graph.live)
    if (wanted === 0) return { found: [], exact: true }
    graph.prepare(vector, wanted)
    const count = this.#kernel.scan(graph.ptr, this.#scratch.ptr, 0, graph.ordinals, wanted, 0)
    return { found: this.#withUncoded(vector, wanted, count), exact: true }
  }

  /** Looks at what is not linked yet, for those nearer than the `found` that the kernel holds. Returns how many it holds then. */
  #scanUnlinked(wanted: number, found: number): number {
    const list = this.#arena.u32.subarray(this.#list / 4, this.#list / 4 + LIST)
    for (let next = 0; next < this.#tasks.length;) {
      const links = this.#tasks.copyLinks(list, next)
      if (links.count) found = this.#kernel.scanIds(this.#graph.ptr, this.#scratch.ptr, this.#list, links.count, wanted, found)
      next = links.next
    }
    return found
  }

  /** What the kernel has found, and where exact codes are vectors that are missing yet, those nearer by their records. */
  #withUncoded(vector: Float32Array, wanted: number, count: number): Found[] {
    const results = this.#results(count)
    const graph = this.#graph
    if (this.#isApproximate || !graph.uncoded) return results
    const list = new Uint32Array(this.#tasks.length)
    const links = this.#tasks.copyLinks(list, 0)
    for (const ordinal of list.subarray(0, links.count)) {
      if (graph.stateOf(ordinal) !== STATE_UNCODED) continue
      graph.prepare(graph.records.given(ordinal), wanted)
      this.#kernel.encodeRow(graph.ptr, this.#scratch.ptr, this.#scratch.row)
      graph.prepare(vector, wanted)
      results.push({ ordinal, distance: this.#kernel.distanceTo(graph.ptr, this.#scratch.ptr, this.#scratch.row) })
    }
    return results.sort((a, b) => a.distance - b.distance || a.ordinal - b.ordinal).slice(0, wanted)
  }

  #results(count: number): Found[] {
    const { u32 } = this.#arena
    const at = this.#scratch.result / 4
    const results: Found[] = []
    for (let i = 0; i < count; i++) {
      const key = u32[at + 2 * i + 1]!
      // The inverse of sortable() in codecs/kernel/f32.ts.
      this.#bits[0] = key & 0x80000000 ? key ^ 0x80000000 : ~key
      results.push({ ordinal: u32[at + 2 * i]! >>> 1, distance: this.#float[0]! })
    }
    return results
  }
}
