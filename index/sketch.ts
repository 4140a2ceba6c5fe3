import { Random } from '../floor/random.js'

/** Components of a sketch at most. GloVe, 100 of them: with 64, 7 % more blocks are missed. */
const MOST_COMPONENTS = 128
/** Of the average deviation of a component, what is told apart on either side. */
const DEVIATIONS = 4
const MOST = 127
const SEED = 7
/** A sketch has a multiple of so many components, which are multiplied together. */
export const LANES = 4

/**
 * How a vector is drawn in few components, of a byte each: where it has more, each of them is added to one of the sketch, with a sign.
 *
 * Source: Charikar, Chen, Farach-Colton 2002 (count sketch).
 */
export class Sketch {
  /** Components that it has. */
  readonly width: number
  readonly #targets: Uint16Array
  readonly #signs: Int8Array
  readonly #mean: Float64Array
  readonly #sums: Float64Array
  #scale = 0

  constructor(dimensions: number) {
    this.width = Math.ceil(Math.min(dimensions, MOST_COMPONENTS) / LANES) * LANES
    const random = new Random(SEED)
    const fits = dimensions <= this.width
    this.#targets = Uint16Array.from({ length: dimensions }, (_, i) => fits ? i : random.below(this.width))
    this.#signs = Int8Array.from({ length: dimensions }, () => fits || random.below(2) ? 1 : -1)
    this.#mean = new Float64Array(this.width)
    this.#sums = new Float64Array(this.width)
  }

  /** Scaled for such vectors as those of a sample. */
  static of(dimensions: number, sample: readonly Float32Array[]): Sketch {
    const sketch = new Sketch(dimensions)
    sketch.#fit(sample)
    return sketch
  }

  #fit(sample: readonly Float32Array[]): void {
    const drawn = sample.map(vector => this.#add(vector).slice())
    for (const sums of drawn) for (let i = 0; i < this.width; i++) this.#mean[i]! += sums[i]! / drawn.length
    let deviation = 0
    for (const sums of drawn) for (let i = 0; i < this.width; i++) deviation += Math.abs(sums[i]! - this.#mean[i]!)
    this.#scale = deviation > 0 ? MOST * drawn.length * this.width / deviation / DEVIATIONS : 0
  }

  #add(vector: Float32Array): Float64Array {
    this.#sums.fill(0)
    for (let i = 0; i < vector.length; i++) this.#sums[this.#targets[i]!]! += this.#signs[i]! * vector[i]!
    return this.#sums
  }

  /** Room for so many. */
  points(count: number): Int8Array {
    return new Int8Array(count * this.width)
  }

  /** Shapes: points i8[count, width], one of which is written. */
  draw(vector: Float32Array, points: Int8Array, index: number): void {
    const sums = this.#add(vector)
    const at = index * this.width
    for (let i = 0; i < this.width; i++) {
      points[at + i] = Math.max(-MOST, Math.min(MOST, Math.round((sums[i]! - this.#mean[i]!) * this.#scale)))
    }
  }
}

/** Up to `most` of them, evenly spread. */
export function sampleOf(ordinals: Uint32Array, most: number): Uint32Array {
  const count = Math.min(most, ordinals.length)
  return Uint32Array.from({ length: count }, (_, i) => ordinals[Math.floor(i * ordinals.length / count)]!)
}
