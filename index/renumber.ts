import type { Arena } from '../storage/arena.js'
import { BLOCK_HEADER } from '../storage/kernel/layout.js'
import { MOST_ROWS, PAGE_SLACK, type Space } from '../storage/space.js'
import { NO_GHOSTS } from './ghosts.js'
import { isCodeKind } from './codes.js'
import { BASE_STRIDE, type Graph, type GraphState, type Kind, KINDS, NO_NEIGHBOR } from './graph.js'
import { BASE_HEADER, NO_SLOT, ROW_BELOW, ROW_ORDINAL, STATE_FREE, UPPER_HEADER } from './kernel/layout.js'

/** What an ordinal becomes that is not taken along. */
export const DROPPED = 0xffffffff

/** The blocks of a graph in another numbering. */
export class Renumbered {
  /** u32: the new ordinal of each old one, DROPPED for those that are left out. */
  readonly ordinals: Uint32Array
  readonly #arena: Arena
  readonly #graph: Graph
  readonly #order: Uint32Array
  /** The old slot of each new one, and the new one of each old one. */
  readonly #slotOrder: Uint32Array
  readonly #slots: Uint32Array

  constructor(arena: Arena, graph: Graph, order: Uint32Array) {
    this.#arena = arena
    this.#graph = graph
    this.#order = order
    this.ordinals = inverse(order, graph.ordinals)
    this.#slotOrder = slotsInOrder(graph, this.ordinals)
    this.#slots = inverse(this.#slotOrder, graph.slots)
  }

  state(): GraphState {
    const state = this.#graph.state()
    const { drift } = state.codes
    const codes = { ...state.codes, drift: drift && { ...drift, latest: drift.latest.map(ordinal => this.ordinals[ordinal]!) } }
    const stored = Object.fromEntries(KINDS.map(kind => [kind, allOf(this.#blocksOf(kind))])) as GraphState['stored']
    return {
      ...state, ordinals: this.#order.length, linked: this.#order.length, nodes: state.levels ? this.#order.length : 0, free: 0, rebuilt: 0, tasks: new Uint32Array(0), ghosts: NO_GHOSTS, codes,
      slots: this.#slotOrder.length, entry: state.levels ? this.#slots[state.entry]! : 0, stored
    }
  }

  /**
   * Composes one block of some kinds after the other in the memory at `frame`, behind the place of its header.
   *
   * `frame` has room for the largest of the graph's frames; what stands there is valid until the next step.
   */
  *blocks(kinds: readonly Kind[], frame: number): Generator<{ kind: Kind, block: number, byteLength: number }> {
    for (const kind of kinds) {
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
    const order = kind === 'upper' ? this.#slotOrder : this.#order
    const last = Math.min(first + space.rowsPerBlock, order.length)
    for (let row = first; row < last; row++) {
      const to = frame + BLOCK_HEADER + (row - first) * space.rowBytes
      const from = this.#graph.rowAddress(kind, order[row]!)
      bytes.copyWithin(to, from, from + space.rowBytes)
      if (kind === 'base') this.#mapNeighbors(to, space.rowBytes)
      if (kind === 'upper') this.#mapSlots(to, space.rowBytes)
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

  #mapSlots(row: number, rowBytes: number): void {
    const view = new DataView(this.#arena.bytes.buffer, row, rowBytes)
    view.setUint32(ROW_ORDINAL, this.ordinals[view.getUint32(ROW_ORDINAL, true)]!, true)
    for (const at of [ROW_BELOW, ...neighborsAt(rowBytes)]) {
      const slot = view.getUint32(at, true)
      if (slot !== NO_SLOT) view.setUint32(at, this.#slots[slot]!, true)
    }
  }

  #rowsOf(kind: Kind): number {
    if (kind === 'upper') return this.#slotOrder.length
    if (isCodeKind(kind) && (kind !== this.#graph.codeKind || !this.#graph.trained)) return 0
    return kind === 'base' && !this.#graph.levels ? 0 : this.#order.length
  }

  #blocksOf(kind: Kind): number {
    return Math.ceil(this.#rowsOf(kind) / this.#graph[kind].rowsPerBlock)
  }
}

/** A bit for each of `count` blocks, all set. */
function allOf(count: number): Uint8Array {
  return Uint8Array.from({ length: Math.ceil(count / 8) }, (_, i) => (1 << Math.min(8, count - i * 8)) - 1)
}

/** Where the neighbors of an upper row stand. */
function neighborsAt(rowBytes: number): number[] {
  return Array.from({ length: (rowBytes - UPPER_HEADER) / 4 }, (_, i) => UPPER_HEADER + 4 * i)
}

/** Slots of nodes, in the new order of these; those of one node stay as they are. */
function slotsInOrder(graph: Graph, ordinals: Uint32Array): Uint32Array {
  const keys: number[] = []
  for (let slot = 0; slot < graph.slots; slot++) {
    const { ordinal } = graph.upperNode(slot)
    if (graph.isLinked(ordinal)) keys.push(ordinals[ordinal]! * MOST_ROWS + slot)
  }
  return Uint32Array.from(Float64Array.from(keys).sort(), key => key % MOST_ROWS)
}

/** Where each of `count` numbers stands in `order`; DROPPED for those that do not. */
function inverse(order: Uint32Array, count: number): Uint32Array {
  const positions = new Uint32Array(count).fill(DROPPED)
  for (const [i, one] of order.entries()) positions[one] = i
  return positions
}
