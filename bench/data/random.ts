/**
 * Seeded random numbers that are the same on every machine.
 *
 * Source: xoshiro128** (Blackman, Vigna 2018), its state filled by splitmix32; normal draws by Box and Muller 1958.
 */
export class Random {
  readonly #state: Uint32Array
  #spare: number | undefined

  constructor(seed: number) {
    let counter = seed >>> 0
    this.#state = Uint32Array.from({ length: 4 }, () => {
      counter = (counter + 0x9e3779b9) >>> 0
      let mixed = Math.imul(counter ^ (counter >>> 16), 0x21f0aaad)
      mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97)
      return mixed ^ (mixed >>> 15)
    })
  }

  u32(): number {
    const s = this.#state
    const result = Math.imul(rotateLeft(Math.imul(s[1], 5), 7), 9) >>> 0
    const shifted = s[1] << 9
    s[2] ^= s[0]
    s[3] ^= s[1]
    s[1] ^= s[2]
    s[0] ^= s[3]
    s[2] ^= shifted
    s[3] = rotateLeft(s[3], 11)
    return result
  }

  /** Uniform in (0, 1), never 0, so that its logarithm is finite. */
  uniform(): number {
    return (this.u32() + 0.5) / 2 ** 32
  }

  /** Normal with mean 0 and deviation 1; draws come in pairs, the second one waits for the next call. */
  gauss(): number {
    if (this.#spare !== undefined) {
      const spare = this.#spare
      this.#spare = undefined
      return spare
    }
    const radius = Math.sqrt(-2 * Math.log(this.uniform()))
    const angle = 2 * Math.PI * this.uniform()
    this.#spare = radius * Math.sin(angle)
    return radius * Math.cos(angle)
  }
}

function rotateLeft(x: number, bits: number): number {
  return (x << bits) | (x >>> (32 - bits))
}
