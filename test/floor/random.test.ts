import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import fc from 'fast-check'
import { Random } from '../../floor/random.js'
import { check } from '../seed.js'

const test = suite('Random')

test('the same seed gives the same numbers, on every machine', () => {
  const random = new Random(1)
  assert.equal(Array.from({ length: 5 }, () => random.nextU32()), [2693262067, 11749833, 2265367787, 4213581821, 4159151403])
})

test('different seeds give different numbers', () => {
  const first = new Set(Array.from({ length: 1000 }, (_, seed) => new Random(seed).nextU32()))
  assert.is(first.size, 1000)
})

test('next stays in [0, 1) and below in [0, bound)', async () => {
  await check(fc.property(fc.integer(), fc.integer({ min: 1, max: 2 ** 31 }), (seed, bound) => {
    const random = new Random(seed)
    for (let i = 0; i < 20; i++) {
      const share = random.next()
      assert.ok(share >= 0 && share < 1, `${share}`)
      const integer = random.below(bound)
      assert.ok(Number.isInteger(integer) && integer >= 0 && integer < bound, `${integer} of ${bound}`)
    }
  }))
})

test('below reaches every value about equally often', () => {
  const random = new Random(7)
  const counts = new Uint32Array(10)
  for (let i = 0; i < 100_000; i++) counts[random.below(10)]++
  for (const count of counts) assert.ok(Math.abs(count - 10_000) < 500, `${count}`)
})

test('normal has mean 0 and variance 1', () => {
  const random = new Random(7)
  let sum = 0
  let squares = 0
  for (let i = 0; i < 100_000; i++) {
    const value = random.normal()
    assert.ok(Number.isFinite(value))
    sum += value
    squares += value * value
  }
  assert.ok(Math.abs(sum / 100_000) < 0.02, `mean ${sum / 100_000}`)
  assert.ok(Math.abs(squares / 100_000 - 1) < 0.03, `variance ${squares / 100_000}`)
})

test.run()
