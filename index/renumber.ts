import type { Arena } from '../storage/arena.js'
import { PAGE_SLACK, type Space } from '../storage/space.js'
import { BASE_STRIDE, type Graph, type GraphState, type Kind, KINDS, NO_NEIGHBOR } from './graph.js'
import { BLOCK_HEADER } from '../storage/kernel/layout.js'
import { BASE_HEADER, ROW_ORDINAL, STATE_DEAD, STATE_FREE, STATE_LIVE } from './kernel/layout.js'

/** Nodes that are looked at, or rows that are copied, between two pauses. */
const PAUSE = 200
/** What an ordinal becomes that is not taken along. */
export const DROPPED = 0xffffffff

/** A numbering: the old ordinal of each new one, u32[count]; and whether all nodes of the graph are in it, so that they keep their neighbors. */
export interface LocalOrder {
  order: Uint32Array
  linked: boolean
}

/**
 * The ordinals of a graph in the order of a walk from its entry point, nearest neighbors first: numbered so, what a search reads lies together.
 *
 * What is dead stays as long as others are linked to it; but not where more is dead than live: then only what is live is taken along, to be
 * linked anew.
 *
 * Yields now and then, so that others have their turn. Everything must be linked that can be, and nothing may change meanwhile. Ordinals that
 * are in no graph and hold no record are left out.
 */
export function* localOrder(graph: Graph): Generator<void, LocalOrder> {
  const order = new Uint32Array(graph.ordinals)
  const taken = new Uint8Array(graph.ordinals)
  let count = 0
  const take = (ordinal: number): void => {
    if (taken[ordinal]) return
    taken[ordinal] = 1
    order[count++] = ordinal
  }
  if (graph.levels) take(graph.upperNode(graph.entry).ordinal)
  for (let at = 0; at < count; at++) {
    for (const neighbor of graph.baseNode(order[at]!).neighbors) take(neighbor)
    if (at % PAUSE === 0) yield
  }
  const states = graph.copyStates()
  for (const [ordinal, state] of states.entries()) if (state === STATE_LIVE || (state === STATE_DEAD && ordinal < graph.linked)) take(ordinal)
  if (count <= 2 * graph.live) return { order: order.slice(0, count), linked: graph.trained }
  return { order: order.subarray(0, count).filter(ordinal => states[ordinal] === STATE_LIVE), linked: false }
}

/** The blocks of a graph in another numbering. */
export class Renumbered {
  /** u32: the new ordinal of each old one, DROPPED for those that are left out. */
  readonly ordinals: Uint32Array
  readonly #arena: Arena
  readonly #graph: Graph
  readonly #order: Uint32Array
  /** Whether the nodes keep their neighbors. */
  readonly #linked: boolean

  constructor(arena: Arena, graph: Graph, { order, linked }: LocalOrder) {
    this.#arena = arena
    this.#graph = graph
    this.#order = order
    this.ordinals = new Uint32Array(graph.ordinals).fill(DROPPED)
    for (const [i, ordinal] of order.entries()) this.ordinals[ordinal] = i
    this.#linked = linked
  }

  state(): GraphState {
    const state = this.#graph.state()
    const count = this.#order.length
    const { trained } = this.#graph
    const stored = Object.fromEntries(KINDS.map(kind => [kind, allOf(this.#blocksOf(kind))])) as GraphState['stored']
    if (this.#linked) return { ...state, ordinals: count, linked: count, uncoded: 0, rebuilt: 0, stored }
    return { ...state, ordinals: count, linked: 0, uncoded: trained ? 0 : count, rebuilt: trained ? count : 0, slots: 0, entry: 0, levels: 0, stored }
  }

  /**
   * Composes one block after the other in the memory at `frame`, behind the place of its header.
   *
   * `frame` has room for the largest of the graph's frames; what stands there is valid until the next step.
   */
  *blocks(frame: number): Generator<{ kind: Kind, block: number, byteLength: number }> {
    for (const kind of KINDS) {
      const space = this.#graph[kind]
      for (let block = 0; block < this.#blocksOf(kind); block++) {
        this.#compose(kind, space, block, frame)
        yield { kind, block, byteLength: space.frameBytes - PAGE_SLACK }
      }
    }
  }

  #compose(kind: Kind, space: Space, block: number, frame: number): void {
    const { bytes } = this.#arena
    bytes.fill(kind === 'base' || kind === 'upper' ? 0xff : kind === 'states' ? STATE_FREE : 0, frame, frame + space.frameBytes)
    const first = block * space.rowsPerBlock
    const last = Math.min(first + space.rowsPerBlock, this.#rowsOf(kind))
    for (let row = first; row < last; row++) {
      const to = frame + BLOCK_HEADER + (row - first) * space.rowBytes
      const from = this.#graph.rowAddress(kind, kind === 'upper' ? row : this.#order[row]!)
      bytes.copyWithin(to, from, from + space.rowBytes)
      if (kind === 'base') this.#mapNeighbors(to, space.rowBytes)
      if (kind === 'upper') this.#mapOrdinal(to)
    }
  }

  #mapNeighbors(row: number, rowBytes: number): void {
    const { bytes } = this.#arena
    for (let at = row + BASE_HEADER; at < row + rowBytes; at += BASE_STRIDE) {
      const neighbor = bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16)
      if (neighbor === NO_NEIGHBOR) return
      const ordinal = this.ordinals[neighbor]!
      bytes[at] = ordinal
      bytes[at + 1] = ordinal >>> 8
      bytes[at + 2] = ordinal >>> 16
    }
  }

  #mapOrdinal(row: number): void {
    const view = new DataView(this.#arena.bytes.buffer, row + ROW_ORDINAL, 4)
    view.setUint32(0, this.ordinals[view.getUint32(0, true)]!, true)
  }

  #rowsOf(kind: Kind): number {
    if (kind === 'codes' || kind === 'states') return this.#order.length
    if (!this.#linked) return 0
    return kind === 'base' ? this.#order.length : this.#graph.slots
  }

  #blocksOf(kind: Kind): number {
    return Math.ceil(this.#rowsOf(kind) / this.#graph[kind].rowsPerBlock)
  }
}

/** A bit for each of `count` blocks, all set. */
function allOf(count: number): Uint8Array {
  return Uint8Array.from({ length: Math.ceil(count / 8) }, (_, i) => (1 << Math.min(8, count - i * 8)) - 1)
}
