import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { atOnce } from '../../floor/slices.js'
import { Random } from '../../floor/random.js'
import { type Codebook, codecs, type CodecShape, type Metric } from '../../codecs/codec.js'
import { Arena } from '../../storage/arena.js'
import { bareKernel, kMeans } from '../index/kernel-suite.js'

const test = suite('pq codecs')
const NAMES = ['pq', 'pq8'] as const

/** Vectors that vary along few directions, as embeddings do. */
function sampleOf(seed: number, count: number, dimensions: number): Float32Array[] {
  const random = new Random(seed)
  const directions = Array.from({ length: 6 }, () => Array.from({ length: dimensions }, () => random.normal()))
  return Array.from({ length: count }, () => {
    const amounts = directions.map(() => random.normal())
    return Float32Array.from({ length: dimensions }, (_, i) => amounts.reduce((sum, amount, j) => sum + amount * directions[j]![i]!, 0) + 0.1 * random.normal())
  })
}

function train(name: (typeof NAMES)[number], sample: Float32Array[], shape: CodecShape): Codebook {
  return atOnce(codecs[name].train(sample, shape, kMeans))!
}

/** Encodes by a kernel. */
function encoder(name: (typeof NAMES)[number], codebook: Codebook, shape: CodecShape): (vector: Float32Array) => Uint8Array {
  const arena = new Arena(16 * 2 ** 20)
  const kernel = bareKernel('simd', arena)
  const codec = codecs[name]
  const [book, vectorAt, row, distances] = [codec.tableBytes(shape), 4 * shape.dimensions + 64, 4096, 65536].map(bytes => arena.allocate(bytes)) as [number, number, number, number]
  codec.place(codebook, shape, arena.bytes.subarray(book, book + codec.tableBytes(shape)))
  kernel.completePq(book, shape.metric === 'dot', distances)
  return vector => {
    arena.f32.set(vector, vectorAt / 4)
    kernel.encodePq(book, vectorAt, row, distances)
    return arena.bytes.slice(row, row + codec.rowBytes(shape))
  }
}

/** The squared error of codes, as a share of the variance. */
function errorOf(name: (typeof NAMES)[number], codebook: Codebook, shape: CodecShape, vectors: Float32Array[]): number {
  const encode = encoder(name, codebook, shape)
  let [error, spread] = [0, 0]
  for (const vector of vectors) {
    for (const [i, value] of codecs[name].decode(encode(vector), codebook, shape).entries()) error += (value - vector[i]!) ** 2
    for (const value of vector) spread += value ** 2
  }
  return error / spread
}

for (const name of NAMES) {
  test(`${name}: a codebook is a function of sample and shape`, () => {
    const shape: CodecShape = { dimensions: 24, metric: 'l2', codeBytes: 4 }
    assert.equal(train(name, sampleOf(1, 600, 24), shape), train(name, sampleOf(1, 600, 24), shape))
    assert.not.equal(train(name, sampleOf(1, 600, 24), shape), train(name, sampleOf(2, 600, 24), shape))
  })

  test(`${name}: codes keep more of vectors the more bytes they have`, () => {
    const [sample, others] = [sampleOf(3, 1500, 48), sampleOf(3, 1800, 48).slice(1500)]
    const errors = [3, 6, 12, 24].map(codeBytes => {
      const shape: CodecShape = { dimensions: 48, metric: 'l2', codeBytes }
      return errorOf(name, train(name, sample, shape), shape, others)
    })
    for (let i = 1; i < errors.length; i++) assert.ok(errors[i]! < errors[i - 1]!, `${errors}`)
    // A little more than what was measured.
    assert.ok(errors[0]! < 0.45 && errors[3]! < 0.02, `${errors}`)
  })

  test(`${name}: codes are made by the same distance for all metrics`, () => {
    const vector = sampleOf(9, 1, 20)[0]!
    const codes = (['l2', 'cosine', 'dot'] as Metric[]).map(metric => {
      const shape: CodecShape = { dimensions: 20, metric, codeBytes: 5 }
      return encoder(name, train(name, sampleOf(1, 500, 20), shape), shape)(vector)
    })
    assert.equal(codes[1], codes[0])
    assert.equal(codes[2], codes[0])
  })

  test(`${name}: fewer vectors than centroids, equal ones, and a single dimension can be trained on`, () => {
    for (const [count, dimensions] of [[1, 5], [7, 3], [40, 1]] as const) {
      const shape: CodecShape = { dimensions, metric: 'l2', codeBytes: codecs[name].codeBytes!.usual(dimensions) }
      const sample = sampleOf(4, count, dimensions)
      const codebook = train(name, sample, shape)
      assert.ok(codebook.values.every(Number.isFinite))
      assert.ok(errorOf(name, codebook, shape, sample) < 0.05)
    }
    const same = Array.from({ length: 50 }, () => Float32Array.of(1, 2, 3, 4))
    const shape: CodecShape = { dimensions: 4, metric: 'l2', codeBytes: 1 }
    assert.is(errorOf(name, train(name, same, shape), shape, same), 0)
  })
}

test('a code is an eighth of a byte a component, and 32 bytes for small vectors, or what these can have', () => {
  const usual = (name: (typeof NAMES)[number], ...dimensions: number[]): number[] => dimensions.map(each => codecs[name].codeBytes!.usual(each))
  assert.equal(usual('pq', 1536, 784, 256, 100, 64, 63, 7, 1), [192, 98, 32, 32, 32, 32, 4, 1])
  assert.equal(usual('pq8', 1536, 784, 256, 100, 64, 20, 1), [192, 98, 32, 32, 32, 20, 1])
  assert.is(codecs.pq.rowBytes({ dimensions: 7, metric: 'l2', codeBytes: 4 }), 4)
  assert.is(codecs.pq8.rowBytes({ dimensions: 100, metric: 'l2', codeBytes: 12 }), 12)
})

test.run()
