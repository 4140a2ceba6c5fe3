const FIRST_BYTES = 1024

/** A set of small integers, a bit each. */
export class OrdinalSet {
  #bits = new Uint8Array(FIRST_BYTES)

  add(ordinal: number): void {
    const at = ordinal >>> 3
    if (at >= this.#bits.length) {
      const bits = new Uint8Array(Math.max(at + 1, this.#bits.length * 2))
      bits.set(this.#bits)
      this.#bits = bits
    }
    this.#bits[at]! |= 1 << (ordinal & 7)
  }

  has(ordinal: number): boolean {
    return ((this.#bits[ordinal >>> 3] ?? 0) >>> (ordinal & 7) & 1) === 1
  }
}
