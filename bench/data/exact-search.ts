import type { Metric } from './dataset.js'
import { rowOf, type Matrix } from './fbin-file.js'

const queriesAtOnce = 4
const rowsAtOnce = 64

/**
 * The `k` nearest base rows of each query, by comparing all with all; ties go to the lower row.
 *
 * Shapes: returns i32[queries x k], nearest first.
 * Cost: one multiply and one add a component a pair, in doubles: sums of f32 products then have no order that matters.
 * `onRows` is told after each block how many rows were compared.
 */
export function exactSearch(
  base: Matrix,
  queries: Matrix,
  metric: Metric,
  k: number,
  onRows: (rows: number) => void
): Int32Array {
  const nearest = Array.from({ length: queries.count }, () => new Nearest(Math.min(k, base.count)))
  const packed = packQueries(queries)
  const dots = new Float64Array(queriesAtOnce)
  // Blocks of rows stay in the processor's cache while all queries pass over them.
  for (let first = 0; first < base.count; first += rowsAtOnce) {
    const last = Math.min(first + rowsAtOnce, base.count)
    const norms = Float64Array.from({ length: last - first }, (_, i) => squaredNorm(rowOf(base, first + i)))
    packed.forEach((group, g) => {
      for (let row = first; row < last; row++) {
        dotsOfRow(base.values, row * base.dim, group, base.dim, dots)
        for (let q = 0; q < queriesAtOnce && g * queriesAtOnce + q < queries.count; q++) {
          nearest[g * queriesAtOnce + q].offer(row, rankOf(metric, dots[q], norms[row - first]))
        }
      }
    })
    onRows(last - first)
  }
  const found = new Int32Array(queries.count * k).fill(-1)
  nearest.forEach((rows, q) => found.set(rows.ordinals, q * k))
  return found
}

/** Orders rows as their distance to one query does; what all rows have in common is left out. */
export function rankOf(metric: Metric, dot: number, squaredNormOfRow: number): number {
  return metric === 'l2' ? squaredNormOfRow - 2 * dot : -dot / Math.sqrt(squaredNormOfRow)
}

/** The best `k` offers so far, sorted; rows must be offered in ascending order, so that ties keep the lower row. */
export class Nearest {
  readonly ordinals: Int32Array
  readonly #ranks: Float64Array
  #count = 0

  constructor(k: number) {
    this.ordinals = new Int32Array(k)
    this.#ranks = new Float64Array(k).fill(Infinity)
  }

  offer(ordinal: number, rank: number): void {
    const ranks = this.#ranks
    if (rank >= ranks[ranks.length - 1]) return
    let at = Math.min(this.#count, ranks.length - 1)
    for (; at > 0 && ranks[at - 1] > rank; at--) {
      ranks[at] = ranks[at - 1]
      this.ordinals[at] = this.ordinals[at - 1]
    }
    ranks[at] = rank
    this.ordinals[at] = ordinal
    if (this.#count < ranks.length) this.#count++
  }
}

/** Groups of four queries, their components side by side: `[q0[0], q1[0], q2[0], q3[0], q0[1], ...]`. */
function packQueries(queries: Matrix): Float64Array[] {
  return Array.from({ length: Math.ceil(queries.count / queriesAtOnce) }, (_, g) => {
    const group = new Float64Array(queries.dim * queriesAtOnce)
    for (let q = 0; q < queriesAtOnce && g * queriesAtOnce + q < queries.count; q++) {
      rowOf(queries, g * queriesAtOnce + q).forEach((x, i) => (group[i * queriesAtOnce + q] = x))
    }
    return group
  })
}

/** HOT PATH: 150 billion multiplications for the largest data set. */
function dotsOfRow(base: Float32Array, start: number, group: Float64Array, dim: number, dots: Float64Array): void {
  let [d0, d1, d2, d3] = [0, 0, 0, 0]
  for (let i = 0, at = 0; i < dim; i++, at += queriesAtOnce) {
    const x = base[start + i]
    d0 += x * group[at]
    d1 += x * group[at + 1]
    d2 += x * group[at + 2]
    d3 += x * group[at + 3]
  }
  dots[0] = d0
  dots[1] = d1
  dots[2] = d2
  dots[3] = d3
}

export function squaredNorm(x: Float32Array): number {
  let sum = 0
  for (let i = 0; i < x.length; i++) sum += x[i] * x[i]
  return sum
}
