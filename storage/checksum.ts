import type { Arena } from './arena.js'

const STAGING_BYTES = 32768
const SEED_BYTES = 8

/** What this folder needs of the kernel. */
export interface ChecksumKernel {
  /** xxHash64, seed 0, of the bytes at `ptr`. */
  checksum(ptr: number, byteLength: number): bigint
}

/** Checksums of bytes outside the kernel's memory. */
export class Checksum {
  readonly #kernel: ChecksumKernel
  readonly #arena: Arena
  readonly #staging: number
  readonly #view: DataView
  readonly #key: bigint

  /** With a `key` its hashes are those of one store: what comes from another fails them. */
  constructor(kernel: ChecksumKernel, arena: Arena, key = 0n) {
    this.#kernel = kernel
    this.#key = key
    this.#arena = arena
    this.#staging = arena.allocate(STAGING_BYTES)
    this.#view = new DataView(arena.bytes.buffer)
  }

  /**
   * Hashes `bytes`, chained to `seed`: what a hash is seeded with is covered by it.
   *
   * Units: h = seed xor key, then h = xxHash64(h || piece) for each piece of at most 32,760 bytes, at least one.
   */
  hash(seed: bigint, bytes: Uint8Array): bigint {
    let hash = seed ^ this.#key
    let from = 0
    do {
      const piece = bytes.subarray(from, from + STAGING_BYTES - SEED_BYTES)
      this.#view.setBigUint64(this.#staging, hash, true)
      this.#arena.bytes.set(piece, this.#staging + SEED_BYTES)
      hash = BigInt.asUintN(64, this.#kernel.checksum(this.#staging, SEED_BYTES + piece.length))
      from += piece.length
    } while (from < bytes.length)
    return hash
  }
}
