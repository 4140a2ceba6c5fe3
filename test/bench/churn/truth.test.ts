import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { chooseAny } from '../../../bench/churn/policies.js'
import { makeRunbook, replay } from '../../../bench/churn/runbook.js'
import { truthsOf } from '../../../bench/churn/truth.js'
import type { Metric } from '../../../bench/data/dataset.js'
import { type Matrix, rowOf } from '../../../bench/data/fbin-file.js'
import { Random } from '../../../bench/data/random.js'
import { Ranker } from '../../../bench/data/ranker.js'
import { distance } from '../../model/distance.js'

const test = suite('churn truth')
const k = 5

function normal(count: number, dim: number, seed: number): Matrix {
  const random = new Random(seed)
  return { count, dim, values: Float32Array.from({ length: count * dim }, () => random.gauss()) }
}

for (const metric of ['l2', 'cosine'] as Metric[]) {
  for (const dim of [3, 8, 13]) {
    test(`is what comparing with all live vectors finds, ${metric}, ${dim} dimensions`, () => {
      const base = normal(150, dim, 1)
      const queries = normal(30, dim, 2)
      const order = Array.from({ length: base.count }, (_, row) => row)
      const runbooks = [false, true].map(updates => makeRunbook({ order, choose: chooseAny, updates }, { count: 80, rounds: 12, share: 0.1, seed: 4 }))
      const truths = truthsOf(runbooks, new Ranker(base, metric), base.count, queries, k)
      runbooks.forEach((runbook, which) => {
        let moment = 0
        for (const { keys, rows } of replay(runbook)) {
          const truth = rowOf(truths[which]!, moment++)
          for (let q = 0; q < queries.count; q++) {
            const distances = rows.map(row => distance(metric, rowOf(queries, q), rowOf(base, row)))
            const nearest = keys.map((key, i) => ({ key, distance: distances[i]! })).sort((a, b) => a.distance - b.distance).slice(0, k)
            assert.equal([...truth.subarray(q * k, q * k + k)], nearest.map(({ key }) => key))
          }
        }
        assert.is(moment, truths[which]!.count)
      })
    })
  }
}

test.run()
