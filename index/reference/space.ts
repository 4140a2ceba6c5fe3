import {
  BLOCK_HEADER, COUNTS_BYTES, COUNTS_FAULTS, COUNTS_READS, KEPT_ENTRIES, KEPT_HEAD, KEPT_MASK, KEPT_ROW_BITS, KEPT_SPACE_BITS, MOST_ASKED, PAGE_BYTES, REFERENCED, SPACE_COUNTS,
  SPACE_DIRTY, SPACE_ID, SPACE_KEPT, SPACE_REFERENCES, SPACE_ROWS, SPACE_ROW_BYTES, SPACE_TABLE
} from '../../storage/kernel/layout.js'
import type { KernelCallbacks } from '../kernel.js'
import type { Memory } from './memory.js'

/** Row numbers to addresses, through the block tables of spaces. */
export class Rows {
  readonly #memory: Memory
  readonly #fault: KernelCallbacks['fault']
  /** For which this is. */
  thread = 0

  constructor(memory: Memory, fault: KernelCallbacks['fault']) {
    this.#memory = memory
    this.#fault = fault
  }

  /** What this thread has read of a space so far, and how often it has missed a block. More reads than a compiled kernel's: every code is copied for itself. */
  counts(space: number): { reads: bigint, faults: bigint } {
    const at = this.#countsOf(space)
    return { reads: this.#memory.u64(at + COUNTS_READS), faults: this.#memory.u64(at + COUNTS_FAULTS) }
  }

  /** The address of a row. Valid until the next call: that may load another block in its place. */
  address(space: number, row: number): number {
    const memory = this.#memory
    const rows = memory.u32(space + SPACE_ROWS)
    const block = Math.floor(row / rows)
    const frame = (): number => memory.u32(memory.u32(space + SPACE_TABLE) + 4 * block)
    this.#count(space, COUNTS_READS)
    if (!frame()) {
      this.#count(space, COUNTS_FAULTS)
      this.#fault(memory.u32(space + SPACE_ID), block)
    }
    memory.setU8(memory.u32(space + SPACE_REFERENCES) + frame() / PAGE_BYTES, REFERENCED)
    return frame() + BLOCK_HEADER + (row % rows) * memory.u32(space + SPACE_ROW_BYTES)
  }

  /** As address, for a row that is about to be changed. */
  dirtyAddress(space: number, row: number): number {
    const address = this.address(space, row)
    const block = Math.floor(row / this.#memory.u32(space + SPACE_ROWS))
    this.#memory.setU8(this.#memory.u32(space + SPACE_DIRTY) + block, 1)
    return address
  }

  /** Where a row stands that has no block; 0 when it is not kept. */
  kept(space: number, row: number): number {
    const memory = this.#memory
    const table = memory.u32(space + SPACE_KEPT)
    const mask = memory.u32(table + KEPT_MASK)
    const id = memory.u32(space + SPACE_ID)
    const product = (Math.imul(row, 0x9E3779B1) + Math.imul(id, 0x85EBCA6B)) >>> 0
    for (let at = (product ^ (product >>> 15)) & mask; ; at = (at + 1) & mask) {
      const head = memory.u32(memory.u32(table + KEPT_ENTRIES) + 4 * at)
      if (!head) return 0
      const first = memory.u32(head)
      if ((first & (2 ** KEPT_ROW_BITS - 1)) !== row || (memory.u32(head + 4) & (2 ** KEPT_SPACE_BITS - 1)) !== id) continue
      if (first >>> KEPT_ROW_BITS < MOST_ASKED) memory.setU32(head, first + 2 ** KEPT_ROW_BITS)
      return head + KEPT_HEAD
    }
  }

  /** The address of a row that has no block, which `load` has kept where it is not. */
  keptAddress(space: number, row: number, load: () => void): number {
    this.#count(space, COUNTS_READS)
    const kept = this.kept(space, row)
    if (kept) return kept
    this.#count(space, COUNTS_FAULTS)
    load()
    return this.kept(space, row)
  }

  /** A copy of a row. */
  read(space: number, row: number): Uint8Array {
    return this.#memory.copy(this.address(space, row), this.#memory.u32(space + SPACE_ROW_BYTES))
  }

  #countsOf(space: number): number {
    return this.#memory.u32(space + SPACE_COUNTS) + this.thread * COUNTS_BYTES
  }

  #count(space: number, counter: number): void {
    const at = this.#countsOf(space) + counter
    this.#memory.setU64(at, this.#memory.u64(at) + 1n)
  }
}
