import * as assert from 'uvu/assert'
import fc from 'fast-check'
import { Random } from '../../../floor/random.js'
import { Arena } from '../../../storage/arena.js'
import { BUILDS, bareKernel, COMPILED, DIMENSIONS, kernelSuite } from '../../index/kernel-suite.js'
import { check } from '../../seed.js'

const MOST = 7
const BYTES = 65536
const ROWS = 0
const VECTOR = 24_576
const OFFSETS = 32_768
const QUERY = 40_960
const ADDRESSES = 53_248
const KEYS = 53_504

/** Memory full of noise, so that nothing is zero by chance. */
function noise(arena: Arena, at: number, random: Random): void {
  for (let i = 0; i < BYTES / 4; i++) arena.u32[at / 4 + i] = random.nextU32()
}

/** Rows one after the other, 24 bytes behind the beginning of a frame, which aligns them to nothing. */
function rowsAt(arena: Arena, at: number, dim: number): number[] {
  const rows = Array.from({ length: MOST }, (_, i) => at + ROWS + 24 + i * (dim + 4))
  arena.u32.set([...rows, rows[0], rows[0], rows[0]], (at + ADDRESSES) / 4)
  return rows
}

/** Vectors on, between and far outside of the levels. */
function vectorFor(arena: Arena, at: number, random: Random, dim: number, inverse: number): void {
  const vector = arena.f32.subarray((at + VECTOR) / 4, (at + VECTOR) / 4 + dim)
  const offsets = arena.f32.subarray((at + OFFSETS) / 4, (at + OFFSETS) / 4 + dim)
  const kind = random.below(4)
  for (let i = 0; i < dim; i++) {
    offsets[i] = kind === 0 ? 0 : random.normal()
    vector[i] = offsets[i] + [random.below(256) / inverse, (random.below(255) + 0.5) / inverse, random.normal(), 1e30 * random.normal()][random.below(kind === 3 ? 4 : 3)]
  }
}

kernelSuite('kernel sq8', BUILDS, (test, build) => {
  const arena = new Arena(2 ** 20)
  const kernel = bareKernel(build, arena)
  const at = arena.allocate(BYTES)

  test('a key is what its definition says: the squared difference of levels, or 2^31 less twice the product', async () => {
    await check(fc.property(fc.integer(), fc.boolean(), fc.constantFrom(1, 40, 255), (seed, signed, inverse) => {
      const random = new Random(seed)
      for (const dim of DIMENSIONS) {
        noise(arena, at, random)
        const rows = rowsAt(arena, at, dim)
        for (const row of rows) {
          vectorFor(arena, at, random, dim, inverse)
          kernel.encodeSq8(at + VECTOR, at + OFFSETS, inverse, dim, signed, row)
        }
        const level = (row: number, i: number): number => arena.bytes[row + i] ^ 0x80
        const base = kernel.loadSq8(rows[0], dim, signed, at + QUERY)
        kernel.scoreSq8(at + QUERY, base, dim, at + ADDRESSES, MOST, at + KEYS)
        for (const [number, row] of rows.entries()) {
          let l2 = 0
          let product = 0
          for (let i = 0; i < dim; i++) {
            l2 += (level(rows[0], i) - level(row, i)) ** 2
            product += (level(rows[0], i) - 128) * (level(row, i) - 128)
          }
          assert.is(arena.u32[(at + KEYS) / 4 + number], signed ? 2 ** 31 - 2 * product : l2, `row ${number} of ${dim} dimensions`)
        }
      }
    }), { numRuns: 4 })
  })

  test('levels of the extremes give the largest keys without overflow, up to 16,000 dimensions', () => {
    const dim = 16_000
    const large = arena.allocate(3 * 65536)
    const [low, high, query] = [large, large + 16_004, large + 65536]
    const write = (row: number, byte: number, constant: number): void => {
      arena.bytes.fill(byte, row, row + dim)
      new DataView(arena.bytes.buffer).setUint32(row + dim, constant, true)
    }
    write(low, 0x80, 0)
    write(high, 0x7f, 255 * 255 * dim)
    const addresses = large + 2 * 65536
    arena.u32.set([low, high, low, low, low, low], addresses / 4)
    for (const [row, keys] of [[low, [0, 255 * 255 * dim]], [high, [255 * 255 * dim, 0]]] as [number, number[]][]) {
      const base = kernel.loadSq8(row, dim, false, query)
      kernel.scoreSq8(query, base, dim, addresses, 2, addresses + 64)
      assert.equal([...arena.u32.subarray((addresses + 64) / 4, (addresses + 64) / 4 + 2)], keys)
    }
    write(low, 0x80, 256 * -128 * dim)
    write(high, 0x7f, 256 * 127 * dim)
    const base = kernel.loadSq8(low, dim, true, query)
    kernel.scoreSq8(query, base, dim, addresses, 2, addresses + 64)
    assert.equal([...arena.u32.subarray((addresses + 64) / 4, (addresses + 64) / 4 + 2)], [2 ** 31 - 2 * 128 * 128 * dim, 2 ** 31 + 2 * 128 * 127 * dim])
  })

  test('encoding writes its row and nothing around it', async () => {
    await check(fc.property(fc.integer(), fc.boolean(), (seed, signed) => {
      const random = new Random(seed)
      for (const dim of DIMENSIONS) {
        noise(arena, at, random)
        vectorFor(arena, at, random, dim, 40)
        const row = at + 1000 + random.below(16)
        const before = arena.bytes.slice(at, at + BYTES)
        kernel.encodeSq8(at + VECTOR, at + OFFSETS, 40, dim, signed, row)
        const after = arena.bytes.slice(at, at + BYTES)
        before.copyWithin(row - at, row - at, 0)
        before.set(after.subarray(row - at, row - at + dim + 4), row - at)
        assert.ok(Buffer.compare(before, after) === 0, `${dim} dimensions`)
      }
    }), { numRuns: 2 })
  })
})

kernelSuite('kernel sq8 against the reference', COMPILED, (test, build) => {
  const arena = new Arena(2 ** 20)
  const kernel = bareKernel(build, arena)
  const reference = bareKernel('reference', arena)
  const at = arena.allocate(BYTES)

  test('rows, bases and keys are the same', async () => {
    await check(fc.property(fc.integer(), fc.boolean(), fc.constantFrom(0.001, 1, 39.7, 1e6), fc.integer({ min: 1, max: MOST }), (seed, signed, inverse, count) => {
      const random = new Random(seed)
      for (const dim of DIMENSIONS) {
        noise(arena, at, random)
        const rows = rowsAt(arena, at, dim)
        for (const row of rows) {
          vectorFor(arena, at, random, dim, inverse)
          reference.encodeSq8(at + VECTOR, at + OFFSETS, inverse, dim, signed, row)
          const expected = arena.bytes.slice(row, row + dim + 4)
          kernel.encodeSq8(at + VECTOR, at + OFFSETS, inverse, dim, signed, row)
          assert.equal(arena.bytes.slice(row, row + dim + 4), expected, `row of ${dim} dimensions`)
        }
        const score = (one: typeof kernel): number[] => {
          const base = one.loadSq8(rows[seed & 3], dim, signed, at + QUERY) >>> 0
          one.scoreSq8(at + QUERY, base, dim, at + ADDRESSES, count, at + KEYS)
          return [base, ...arena.u32.subarray((at + KEYS) / 4, (at + KEYS) / 4 + count)]
        }
        assert.equal(score(kernel), score(reference), `keys of ${dim} dimensions`)
      }
    }), { numRuns: 4 })
  })
})
