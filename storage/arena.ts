import { VectorLevelError } from '../floor/errors.js'

export const SLAB_BYTES = 65536
const LEAST_PIECE = 64

/** Owner of a slab that is part of an allocation, of one that nobody has, and of one that rows are kept in. Frame classes are 0 and up. */
export const ALLOCATED = -2
export const FREE = -1
export const KEPT = -3

/** What memory is taken for that is not frames. */
export const USES = ['tables', 'scratch', 'codebooks', 'other'] as const
export type Use = (typeof USES)[number]

/**
 * The kernel's memory, handed out in slabs of 64 KiB: to the block cache for frames, and here for everything else.
 *
 * Its size is fixed when it is made, so views stay valid; pages that were never touched cost no memory.
 */
export class Arena {
  readonly memory: WebAssembly.Memory
  readonly slabs: number
  readonly bytes: Uint8Array<SharedArrayBuffer>
  readonly u32: Uint32Array<SharedArrayBuffer>
  readonly f32: Float32Array<SharedArrayBuffer>
  readonly f64: Float64Array<SharedArrayBuffer>
  readonly u64: BigUint64Array<SharedArrayBuffer>
  /** Who has each slab: changed by `give` alone. */
  readonly owners: Int8Array
  /** Whether somebody has, or had, what is in a slab. */
  readonly #had: Uint8Array
  #free: number
  #allocated = 1
  /** Asked to empty slabs [from, from + count) of frames; says whether it could. Set by the block cache. */
  vacate: (from: number, count: number) => boolean = () => false
  #pieces = new Map<number, number[]>()
  /** Bytes that are allocated, by what for. */
  readonly used: Record<Use, number> = { tables: 0, scratch: 0, codebooks: 0, other: 0 }

  constructor(byteLength: number) {
    this.slabs = Math.ceil(byteLength / SLAB_BYTES)
    this.memory = new WebAssembly.Memory({ initial: this.slabs, maximum: this.slabs, shared: true })
    const buffer = this.memory.buffer as unknown as SharedArrayBuffer
    this.bytes = new Uint8Array(buffer)
    this.u32 = new Uint32Array(buffer)
    this.f32 = new Float32Array(buffer)
    this.f64 = new Float64Array(buffer)
    this.u64 = new BigUint64Array(buffer)
    this.owners = new Int8Array(this.slabs).fill(FREE)
    this.#had = new Uint8Array(this.slabs)
    // Address 0 stands for nothing, and compilers put their constants into the first page.
    this.owners[0] = ALLOCATED
    this.#free = this.slabs - 1
  }

  /** Slabs that nobody has. */
  get free(): number {
    return this.#free
  }

  /** Bytes of the slabs that are, or may become, frames. */
  get frameBytes(): number {
    return (this.slabs - this.#allocated) * SLAB_BYTES
  }

  /** Gives slabs [from, from + count) to an owner. */
  give(from: number, count: number, owner: number): void {
    for (let slab = from; slab < from + count; slab++) {
      if (owner !== FREE && owner !== ALLOCATED) this.#had[slab] = 1
      this.#free += Number(owner === FREE) - Number(this.owners[slab] === FREE)
      this.#allocated += Number(owner === ALLOCATED) - Number(this.owners[slab] === ALLOCATED)
      this.owners[slab] = owner
    }
  }

  /**
   * Allocates zeroed memory, aligned to 64 bytes.
   *
   * @throws {VectorLevelError} VECTOR_FULL when neither free slabs nor frames that can be emptied make room
   */
  allocate(byteLength: number, use: Use = 'other'): number {
    const size = this.#sizeOf(byteLength)
    let ptr: number
    if (size >= SLAB_BYTES) {
      ptr = this.#allocateSlabs(size / SLAB_BYTES)
    } else {
      let pieces = this.#pieces.get(size)
      if (!pieces?.length) {
        const slab = this.#allocateSlabs(1)
        pieces = []
        for (let at = SLAB_BYTES - size; at >= 0; at -= size) pieces.push(slab + at)
        this.#pieces.set(size, pieces)
      }
      ptr = pieces.pop()!
    }
    this.#clear(ptr, size)
    this.used[use] += size
    return ptr
  }

  /** Leaves slabs alone that nobody ever had: they are zeros, and take no memory. */
  #clear(ptr: number, byteLength: number): void {
    for (let at = ptr; at < ptr + byteLength;) {
      const slab = Math.floor(at / SLAB_BYTES)
      const end = Math.min(ptr + byteLength, (slab + 1) * SLAB_BYTES)
      if (this.#had[slab]) this.bytes.fill(0, at, end)
      at = end
    }
    for (let slab = Math.floor(ptr / SLAB_BYTES); slab * SLAB_BYTES < ptr + byteLength; slab++) this.#had[slab] = 1
  }

  /** Gives back what `allocate(byteLength, use)` returned. */
  release(ptr: number, byteLength: number, use: Use = 'other'): void {
    const size = this.#sizeOf(byteLength)
    this.used[use] -= size
    if (size >= SLAB_BYTES) this.give(ptr / SLAB_BYTES, size / SLAB_BYTES, FREE)
    else this.#pieces.get(size)!.push(ptr)
  }

  #sizeOf(byteLength: number): number {
    if (byteLength > SLAB_BYTES / 2) return Math.ceil(byteLength / SLAB_BYTES) * SLAB_BYTES
    let size = LEAST_PIECE
    while (size < byteLength) size *= 2
    return size
  }

  #allocateSlabs(count: number): number {
    const from = this.#findRun(count)
    if (from === undefined) {
      throw new VectorLevelError('VECTOR_FULL',
        `cacheSize of ${this.slabs * SLAB_BYTES} bytes is too small: no room for ${count * SLAB_BYTES} bytes of tables; open with a larger one`)
    }
    this.give(from, count, ALLOCATED)
    return from * SLAB_BYTES
  }

  /** Neighboring slabs, free ones or else such as can be emptied; from the top, so that what stays gathers there. */
  #findRun(count: number): number | undefined {
    const last = this.slabs - count
    for (let from = last; from > 0; from--) if (this.owners.subarray(from, from + count).every(owner => owner === FREE)) return from
    for (let from = last; from > 0; from--) {
      if (!this.owners.subarray(from, from + count).includes(ALLOCATED) && this.vacate(from, count)) return from
    }
    return undefined
  }
}
