import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import fc from 'fast-check'
import { atOnce } from '../../floor/slices.js'
import type { Codebook, Metric } from '../../codecs/codec.js'
import { sq8 } from '../../codecs/sq8.js'
import { Random } from '../../floor/random.js'
import { check } from '../seed.js'

const test = suite('sq8 codec')

const samples = fc.integer({ min: 1, max: 9 }).chain(dimensions => fc.tuple(
  fc.constant(dimensions),
  fc.array(fc.float32Array({ minLength: dimensions, maxLength: dimensions, noNaN: true, noDefaultInfinity: true, min: -1e6, max: 1e6 }), { minLength: 1, maxLength: 30 })
))
const metrics = fc.constantFrom<Metric[]>('l2', 'cosine', 'dot')

/** sq8 needs no k-means. */
function train(sample: Float32Array[], dimensions: number, metric: Metric): Codebook {
  return atOnce(sq8.train(sample, { dimensions, metric }, () => { throw new Error('no k-means here') }))!
}

function numbersOf({ values }: Codebook): { inverseScale: number, offsets: Float32Array } {
  return { inverseScale: values[0], offsets: values.subarray(1) }
}

/** The value that stands for a component after encoding. */
function decoded(codebook: Codebook, value: number, i: number): number {
  const { inverseScale, offsets } = numbersOf(codebook)
  return offsets[i] + Math.min(255, Math.max(0, Math.round((value - offsets[i]) * inverseScale))) / inverseScale
}

test('a codebook is a function of sample, dimensions and metric', async () => {
  await check(fc.property(samples, metrics, ([dimensions, sample], metric) => {
    assert.equal(train(sample, dimensions, metric), train(sample.map(vector => vector.slice()), dimensions, metric))
  }))
})

test('every number of a codebook is finite, whatever the sample', async () => {
  await check(fc.property(samples, metrics, ([dimensions, sample], metric) => {
    const { inverseScale, offsets } = numbersOf(train(sample, dimensions, metric))
    assert.ok(Number.isFinite(inverseScale) && inverseScale > 0, `${inverseScale}`)
    assert.is(offsets.length, dimensions)
    for (const offset of offsets) assert.ok(Number.isFinite(offset), `${offset}`)
  }))
})

test('a value of the sample comes back within its range or a step of it', async () => {
  await check(fc.property(samples, metrics, ([dimensions, sample], metric) => {
    const codebook = train(sample, dimensions, metric)
    const all = sample.flatMap(vector => [...vector])
    const range = metric === 'dot' ? 2 * Math.max(...all.map(Math.abs)) : Math.max(...all) - Math.min(...all)
    for (const vector of sample) {
      for (let i = 0; i < dimensions; i++) {
        const error = Math.abs(decoded(codebook, vector[i], i) - vector[i])
        assert.ok(error <= range + 1 / codebook.values[0], `${vector[i]} comes back with error ${error}, range ${range}`)
      }
    }
  }))
})

test('gaussian data loses less than a fiftieth of its standard deviation on average', () => {
  const random = new Random(3)
  const sample = Array.from({ length: 500 }, () => Float32Array.from({ length: 32 }, () => random.normal()))
  for (const metric of ['l2', 'dot'] as const) {
    const codebook = train(sample, 32, metric)
    let squares = 0
    for (const vector of sample) vector.forEach((value, i) => squares += (decoded(codebook, value, i) - value) ** 2)
    const error = Math.sqrt(squares / (500 * 32))
    assert.ok(error < 0.02, `${metric}: ${error}`)
  }
})

test('the window of dot products is centred on zero', async () => {
  await check(fc.property(samples, ([dimensions, sample]) => {
    fc.pre(sample.some(vector => vector.some(value => value !== 0)))
    const { inverseScale, offsets } = numbersOf(train(sample, dimensions, 'dot'))
    for (const offset of offsets) assert.ok(Math.abs(offset + 128 / inverseScale) <= 1e-6 * Math.abs(offset))
  }))
})

test('a dimension far from the others gets the window shifted, and keeps its precision', () => {
  const random = new Random(5)
  const sample = Array.from({ length: 400 }, () => Float32Array.from({ length: 16 }, (_, i) => random.normal() + (i === 3 ? 40 : 0)))
  const codebook = train(sample, 16, 'l2')
  for (const vector of sample) assert.ok(Math.abs(decoded(codebook, vector[3], 3) - vector[3]) < 0.2)
  assert.ok(1 / codebook.values[0] < 0.1, `a step is ${1 / codebook.values[0]}`)
})

test('a sample of one value is in the middle of the window', () => {
  const sample = [Float32Array.of(7, 7), Float32Array.of(7, 7)]
  const codebook = train(sample, 2, 'l2')
  assert.ok(Math.abs(decoded(codebook, 7, 0) - 7) <= 0.5 / codebook.values[0])
})

test('a row stands for the vector of its levels', () => {
  const codebook = { values: Float32Array.of(4, 0, -2, 10) }
  assert.equal(sq8.decode(Uint8Array.of(0x80, 0xff, 0x7f, 1, 2, 3, 4), codebook, { dimensions: 3, metric: 'l2' }), Float32Array.of(0, 127 / 4 - 2, 255 / 4 + 10))
})

test('a row is a byte a component and four more', () => {
  assert.is(sq8.rowBytes({ dimensions: 768, metric: 'l2' }), 772)
})

test.run()
