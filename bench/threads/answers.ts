/** One search: when it was under way, what it looked for, and what it found. */
export interface MixedAnswer {
  from: number
  to: number
  /** A row of the queries, or of the base when `ofBase`. */
  query: number
  ofBase: boolean
  exact: boolean
  keys: ArrayLike<number>
  distances: ArrayLike<number>
}

const chunkCount = 8_192
const fields = 6

/** Answers of a million searches, in arrays of numbers: objects would give the garbage collector work, among what is measured. */
export class Answers {
  readonly #k: number
  readonly #chunks: { fields: Float64Array; keys: Int32Array; distances: Float32Array }[] = []
  #count = 0

  constructor(k: number) {
    this.#k = k
  }

  get count(): number {
    return this.#count
  }

  add({ from, to, query, ofBase, exact }: Omit<MixedAnswer, 'keys' | 'distances'>, hits: readonly { key: string; distance: number }[]): void {
    const at = this.#count++ % chunkCount
    if (at === 0) {
      const values = chunkCount * this.#k
      this.#chunks.push({ fields: new Float64Array(chunkCount * fields), keys: new Int32Array(values), distances: new Float32Array(values) })
    }
    const chunk = this.#chunks[this.#chunks.length - 1]
    chunk.fields.set([from, to, query, Number(ofBase), Number(exact), hits.length], at * fields)
    for (let i = 0; i < hits.length; i++) {
      chunk.keys[at * this.#k + i] = Number(hits[i].key)
      chunk.distances[at * this.#k + i] = hits[i].distance
    }
  }

  at(number: number): MixedAnswer {
    const chunk = this.#chunks[Math.floor(number / chunkCount)]
    const at = number % chunkCount
    const [from, to, query, ofBase, exact, found] = chunk.fields.subarray(at * fields)
    const [first, end] = [at * this.#k, at * this.#k + found]
    const [keys, distances] = [chunk.keys.subarray(first, end), chunk.distances.subarray(first, end)]
    return { from, to, query, ofBase: ofBase === 1, exact: exact === 1, keys, distances }
  }
}
