import type { CodePlace } from '../storage/code-block-format.js'

const MOST = 255

/** What comes after a number of writings. */
function after(writing: number): number {
  return writing % MOST + 1
}

/**
 * How often each block of codes was written: from 1 to MOST, and around; 0 where that is not known.
 *
 * An older block that shows through, when LevelDB repaired its files, passes its own checksum: it is noticed by its number.
 */
export class Writings {
  /** By the version of their codebook. */
  readonly #counts = new Map<number, Uint8Array>()

  /** A number for each block of a version. */
  of(version: number): Uint8Array {
    return this.#counts.get(version) ?? new Uint8Array(0)
  }

  restore(version: number, counts: Uint8Array): void {
    this.#counts.set(version, Uint8Array.from(counts))
  }

  /** A block is written once more; returns its number. */
  next({ version, block }: CodePlace): number {
    let counts = this.of(version)
    if (block >= counts.length) {
      const longer = new Uint8Array(2 * block + 1)
      longer.set(counts)
      this.#counts.set(version, counts = longer)
    }
    return counts[block] = after(counts[block]!)
  }

  /** Nothing is left of the versions before this one. */
  forget(version: number): void {
    for (const known of this.#counts.keys()) if (known < version) this.#counts.delete(known)
  }
}

/** Whether a block may be the last that was written, of which `known` tells; a checkpoint that was interrupted may have written it once more. */
export function isLast(writing: number, known: number): boolean {
  return known === 0 || writing === known || writing === after(known)
}
