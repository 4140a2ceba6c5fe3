import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import fc from 'fast-check'
import { Random } from '../../floor/random.js'
import { packedByteLength, packVector, unpackVector } from '../../storage/vector-format.js'
import { check } from '../seed.js'
import { decodes, floatBits } from './bytes.js'

const test = suite('vector format')

function bitsOf(...values: number[]): Uint32Array {
  return new Uint32Array(Float32Array.from(values).buffer)
}

function pack(bits: Uint32Array): Uint8Array {
  const out = new Uint8Array(packedByteLength(bits.length))
  return out.subarray(0, packVector(bits, out, 0))
}

function unpack(bytes: Uint8Array, dim: number): Uint32Array {
  const bits = new Uint32Array(dim)
  assert.is(unpackVector(bytes, 0, dim, bits, 0), bytes.length)
  return bits
}

const anyBits = fc.array(floatBits, { minLength: 1, maxLength: 80 }).map(bits => Uint32Array.from(bits))
/** Vectors whose components have much in common, as real ones do: one scale, few used bits. */
const likely = fc.tuple(fc.array(fc.integer({ min: -300, max: 300 }), { minLength: 1, maxLength: 200 }), fc.integer({ min: -126, max: 100 }))
  .map(([steps, exponent]) => bitsOf(...steps.map(step => step * 2 ** exponent)))

test('any floats come back bit for bit: denormals, both zeros, infinities and payloads of NaN', async () => {
  await check(fc.property(fc.oneof(anyBits, likely), bits => {
    assert.equal(unpack(pack(bits), bits.length), bits)
  }), { numRuns: 1000 })
})

test('every width of a component works: each count of mantissa bits with each count of exponents', () => {
  const random = new Random(2)
  for (let mantissaBits = 0; mantissaBits <= 23; mantissaBits++) {
    for (const exponents of [1, 2, 3, 7, 15, 31, 62, 63, 200]) {
      const bits = Uint32Array.from({ length: 97 }, () =>
        ((random.below(2) << 31) | ((1 + random.below(exponents)) << 23) | (random.below(2 ** mantissaBits) << (23 - mantissaBits))) >>> 0)
      assert.equal(unpack(pack(bits), 97), bits, `${mantissaBits} bits, ${exponents} exponents`)
    }
  }
})

test('large vectors come back, and smaller ones after them', () => {
  const random = new Random(4)
  for (const dim of [16_000, 1, 3000, 2]) {
    const bits = Uint32Array.from({ length: dim }, () => random.nextU32())
    assert.equal(unpack(pack(bits), dim), bits)
  }
})

test('packed bytes stay within the stated bound, whatever the floats', async () => {
  await check(fc.property(anyBits, bits => {
    const out = new Uint8Array(packedByteLength(bits.length) + 8).fill(0xa5)
    const end = packVector(bits, out, 4)
    assert.ok(end - 4 <= packedByteLength(bits.length), `${end - 4} of ${packedByteLength(bits.length)}`)
    assert.equal([...out.subarray(0, 4), ...out.subarray(end)], [...new Uint8Array(4 + out.length - end).fill(0xa5)])
  }), { numRuns: 300 })
})

test('vectors are packed and unpacked at any offset', async () => {
  await check(fc.property(anyBits, fc.nat({ max: 9 }), fc.nat({ max: 5 }), (bits, at, to) => {
    const bytes = Buffer.concat([Buffer.alloc(at, 0xff), pack(bits), Buffer.alloc(3, 0xff)])
    const target = new Uint32Array(to + bits.length + 2).fill(77)
    assert.is(unpackVector(bytes, at, bits.length, target, to), bytes.length - 3)
    assert.equal(target, Uint32Array.of(...new Array(to).fill(77), ...bits, 77, 77))
  }))
})

test('the bytes of a fixed vector are these', () => {
  const bits = bitsOf(1, -0.5, 0, 3.140625, 1e-30, -Infinity)
  assert.is(Buffer.from(pack(bits)).toString('hex'), GOLDEN)
  assert.equal(unpack(Buffer.from(GOLDEN, 'hex'), 6), bits)
})

test('arbitrary bytes give a vector or VECTOR_CORRUPTION', async () => {
  const headers = fc.tuple(fc.nat({ max: 8 }), fc.nat({ max: 25 }), fc.nat({ max: 255 }), fc.nat({ max: 20 }), fc.nat({ max: 1 }))
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 200, size: 'max' }),
    fc.tuple(headers, fc.uint8Array({ maxLength: 200, size: 'max' })).map(([header, rest]) => Uint8Array.of(...header, ...rest))
  )
  let good = 0
  await check(fc.property(bytes, fc.integer({ min: 1, max: 70 }), (bytes, dim) => {
    if (decodes(() => unpackVector(bytes, 0, dim, new Uint32Array(dim), 0))) good++
  }), { numRuns: 2000 })
  assert.ok(good > 20, `${good} of 2,000 gave a vector`)
})

test('bytes that end early are VECTOR_CORRUPTION, wherever they end', () => {
  const random = new Random(6)
  const bytes = pack(bitsOf(...Array.from({ length: 20 }, () => random.normal())))
  for (let length = 0; length < bytes.length; length++) {
    assert.not(decodes(() => unpackVector(bytes.subarray(0, length), 0, 20, new Uint32Array(20), 0)), `${length} bytes`)
  }
})

test('gaussian vectors pack to less than 92 % of their bytes', () => {
  const random = new Random(8)
  for (const dim of [128, 768, 1536]) {
    let bytes = 0
    for (let i = 0; i < 50; i++) bytes += pack(bitsOf(...Array.from({ length: dim }, () => random.normal()))).length
    const share = bytes / (50 * 4 * dim)
    assert.ok(share < 0.92, `${dim} dimensions: ${(100 * share).toFixed(1)} %`)
  }
})

test('vectors of small integers, such as pixels, pack to less than half', () => {
  const random = new Random(9)
  let bytes = 0
  for (let i = 0; i < 50; i++) bytes += pack(bitsOf(...Array.from({ length: 784 }, () => (random.next() < 0.8 ? 0 : random.below(256))))).length
  assert.ok(bytes < 0.5 * 50 * 4 * 784, `${bytes / (50 * 784)} bytes a component`)
})

test.run()

/** 2 bits of exponent, 18 of mantissa, largest exponent 255, 4 exceptions; six components of 21 bits; the exponents 127, 126, 128, 27. */
const GOLDEN = '0212ff0400000000000002003000243121110000287f7e801b'
