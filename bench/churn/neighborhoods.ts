import { rowOf, type Matrix } from '../data/fbin-file.js'
import type { Ranker } from '../data/ranker.js'
import type { Policy } from './runbook.js'

/** Neighborhoods that go in one round. */
const lots = 10

/** Chooses a live vector and its nearest live ones, again and again, so that holes appear in the data. */
export function chooseNeighborhoods(ranker: Ranker, base: Matrix): Policy['choose'] {
  return (live, count, random) => {
    const chosen = new Set<number>()
    while (chosen.size < count) {
      const left = live.keys.map((key, i) => ({ key, row: live.rows[i] })).filter(({ key }) => !chosen.has(key))
      const pivot = left[Math.floor(random.uniform() * left.length)]
      const ranks = ranker.rank(rowOf(base, pivot.row), left.map(({ row }) => row))
      const lot = Math.min(Math.ceil(count / lots), count - chosen.size)
      const farthest = Float64Array.from(ranks).sort()[lot - 1]
      const end = chosen.size + lot
      for (let i = 0; i < left.length && chosen.size < end; i++) if (ranks[i] <= farthest) chosen.add(left[i].key)
    }
    return [...chosen]
  }
}
