import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { Metric } from '../../codecs/codec.js'
import { Random } from '../../floor/random.js'
import { atOnce } from '../../floor/slices.js'
import { lineUp, MOST_LINED_UP } from '../../index/line-up.js'
import { check } from '../seed.js'
import { gaussian } from './memory-index.js'

const test = suite('line up')

function orderOf(vectors: Float32Array[], metric: Metric = 'l2', together = 32): number[] {
  return [...atOnce(lineUp(vectors, metric, together))]
}

test('each place comes once, and the same vectors have the same order', async () => {
  await check(fc.property(
    fc.integer({ min: 1, max: 200 }), fc.oneof(fc.nat({ max: 70 }), fc.nat({ max: 700 })), fc.nat({ max: 1000 }), fc.constantFrom(0, 0.5, 1),
    fc.constantFrom<Metric>('l2', 'cosine', 'dot'), fc.constantFrom(1e-18, 1, 1e17),
    fc.constantFrom(1, 10, 100), (dimensions, count, seed, duplicates, metric, scale, together) => {
      const random = new Random(seed)
      const first = gaussian(random, dimensions)
      const vectors = Array.from({ length: count }, () => (random.next() < duplicates ? first : gaussian(random, dimensions)).map(value => value * scale))
      const order = orderOf(vectors, metric, together)
      assert.equal([...order].sort((a, b) => a - b), [...vectors.keys()])
      assert.equal(orderOf(vectors, metric, together), order)
    }
  ), { numRuns: 60 })
})

test('what lies together follows each other', () => {
  const random = new Random(5)
  const centers = Array.from({ length: 32 }, () => gaussian(random, 24).map(value => 4 * value))
  const clusters = Array.from({ length: 2048 }, () => random.below(centers.length))
  const order = orderOf(clusters.map(cluster => gaussian(random, 24).map((value, i) => value + centers[cluster]![i]!)))
  const met = Array.from({ length: 64 }, (_, i) => new Set(order.slice(32 * i, 32 * (i + 1)).map(place => clusters[place])).size)
  const mean = met.reduce((a, b) => a + b) / met.length
  assert.ok(mean < 4, `32 that follow each other are of ${mean} clusters, of 20 if they came as they are`)
})

test('of few nothing changes, and of many those far behind stay behind', () => {
  const random = new Random(7)
  const vectors = Array.from({ length: MOST_LINED_UP + 300 }, () => gaussian(random, 3))
  assert.equal(orderOf(vectors.slice(0, 60)), [...Array(60).keys()])
  const order = orderOf(vectors)
  assert.ok(order.slice(0, MOST_LINED_UP).every(place => place < MOST_LINED_UP))
  assert.not.equal(order.slice(MOST_LINED_UP), [...vectors.keys()].slice(MOST_LINED_UP))
})

test('under cosine, length is nothing', () => {
  const random = new Random(9)
  const vectors = Array.from({ length: 500 }, () => gaussian(random, 12))
  const longer = vectors.map(vector => {
    const length = 2 ** random.below(20)
    return vector.map(value => value * length)
  })
  assert.equal(orderOf(longer, 'cosine'), orderOf(vectors, 'cosine'))
})

test.run()
