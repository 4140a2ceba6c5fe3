import {
  BLOCK_HEADER, COUNTS_BYTES, COUNTS_FAULTS, COUNTS_READS, REFERENCED, SPACE_COUNTS, SPACE_DIRTY, SPACE_ID, SPACE_REFERENCES, SPACE_ROWS, SPACE_ROW_BYTES, SPACE_TABLE
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
    memory.setU8(memory.u32(space + SPACE_REFERENCES) + block, REFERENCED)
    return frame() + BLOCK_HEADER + (row % rows) * memory.u32(space + SPACE_ROW_BYTES)
  }

  /** As address, for a row that is about to be changed. */
  dirtyAddress(space: number, row: number): number {
    const address = this.address(space, row)
    const block = Math.floor(row / this.#memory.u32(space + SPACE_ROWS))
    this.#memory.setU8(this.#memory.u32(space + SPACE_DIRTY) + block, 1)
    return address
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
