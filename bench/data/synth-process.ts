import { Random } from './random.js'

const latentDim = 256
const parentCount = 64
const leafCount = 3000
const offsetLength = 0.45
const noiseLength = 0.25

/**
 * Draws unit vectors that are shaped like text embeddings: `normalise(offset + A (topic + spread * z) + noise)`.
 *
 * - latent space: 256 dimensions, coordinate `i` with deviation `(i + 4) ^ -0.5`, scaled to length 1
 * - topics: 64 parents; a leaf is 0.8 of a parent and 0.6 of its own; popularity is Zipf(0.7)
 * - a document mixes two leaves, the first one with weight 0.6 to 1
 * - spread: log-normal for each leaf, so that there are dense and loose topics
 * - `A`: Gaussian map into `dim` dimensions; `offset`: what all documents share; noise: isotropic
 *
 * IMPORTANT: the order of the random draws is the data; another order is another data set.
 */
export class SynthProcess {
  readonly #random: Random
  readonly #dim: number
  readonly #deviations: Float64Array
  readonly #leaves: Float64Array[]
  readonly #spreads: Float64Array
  readonly #popularity: Float64Array
  readonly #map: Float32Array
  readonly #offset: Float64Array
  readonly #latent = new Float64Array(latentDim)
  readonly #document: Float64Array

  constructor(dim: number, seed: number) {
    const random = new Random(seed)
    this.#random = random
    this.#dim = dim
    this.#deviations = unitLength(Float64Array.from({ length: latentDim }, (_, i) => (i + 4) ** -0.5))
    const parents = Array.from({ length: parentCount }, () => this.#addDraw(new Float64Array(latentDim), 1))
    this.#leaves = Array.from({ length: leafCount }, () => {
      const parent = parents[Math.floor(random.uniform() * parentCount)]
      return this.#addDraw(parent.map((x) => 0.8 * x), 0.6)
    })
    this.#spreads = Float64Array.from({ length: leafCount }, () => 0.55 * Math.exp(0.35 * random.gauss()))
    this.#popularity = cumulated(Float64Array.from({ length: leafCount }, (_, i) => (i + 1) ** -0.7))
    this.#map = Float32Array.from({ length: dim * latentDim }, () => random.gauss() / Math.sqrt(dim))
    this.#offset = scaled(Float64Array.from({ length: dim }, () => random.gauss()), offsetLength)
    this.#document = new Float64Array(dim)
  }

  /** Writes the next vector of the process to `out`, from `at` on. */
  draw(out: Float32Array, at: number): void {
    const latent = this.#latent
    const first = this.#pickLeaf()
    const second = this.#pickLeaf()
    const weight = 0.6 + 0.4 * this.#random.uniform()
    const [a, b] = [this.#leaves[first], this.#leaves[second]]
    for (let i = 0; i < latentDim; i++) latent[i] = weight * a[i] + (1 - weight) * b[i]
    this.#addDraw(latent, this.#spreads[first])

    const noise = noiseLength / Math.sqrt(this.#dim)
    let squares = 0
    for (let i = 0; i < this.#dim; i++) {
      const x = this.#offset[i] + noise * this.#random.gauss() + dotOfLatent(this.#map, i * latentDim, latent)
      this.#document[i] = x
      squares += x * x
    }
    const scale = 1 / Math.sqrt(squares)
    for (let i = 0; i < this.#dim; i++) out[at + i] = this.#document[i] * scale
  }

  #addDraw(latent: Float64Array, weight: number): Float64Array {
    for (let i = 0; i < latentDim; i++) latent[i] += weight * this.#deviations[i] * this.#random.gauss()
    return latent
  }

  #pickLeaf(): number {
    const drawn = this.#random.uniform()
    let [low, high] = [0, leafCount - 1]
    while (low < high) {
      const middle = (low + high) >> 1
      if (this.#popularity[middle] < drawn) low = middle + 1
      else high = middle
    }
    return low
  }
}

/** HOT PATH: 40 billion multiplications a data set; four sums, so that additions do not wait for each other. */
function dotOfLatent(map: Float32Array, row: number, latent: Float64Array): number {
  let [s0, s1, s2, s3] = [0, 0, 0, 0]
  for (let k = 0; k < latentDim; k += 4) {
    s0 += map[row + k] * latent[k]
    s1 += map[row + k + 1] * latent[k + 1]
    s2 += map[row + k + 2] * latent[k + 2]
    s3 += map[row + k + 3] * latent[k + 3]
  }
  return s0 + s1 + s2 + s3
}

function cumulated(weights: Float64Array): Float64Array {
  let sum = 0
  const sums = weights.map((weight) => (sum += weight))
  return sums.map((partial) => partial / sum)
}

function unitLength(x: Float64Array): Float64Array {
  let squares = 0
  for (const component of x) squares += component ** 2
  return x.map((component) => component / Math.sqrt(squares))
}

function scaled(x: Float64Array, length: number): Float64Array {
  let squares = 0
  for (const component of x) squares += component * component
  return x.map((component) => component * (length / Math.sqrt(squares)))
}
