import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { Random } from '../../floor/random.js'
import { Drift, errorOf, isBetter, meanOf } from '../../index/drift.js'
import { gaussian } from './memory-index.js'

const test = suite('drift')
const MEAN = Float32Array.of(0, 0, 0)

function note(drift: Drift, ordinal: number, vector: Float32Array, decoded: Float32Array): void {
  if (drift.note(ordinal)) drift.look(vector, decoded)
}

function noted(drift: Drift, vectors: Float32Array[], decode: (vector: Float32Array) => Float32Array): Drift {
  for (const [i, vector] of vectors.entries()) note(drift, i, vector, decode(vector))
  return drift
}

function vectors(count: number, scale = 1): Float32Array[] {
  const random = new Random(4)
  return Array.from({ length: count }, () => gaussian(random, 3).map(value => scale * value))
}

test('the error of a code is 0 for its own vector, and never above 1', () => {
  assert.is(errorOf(Float32Array.of(1, 2, 3), Float32Array.of(1, 2, 3), Float32Array.of(1, 2, 3)), 0)
  assert.is(errorOf(Float32Array.of(1, 2, 3), Float32Array.of(1, 2, 4), Float32Array.of(1, 2, 3)), 1)
  assert.is(errorOf(Float32Array.of(2, 0, 0), Float32Array.of(1, 0, 0), MEAN), 0.2)
  assert.equal(meanOf([Float32Array.of(1, 2), Float32Array.of(3, 6)], 2), Float32Array.of(2, 4))
  assert.ok(isBetter(0.1, 0.19) && !isBetter(0.1, 0.18) && !isBetter(0, 0) && isBetter(0.3, 0.47))
})

test('codes that were cut off, and steps that are too wide, are drift; a few vectors that are far from all are not', () => {
  const start = (): Drift => Drift.after(MEAN, 0.001)
  const rounded = (step: number) => (vector: Float32Array): Float32Array => vector.map(value => step * Math.round(value / step))
  assert.ok(noted(start(), vectors(2000), rounded(0.1)).share < 0.2)
  assert.ok(noted(start(), vectors(2000), vector => vector.map(value => Math.min(value, 0))).share > 1)
  assert.ok(noted(start(), vectors(2000, 0.05), rounded(0.1)).share > 1)
  assert.not.ok(noted(start(), vectors(2000), rounded(0.1)).wantsTraining)
  const far = noted(start(), vectors(2000), rounded(0.1))
  for (let i = 0; i < 5; i++) note(far, 0, Float32Array.of(1e6, 0, 0), Float32Array.of(8, 0, 0))
  assert.ok(far.share < 1, `${far.share}`)
})

test('it goes on from what a checkpoint keeps, and remembers the latest, the last one first', () => {
  const all = vectors(900)
  const zero = (): Float32Array => MEAN
  const whole = noted(Drift.after(MEAN, 0.5), all, zero)
  const again = new Drift(structuredClone(noted(Drift.after(MEAN, 0.5), all.slice(0, 300), zero).state()))
  for (let i = 300; i < all.length; i++) note(again, i, all[i], MEAN)
  assert.equal(again.state(), whole.state())
  assert.equal([...again.latest], Array.from({ length: 512 }, (_, i) => 899 - i))
})

test('training that is in vain is tried less and less often, until all is well', () => {
  const drift = Drift.after(MEAN, 0)
  const bad = (count: number): void => { for (let i = 0; i < count; i++) note(drift, i, Float32Array.of(1, 1, 1), Float32Array.of(9, 9, 9)) }
  bad(100)
  const waits: number[] = []
  for (let i = 0; i < 6; i++) {
    assert.ok(drift.wantsTraining)
    drift.noteRefusal(1000)
    let wait = 0
    for (; !drift.wantsTraining; wait++) bad(1)
    waits.push(wait)
  }
  assert.equal(waits, [128, 256, 512, 1000, 1000, 1000])
  drift.noteTraining(0.001, 50)
  assert.not(drift.wantsTraining)
  bad(49)
  assert.not(drift.wantsTraining)
  bad(20)
  assert.ok(drift.wantsTraining)
})

test.run()
