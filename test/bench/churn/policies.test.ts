import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { LiveSet } from '../../../bench/churn/live-set.js'
import { type PolicyName, policyNames, policyOf } from '../../../bench/churn/policies.js'
import type { Matrix } from '../../../bench/data/fbin-file.js'
import { Random } from '../../../bench/data/random.js'
import { datasets } from '../../../bench/datasets.js'
import { check } from '../../seed.js'

const test = suite('policies')
const dim = 4
const [words, digits] = [datasets[0]!, datasets[1]!]

/** Vectors around as many far points as there are groups. */
function grouped(groups: number, each: number): Matrix {
  const random = new Random(9)
  const values = new Float32Array(groups * each * dim)
  for (let i = 0; i < values.length; i++) values[i] = 100 * Math.sin(7 * (Math.floor(i / dim) % groups) + 3 * (i % dim)) + random.gauss()
  return { count: groups * each, dim, values }
}

test('choose distinct live keys, as many as are asked for, the same for the same seed', async () => {
  const base = grouped(10, 30)
  await check(fc.property(fc.constantFrom(...policyNames), fc.integer({ min: 1, max: 90 }), fc.nat(), (name, count, seed) => {
    const live = new LiveSet()
    for (let key = 0; key < 200; key++) live.put(key, key + 50)
    for (let key = 0; key < 200; key += 2) live.delete(key)
    const { choose } = policyOf(name, words, base, 1)
    const chosen = choose(live, count, new Random(seed))
    assert.is(new Set(Array.from(chosen)).size, count)
    assert.ok(Array.from(chosen).every(key => live.has(key)))
    assert.equal(choose(live, count, new Random(seed)), chosen)
  }), { numRuns: 40 })
})

test('put every row once, in an order that the seed decides', () => {
  const base = grouped(10, 30)
  for (const dataset of [words, digits]) {
    for (const name of policyNames) {
      const order = policyOf(name, dataset, base, 3).order
      assert.equal(Array.from(order).sort((a, b) => a - b), Array.from({ length: base.count }, (_, row) => row))
      assert.equal(policyOf(name, dataset, base, 3).order, order)
    }
  }
})

test('clustered deletes neighbors together', () => {
  const base = grouped(2, 200)
  const live = new LiveSet()
  for (let row = 0; row < base.count; row++) live.put(row, row)
  // Ten lots of 10, each from the group of its first.
  const chosen = Array.from(policyOf('clustered', { ...words, metric: 'l2' }, base, 1).choose(live, 100, new Random(1)))
  for (let lot = 0; lot < 10; lot++) assert.is(new Set(chosen.slice(lot * 10, lot * 10 + 10).map(row => row % 2)).size, 1)
})

test('drift of classes keeps whole classes to one half', () => {
  const base = grouped(10, 60)
  const order = Array.from(policyOf('drift', digits, base, 1).order)
  const classes = (rows: number[]): Set<number> => new Set(rows.map(row => row % 10))
  // Each half of the clusters is a union of classes, unless k-means split one.
  const shared = [...classes(order.slice(0, 200))].filter(each => classes(order.slice(-200)).has(each))
  assert.ok(shared.length <= 2, `${shared.length} classes at both ends`)
})

test('drift of other data goes along a direction', () => {
  const base = grouped(10, 60)
  const name: PolicyName = 'drift'
  const order = Array.from(policyOf(name, words, base, 1).order)
  const changes = order.filter((row, i) => i > 0 && row % 10 !== order[i - 1]! % 10).length
  assert.ok(changes < 60, `${changes} changes between groups`)
})

test.run()
