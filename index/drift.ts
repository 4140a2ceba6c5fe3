/** Vectors that an average reaches back over, and that are remembered as the latest. */
const WINDOW = 512
/** Of the vectors that are noted, one in so many is looked at. */
const LOOKED_AT = 4
/** Codes fit badly when their error, as a multiple of what tells vectors apart, is so many times that of the training; and so much more than nothing. */
const WORSE = 2
const TOLERATED = 0.02
/** Vectors until training is tried again, the first time that it was in vain. */
const FIRST_WAIT = 128

/** As a checkpoint keeps it. */
export interface DriftState {
  mean: Float32Array
  error: number
  usual: number
  count: number
  next: number
  refused: number
  latest: Uint32Array
}

/**
 * How badly a codebook fits the vectors that are written now: errors of their codes, as shares of what tells the vectors apart.
 *
 * The error of a vector x is e / (e + d), where e is the squared distance to what its code stands for, and d that to the average of the
 * latest vectors. So it has no unit, is 0 for a perfect code, and one vector that is far from all says as little as any other. It is large
 * when vectors leave the window of the codebook, and when they are so near each other that the codebook's steps are too wide for them.
 *
 * IMPORTANT: vectors are noted in the order of the operations, so that what follows from it is a function of that order.
 */
export class Drift {
  readonly #mean: Float32Array
  /** The average of errors; and what it was when the codebook was trained. */
  #error: number
  #usual: number
  /** Vectors that were noted; how many there must be before training is tried, and how often that was in vain since all was well. */
  #count: number
  #next: number
  #refused: number
  readonly #latest: Uint32Array

  constructor({ mean, error, usual, count, next, refused, latest }: DriftState) {
    this.#mean = mean.slice()
    this.#error = error
    this.#usual = usual
    this.#count = count
    this.#next = next
    this.#refused = refused
    this.#latest = Uint32Array.from({ length: WINDOW }, (_, i) => latest[i] ?? 0)
  }

  /** Of a codebook that has just been trained. Shapes: mean f32[dim]. */
  static after(mean: Float32Array, error: number): Drift {
    return new Drift({ mean, error, usual: error, count: 0, next: 0, refused: 0, latest: new Uint32Array(0) })
  }

  /** The error as a share of what is tolerated: above 1, another codebook is looked for. */
  get share(): number {
    return this.#error / (timesWorse(this.#usual) + TOLERATED)
  }

  /** Whether another codebook should be looked for. */
  get wantsTraining(): boolean {
    return this.share > 1 && this.#count >= this.#next
  }

  /** Ordinals of the latest vectors, the last one first, each as often as it was noted. */
  get latest(): Uint32Array {
    return Uint32Array.from({ length: Math.min(this.#count, WINDOW) }, (_, i) => this.#latest[(this.#count - 1 - i) % WINDOW]!)
  }

  /** Notes that a vector was written; says whether it is to be looked at. */
  note(ordinal: number): boolean {
    this.#latest[this.#count++ % WINDOW] = ordinal
    return this.#count % LOOKED_AT === 0
  }

  /** Takes the vector that was noted last into account. Shapes: vector and decoded f32[dim]. */
  look(vector: Float32Array, decoded: Float32Array): void {
    const weight = LOOKED_AT / WINDOW
    this.#error += (errorOf(vector, decoded, this.#mean) - this.#error) * weight
    for (let i = 0; i < vector.length; i++) this.#mean[i]! += (vector[i]! - this.#mean[i]!) * weight
    if (this.share <= 1) this.#refused = 0
  }

  /** No codebook is much better: the next one is looked for after twice as many vectors, up to `most`. */
  noteRefusal(most: number): void {
    this.#next = this.#count + Math.min(most, FIRST_WAIT * 2 ** this.#refused++)
  }

  /** Goes on with another codebook, whose error for the latest vectors is `error`; the next one is looked for after `wait` more. */
  noteTraining(error: number, wait: number): void {
    this.#usual = error
    this.#error = error
    this.#next = this.#count + wait
    this.#refused = 0
  }

  state(): DriftState {
    return {
      mean: this.#mean, error: this.#error, usual: this.#usual, count: this.#count, next: this.#next, refused: this.#refused,
      latest: this.#latest.slice(0, Math.min(this.#count, WINDOW))
    }
  }
}

/** The average of vectors. Shapes: vectors f32[dim] each. */
export function meanOf(vectors: Float32Array[], dimensions: number): Float32Array {
  const sum = new Float64Array(dimensions)
  for (const vector of vectors) for (let i = 0; i < dimensions; i++) sum[i]! += vector[i]!
  return Float32Array.from(sum, value => value / vectors.length)
}

/** The error of one code, from 0 to 1. */
export function errorOf(vector: Float32Array, decoded: Float32Array, mean: Float32Array): number {
  let error = 0
  let spread = 0
  for (let i = 0; i < vector.length; i++) {
    error += (vector[i]! - decoded[i]!) ** 2
    spread += (vector[i]! - mean[i]!) ** 2
  }
  return error > 0 ? error / (error + spread) : 0
}

/** Whether a codebook is so much better than another one that all codes are worth being made again. */
export function isBetter(error: number, than: number): boolean {
  return timesWorse(error) < than
}

/** The share that an error has which is WORSE times as large: of e / (e + d) for e. */
function timesWorse(share: number): number {
  return WORSE * share / (1 + (WORSE - 1) * share)
}
