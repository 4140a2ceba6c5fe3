import type { Arena } from '../storage/arena.js'
import type { Kernel } from './kernel.js'
import {
  BATCH_BYTES, BATCH_EDGES, BATCH_LINKS, BATCH_MEMBERS, BATCH_PARTS, BATCH_RANGES, BATCH_SWEEPS, EDGE_BYTES, LIST_HEADER, MEMBER_BYTES, MEMBER_LISTS,
  MORE_IN_PLACE, OFFERS, PARTS, RANGE_BYTES, RANGE_FROM, RANGE_ROWS, RANGE_TO, RANGE_UPPER, SWEPT_HEADER
} from './kernel/layout.js'
import type { Step as KernelStep } from './threads/program.js'

/** What threads do with a graph, one step after the other. */
export interface Step extends KernelStep {
  fn: 'look' | 'join' | 'connectPart' | 'encodeRows'
}

/** Rows to be swept. */
export interface SweptRange {
  isUpper: boolean
  from: number
  to: number
}

/** The memory in which threads link nodes together, and sweep rows meanwhile (kernel/layout.ts). */
export class Batch {
  readonly #arena: Arena
  readonly #allocated: [ptr: number, byteLength: number][] = []
  readonly #ptr: number
  readonly #items: number

  /**
   * Makes the slots of the nodes; no edge leads to them yet. `first` says that the graph has no node: the first one has an upper level in any case, since
   * that is where searches begin.
   */
  constructor(arena: Arena, kernel: Kernel, graph: { ptr: number, options: { M: number } }, links: number[], ranges: SweptRange[], first: boolean) {
    this.#arena = arena
    const { M } = graph.options
    this.#items = links.length + ranges.length
    this.#ptr = this.#allocate(BATCH_BYTES)
    this.#set(this.#ptr + BATCH_LINKS, links.length)
    this.#set(this.#ptr + BATCH_SWEEPS, ranges.length)
    this.#set(this.#ptr + BATCH_PARTS, this.#allocate((PARTS + 1) * 4))

    const members = this.#allocate(links.length * MEMBER_BYTES)
    this.#set(this.#ptr + BATCH_MEMBERS, members)
    let lists = 0
    for (const [i, ordinal] of links.entries()) {
      const member = members + i * MEMBER_BYTES
      this.#set(member + MEMBER_LISTS, lists)
      lists += 1 + kernel.enroll(graph.ptr, member, ordinal, first && i === 0 ? 1 : 0)
    }
    const mostChosen = M + Math.floor(M / MORE_IN_PLACE)
    const listBytes = LIST_HEADER + mostChosen * 4
    const at = this.#allocate(lists * listBytes)
    for (let i = 0; i < links.length; i++) {
      const member = members + i * MEMBER_BYTES
      this.#set(member + MEMBER_LISTS, at + this.#get(member + MEMBER_LISTS) * listBytes)
    }
    this.#set(this.#ptr + BATCH_EDGES, this.#allocate((lists * mostChosen + ranges.length * OFFERS) * EDGE_BYTES))

    const sweeps = this.#allocate(ranges.length * RANGE_BYTES)
    this.#set(this.#ptr + BATCH_RANGES, sweeps)
    for (const [i, { isUpper, from, to }] of ranges.entries()) {
      const range = sweeps + i * RANGE_BYTES
      this.#set(range + RANGE_UPPER, isUpper ? 1 : 0)
      this.#set(range + RANGE_FROM, from)
      this.#set(range + RANGE_TO, to)
      this.#set(range + RANGE_ROWS, this.#allocate(4 + Math.max(0, to - from) * (SWEPT_HEADER + (isUpper ? M : 2 * M) * 4)))
    }
  }

  get steps(): Step[] {
    const steps: Step[] = []
    if (!this.#items) return steps
    steps.push({ fn: 'look', arg: this.#ptr, count: this.#items, mutates: false })
    steps.push({ fn: 'join', arg: this.#ptr, count: 1, mutates: true })
    steps.push({ fn: 'connectPart', arg: this.#ptr, count: PARTS, mutates: true })
    return steps
  }

  release(): void {
    for (const [ptr, byteLength] of this.#allocated) this.#arena.release(ptr, byteLength)
  }

  #allocate(byteLength: number): number {
    const ptr = this.#arena.allocate(byteLength)
    this.#allocated.push([ptr, byteLength])
    return ptr
  }

  #get(at: number): number {
    return this.#arena.u32[at / 4]!
  }

  #set(at: number, value: number): void {
    this.#arena.u32[at / 4] = value
  }
}
