import type { Metric } from '../data/dataset.js'
import { Nearest } from '../data/exact-search.js'
import { rowOf, type Matrix } from '../data/fbin-file.js'
import { Ranker } from '../data/ranker.js'

/** What a search found, of whose base the first `there` rows were certainly there when it began; others may have been. */
export interface Answer {
  query: number
  there: number
  found: number[]
}

/** The share of the `k` nearest that were found, among the rows that were there and those that were found. */
export function recallAmong(base: Matrix, metric: Metric, queries: Matrix, answers: readonly Answer[], k: number): number {
  const ranker = new Ranker(base, metric)
  const all = Array.from({ length: base.count }, (_, row) => row)
  let [hits, wanted] = [0, 0]
  for (const { query, there, found } of answers) {
    const rows = [...all.slice(0, there), ...found.filter((row) => row >= there).sort((a, b) => a - b)]
    const ranks = ranker.rank(rowOf(queries, query), rows)
    const nearest = new Nearest(Math.min(k, rows.length))
    rows.forEach((row, i) => nearest.offer(row, ranks[i]))
    const given = new Set(found)
    for (const row of nearest.ordinals) if (given.has(row)) hits++
    wanted += nearest.ordinals.length
  }
  return hits / wanted
}
