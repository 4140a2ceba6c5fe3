import type { Arena } from './arena.js'
import { packedByteLength, readHeader } from './vector-format.js'

/** Bytes that the kernel may read and write behind a packed vector, and those before it that align it. */
const SLACK = 24

/** What this folder needs of the kernel. Shapes: vectors f32[dim], padded with zeros to whole groups of four. */
export interface PackingKernel {
  /** Returns the address behind. */
  packVector(vector: number, dim: number, packed: number): number
  unpackVector(packed: number, dim: number, vector: number): void
}

/** Packs and unpacks full vectors (vector-format.ts) in the kernel's memory. */
export class VectorPacker {
  readonly #kernel: PackingKernel
  readonly #arena: Arena
  /** Room for one vector, packed, and for one that is not. */
  #packed = 0
  #vector = 0
  #dim = 0

  constructor(kernel: PackingKernel, arena: Arena) {
    this.#kernel = kernel
    this.#arena = arena
  }

  /**
   * Makes room for vectors of so many dimensions.
   *
   * @throws {VectorLevelError} VECTOR_FULL
   */
  reserve(dim: number): void {
    if (dim <= this.#dim) return
    const packed = this.#arena.allocate(packedByteLength(dim) + SLACK)
    const vector = this.#arena.allocate(paddedBytes(dim))
    if (this.#dim) {
      this.#arena.release(this.#packed, packedByteLength(this.#dim) + SLACK)
      this.#arena.release(this.#vector, paddedBytes(this.#dim))
    }
    this.#packed = packed
    this.#vector = vector
    this.#dim = dim
  }

  /** As packVector. */
  pack(bits: Uint32Array, out: Uint8Array, at: number): number {
    const dim = bits.length
    this.reserve(dim)
    const { u32, bytes } = this.#arena
    u32.set(bits, this.#vector / 4)
    u32.fill(0, this.#vector / 4 + dim, (this.#vector + paddedBytes(dim)) / 4)
    const byteLength = (this.#kernel.packVector(this.#vector, dim, this.#packed) >>> 0) - this.#packed
    out.set(bytes.subarray(this.#packed, this.#packed + byteLength), at)
    return at + byteLength
  }

  /**
   * As unpackVector, into the kernel's memory at `vector`.
   *
   * @throws {VectorLevelError} VECTOR_CORRUPTION when the bytes end early or the header is impossible
   */
  unpack(bytes: Uint8Array, at: number, dim: number, vector: number): number {
    this.reserve(dim)
    const { end } = readHeader(bytes, at, dim)
    // NOTE: what is aligned alike is copied by words, and else byte by byte.
    const packed = this.#packed + ((bytes.byteOffset + at) & 7)
    this.#arena.bytes.set(bytes.subarray(at, end), packed)
    this.#kernel.unpackVector(packed, dim, vector)
    return end
  }
}

function paddedBytes(dim: number): number {
  return Math.ceil(dim / 4) * 16
}
