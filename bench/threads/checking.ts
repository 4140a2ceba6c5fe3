import type { Metric } from '../data/dataset.js'
import { Nearest } from '../data/exact-search.js'
import { rowOf, type Matrix } from '../data/fbin-file.js'
import { Ranker } from '../data/ranker.js'
import type { Answers, MixedAnswer } from './answers.js'
import { every } from './every.js'
import type { Checked } from './figures.js'
import type { History } from './history.js'

/** What a distance may be off by, as f32 sums are. */
const tolerance = 1e-4

/** Holds answers against the history of what was written meanwhile. */
export class Checker {
  readonly checked: Checked = { searches: 0, exact: 0, duplicate: 0, wrong: 0, misplaced: 0, malformed: 0, missed: 0 }
  readonly #base: Matrix
  readonly #queries: Matrix
  readonly #metric: Metric
  readonly #history: History
  readonly #k: number
  readonly #ranker: Ranker

  constructor(base: Matrix, queries: Matrix, metric: Metric, history: History, k: number) {
    this.#base = base
    this.#queries = queries
    this.#metric = metric
    this.#history = history
    this.#k = k
    this.#ranker = new Ranker(base, metric)
  }

  /** Checks all answers; at most `exact` of the exact ones against all that was there, since that takes long. */
  check(answers: Answers, exact: number): void {
    const numbers: number[] = []
    for (let number = 0; number < answers.count; number++) {
      const answer = answers.at(number)
      this.checked.searches++
      this.#checkShape(answer)
      for (let i = 0; i < answer.keys.length; i++) this.#checkHit(answer, answer.keys[i], answer.distances[i])
      if (answer.exact) numbers.push(number)
    }
    for (const number of every(numbers, exact)) this.#checkExact(answers.at(number))
  }

  /** Recall of about `sampled` answers, among what was certainly there and what was found. */
  recall(answers: Answers, sampled: number): number {
    let [hits, wanted] = [0, 0]
    for (const number of every(Array.from({ length: answers.count }, (_, i) => i), sampled)) {
      const answer = answers.at(number)
      const found = new Set(Array.from(answer.keys))
      const { keys, rows } = this.#certain(answer)
      for (const key of found) {
        if (keys.includes(key)) continue
        const [row] = this.#history.possible(key, answer.from, answer.to)
        if (row === undefined) continue
        keys.push(key)
        rows.push(row)
      }
      const ranks = this.#ranker.rank(this.#vectorOf(answer), rows)
      const nearest = new Nearest(Math.min(this.#k, rows.length))
      rows.forEach((_, i) => nearest.offer(i, ranks[i]))
      for (const i of nearest.ordinals) if (found.has(keys[i])) hits++
      wanted += nearest.ordinals.length
    }
    return hits / wanted
  }

  #checkShape({ keys, distances }: MixedAnswer): void {
    if (new Set(Array.from(keys)).size < keys.length) this.checked.duplicate++
    const isSorted = Array.from(distances).every((distance, i) => i === 0 || distance >= distances[i - 1])
    // There are always more records than are asked for.
    if (keys.length !== this.#k || !isSorted) this.checked.malformed++
  }

  #checkHit(answer: MixedAnswer, key: number, distance: number): void {
    const fits = (row: number): boolean => {
      const expected = this.#distance(answer, row)
      return Math.abs(distance - expected) <= tolerance * Math.max(1, Math.abs(expected))
    }
    const { from, to } = answer
    if (this.#history.possible(key, from, to).some(fits)) return
    if (this.#history.rowsOf(key).some(fits)) this.checked.wrong++
    else this.checked.misplaced++
  }

  /** What was certainly there and is nearer than the farthest that was found must have been found. */
  #checkExact(answer: MixedAnswer): void {
    this.checked.exact++
    const found = new Set(Array.from(answer.keys))
    const farthest = answer.distances[answer.keys.length - 1]
    const { keys, rows } = this.#certain(answer)
    const ranks = this.#ranker.rank(this.#vectorOf(answer), rows)
    // Only what ranks as near as the farthest that was found, or nearly so, needs its distance.
    const order = Array.from(keys.keys()).sort((a, b) => ranks[a] - ranks[b]).slice(0, 2 * this.#k)
    for (const i of order) {
      if (!found.has(keys[i]) && this.#distance(answer, rows[i]) < farthest - tolerance * Math.max(1, Math.abs(farthest))) this.checked.missed++
    }
  }

  #certain({ from, to }: MixedAnswer): { keys: number[]; rows: number[] } {
    return this.#history.certain(from, to)
  }

  #vectorOf({ query, ofBase }: MixedAnswer): Float32Array {
    return rowOf(ofBase ? this.#base : this.#queries, query)
  }

  #distance(answer: MixedAnswer, row: number): number {
    return distanceBetween(this.#metric, this.#vectorOf(answer), rowOf(this.#base, row))
  }
}

function distanceBetween(metric: Metric, a: Float32Array, b: Float32Array): number {
  let [squares, product, ofA, ofB] = [0, 0, 0, 0]
  for (let i = 0; i < a.length; i++) {
    squares += (a[i] - b[i]) ** 2
    product += a[i] * b[i]
    ofA += a[i] * a[i]
    ofB += b[i] * b[i]
  }
  return metric === 'cosine' ? 1 - product / Math.sqrt(ofA * ofB) : squares
}
