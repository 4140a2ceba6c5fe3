import {
  BLOCK_HEADER, REFERENCED, SPACE_DIRTY, SPACE_ID, SPACE_REFERENCES, SPACE_ROWS, SPACE_ROW_BYTES, SPACE_TABLE
} from '../../storage/kernel/layout.js'
import type { KernelCallbacks } from '../kernel.js'
import type { Memory } from './memory.js'

/** Row numbers to addresses, through the block tables of spaces. */
export class Rows {
  readonly #memory: Memory
  readonly #fault: KernelCallbacks['fault']

  constructor(memory: Memory, fault: KernelCallbacks['fault']) {
    this.#memory = memory
    this.#fault = fault
  }

  /** The address of a row. Valid until the next call: that may load another block in its place. */
  address(space: number, row: number): number {
    const memory = this.#memory
    const rows = memory.u32(space + SPACE_ROWS)
    const block = Math.floor(row / rows)
    const frame = (): number => memory.u32(memory.u32(space + SPACE_TABLE) + 4 * block)
    if (!frame()) this.#fault(memory.u32(space + SPACE_ID), block)
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
}
