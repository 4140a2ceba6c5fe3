import { Nearest } from '../data/exact-search.js'
import { rowOf, type Matrix } from '../data/fbin-file.js'
import type { Ranker } from '../data/ranker.js'
import type { LiveSet } from './live-set.js'
import { replay, type Runbook } from './runbook.js'

/** Queries whose ranks are in memory together: 25 take 68 MB for the largest data set. */
const queriesAtOnce = 25

/**
 * The keys of the exact neighbors of the queries at first and after each round, for several runbooks on the same data.
 *
 * Shapes: returns a matrix for each runbook, a row for each moment: the `k` keys of query 0, nearest first, those of query 1, ...
 * Cost: each query is compared with each row once, however many rounds there are.
 */
export function truthsOf(runbooks: readonly Runbook[], ranker: Ranker, rowCount: number, queries: Matrix, k: number): Matrix<Int32Array>[] {
  const dim = queries.count * k
  const truths = runbooks.map(({ rounds }) => {
    const count = rounds.length + 1
    return { count, dim, values: new Int32Array(count * dim).fill(-1) }
  })
  const rows = Uint32Array.from({ length: rowCount }, (_, row) => row)
  for (let first = 0; first < queries.count; first += queriesAtOnce) {
    const length = Math.min(queriesAtOnce, queries.count - first)
    const ranks = Array.from({ length }, (_, i) => ranker.rank(rowOf(queries, first + i), rows))
    runbooks.forEach((runbook, which) => {
      let moment = 0
      for (const live of replay(runbook)) {
        const nearest = rowOf(truths[which], moment++)
        ranks.forEach((ofRow, i) => nearest.set(nearestLive(live, ofRow, k), (first + i) * k))
      }
    })
  }
  return truths
}

function nearestLive({ keys, rows, count }: LiveSet, ranks: Float64Array, k: number): Int32Array {
  const nearest = new Nearest(Math.min(k, count))
  for (let i = 0; i < count; i++) nearest.offer(keys[i], ranks[rows[i]])
  return nearest.ordinals
}
