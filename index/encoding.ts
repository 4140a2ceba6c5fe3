import { VectorLevelError } from '../floor/errors.js'
import type { Arena } from '../storage/arena.js'
import type { Step } from './batch.js'
import { ENCODED_TOGETHER, ENCODING_BYTES, ENCODING_COUNT, ENCODING_GRAPH, ENCODING_ORDINALS, ENCODING_VECTORS } from './kernel/layout.js'

export interface UncodedVector {
  ordinal: number
  /** Shapes: f32[dim], as the user gave it. */
  vector: Float32Array
}

/** Vectors in the kernel's memory whose codes threads make (kernel/layout.ts); release it. */
export class Encoding {
  readonly ptr: number
  readonly ordinals: readonly number[]
  readonly #arena: Arena
  readonly #byteLength: number

  /** By the codebook of the graph at this address. Each vector takes vectorBytes, padded. */
  private constructor(arena: Arena, graph: number, vectorBytes: number, uncoded: readonly UncodedVector[]) {
    this.#arena = arena
    this.ordinals = uncoded.map(({ ordinal }) => ordinal)
    const ordinalBytes = Math.ceil(uncoded.length / 4) * 16
    this.#byteLength = ENCODING_BYTES + ordinalBytes + uncoded.length * vectorBytes
    this.ptr = arena.allocate(this.#byteLength)
    const ordinals = this.ptr + ENCODING_BYTES
    const vectors = ordinals + ordinalBytes
    const { f32, u32 } = arena
    u32[(this.ptr + ENCODING_GRAPH) / 4] = graph
    u32[(this.ptr + ENCODING_COUNT) / 4] = uncoded.length
    u32[(this.ptr + ENCODING_ORDINALS) / 4] = ordinals
    u32[(this.ptr + ENCODING_VECTORS) / 4] = vectors
    u32.set(this.ordinals, ordinals / 4)
    for (const [i, { vector }] of uncoded.entries()) f32.set(vector, (vectors + i * vectorBytes) / 4)
  }

  /** One; undefined where there is no room for it now. */
  static ifRoom(arena: Arena, graph: number, vectorBytes: number, uncoded: readonly UncodedVector[]): Encoding | undefined {
    try {
      return new Encoding(arena, graph, vectorBytes, uncoded)
    } catch (error) {
      if (error instanceof VectorLevelError && error.code === 'VECTOR_FULL') return undefined
      throw error
    }
  }

  get steps(): Step[] {
    return [{ fn: 'encodeRows', arg: this.ptr, count: Math.ceil(this.ordinals.length / ENCODED_TOGETHER), mutates: false }]
  }

  release(): void {
    this.#arena.release(this.ptr, this.#byteLength)
  }
}
