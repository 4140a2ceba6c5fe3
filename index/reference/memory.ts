/** Kernel memory, read and written one value at a time, aligned or not. */
export class Memory {
  readonly bytes: Uint8Array
  readonly #view: DataView

  constructor(memory: WebAssembly.Memory) {
    this.bytes = new Uint8Array(memory.buffer)
    this.#view = new DataView(memory.buffer)
  }

  u8(at: number): number {
    return this.#view.getUint8(at)
  }

  u32(at: number): number {
    return this.#view.getUint32(at, true)
  }

  u64(at: number): bigint {
    return this.#view.getBigUint64(at, true)
  }

  f32(at: number): number {
    return this.#view.getFloat32(at, true)
  }

  f64(at: number): number {
    return this.#view.getFloat64(at, true)
  }

  setU8(at: number, value: number): void {
    this.#view.setUint8(at, value)
  }

  setU64(at: number, value: bigint): void {
    this.#view.setBigUint64(at, value, true)
  }

  setF32(at: number, value: number): void {
    this.#view.setFloat32(at, value, true)
  }

  setF64(at: number, value: number): void {
    this.#view.setFloat64(at, value, true)
  }

  setU32(at: number, value: number): void {
    this.#view.setUint32(at, value, true)
  }

  /** A copy of bytes. */
  copy(at: number, byteLength: number): Uint8Array {
    return this.bytes.slice(at, at + byteLength)
  }

  /** A copy of floats. */
  floats(at: number, count: number): Float32Array {
    return new Float32Array(this.copy(at, count * 4).buffer)
  }
}
