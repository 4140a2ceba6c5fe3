import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { atOnce } from '../../floor/slices.js'
import { f32, vectorByteLength } from '../../codecs/f32.js'

const test = suite('f32 codec')

test('a row is the vector, rounded up to whole groups of four floats', () => {
  for (const [dimensions, bytes] of [[1, 16], [4, 16], [5, 32], [768, 3072], [1599, 6400], [16_000, 64_000]]) {
    assert.is(vectorByteLength(dimensions), bytes)
    assert.is(f32.rowBytes({ dimensions, metric: 'l2' }), bytes)
  }
})

test('a row stands for its vector', () => {
  const vector = Float32Array.of(1, -2, 3.5, 4, 5)
  const row = new Uint8Array(f32.rowBytes({ dimensions: 5, metric: 'l2' }))
  row.set(new Uint8Array(vector.buffer))
  assert.equal(f32.decode(row, { values: new Float32Array(0) }, { dimensions: 5, metric: 'l2' }), vector)
})

test('nothing is trained, and nothing is approximate', () => {
  assert.is(atOnce(f32.train([], { dimensions: 3, metric: 'l2' }, () => { throw new Error('no k-means here') })), undefined)
  assert.is(f32.trainingCount, 0)
  assert.not.ok(f32.approximate)
})

test.run()
