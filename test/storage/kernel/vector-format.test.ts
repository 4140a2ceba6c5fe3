import * as assert from 'uvu/assert'
import fc from 'fast-check'
import { Random } from '../../../floor/random.js'
import { Arena } from '../../../storage/arena.js'
import { packedByteLength, packVector, readHeader, unpackVector } from '../../../storage/vector-format.js'
import { VectorPacker } from '../../../storage/vector-packer.js'
import { BUILDS, bareKernel, DIMENSIONS, kernelSuite } from '../../index/kernel-suite.js'
import { check } from '../../seed.js'
import { decodes, floatBits } from '../bytes.js'

/** Bits of components of one scale, with so many bits of a mantissa and so many exponents. */
function drawBits(random: Random, dim: number, mantissaBits: number, exponents: number): Uint32Array {
  return Uint32Array.from({ length: dim }, () =>
    ((random.below(2) << 31) | (random.below(exponents + 1) << 23) | (random.below(2 ** mantissaBits) << (23 - mantissaBits))) >>> 0)
}

kernelSuite('kernel vector format', BUILDS, (test, build) => {
  const arena = new Arena(2 ** 21)
  const packer = new VectorPacker(bareKernel(build, arena), arena)
  const vector = arena.allocate(65536)

  /** Packs and unpacks as vector-format.ts does, and compares all bytes. */
  const compare = (bits: Uint32Array, at: number): void => {
    const most = at + packedByteLength(bits.length) + 9
    const expected = new Uint8Array(most).fill(0xa5)
    const packed = new Uint8Array(most).fill(0xa5)
    const end = packVector(bits, expected, at)
    assert.is(packer.pack(bits, packed, at), end)
    assert.equal(packed, expected)
    const rows = Math.ceil(bits.length / 4) * 4
    arena.u32.fill(77, vector / 4, vector / 4 + rows + 1)
    assert.is(packer.unpack(packed, at, bits.length, vector), end)
    assert.equal([...arena.u32.subarray(vector / 4, vector / 4 + rows + 1)], [...bits, ...new Array(rows - bits.length).fill(0), 77])
  }

  test('every width of a component is packed and unpacked as in TypeScript', () => {
    const random = new Random(2)
    for (let mantissaBits = 0; mantissaBits <= 23; mantissaBits++) {
      for (const exponents of [1, 2, 3, 7, 15, 31, 62, 63, 200]) compare(drawBits(random, 90 + random.below(12), mantissaBits, exponents), random.below(9))
    }
  })

  test('so are vectors of any dimensions', () => {
    const random = new Random(3)
    for (const dim of DIMENSIONS) {
      compare(new Uint32Array(Float32Array.from({ length: dim }, () => random.normal()).buffer), 0)
      compare(drawBits(random, dim, 20, 100), 1)
    }
    compare(drawBits(random, 16_000, 23, 255), 2)
  })

  test('so are any floats', async () => {
    await check(fc.property(fc.array(floatBits, { minLength: 1, maxLength: 80 }), fc.nat({ max: 9 }), (bits, at) => {
      compare(Uint32Array.from(bits), at)
    }), { numRuns: 500 })
  })

  test('any bytes with a sound header give the same vector', async () => {
    const headers = fc.tuple(fc.integer({ min: 2, max: 6 }), fc.nat({ max: 23 }), fc.nat({ max: 255 }), fc.nat({ max: 20 }), fc.constant(0))
    await check(fc.property(headers, fc.uint8Array({ minLength: 300, maxLength: 300, size: 'max' }), fc.integer({ min: 1, max: 70 }), (header, rest, dim) => {
      const bytes = Uint8Array.of(...header, ...rest)
      if (!decodes(() => readHeader(bytes, 0, dim))) return
      const expected = new Uint32Array(dim)
      const end = unpackVector(bytes, 0, dim, expected, 0)
      assert.is(packer.unpack(bytes, 0, dim, vector), end)
      assert.equal([...arena.u32.subarray(vector / 4, vector / 4 + dim)], [...expected])
    }), { numRuns: 500 })
  })

  test('bytes that end early are VECTOR_CORRUPTION', () => {
    const packed = new Uint8Array(packedByteLength(20))
    const end = packer.pack(drawBits(new Random(5), 20, 23, 4), packed, 0)
    for (let length = 0; length < end; length++) assert.not(decodes(() => packer.unpack(packed.subarray(0, length), 0, 20, vector)), `${length} bytes`)
  })
})
