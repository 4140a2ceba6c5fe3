import * as assert from 'uvu/assert'
import fc from 'fast-check'
import { Random } from '../../../floor/random.js'
import { Arena } from '../../../storage/arena.js'
import { KIND_BASE, KIND_CODES, KIND_UPPER, placeOf } from '../../../storage/block-format.js'
import { BUILDS, bareKernel, kernelSuite } from '../../index/kernel-suite.js'
import { check } from '../../seed.js'

const BYTES = 4072
const STORE = 0xfedcba9876543210n
const GOLDEN = '9c646ec2376dba15000050000000fa411032547698badcfe'

kernelSuite('kernel block format', BUILDS, (test, build) => {
  const arena = new Arena(2 ** 20)
  const kernel = bareKernel(build, arena)
  const frame = arena.allocate(4096)

  function fill(seed: number): void {
    const random = new Random(seed)
    for (let i = 24; i < BYTES; i++) arena.bytes[frame + i] = random.nextU32()
  }

  test('a sealed block is sealed, and its rows are as they were', async () => {
    await check(fc.property(fc.integer(), fc.maxSafeNat(), fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), (seed, place, store) => {
      fill(seed)
      const rows = arena.bytes.slice(frame + 24, frame + BYTES)
      kernel.sealBlock(frame, BYTES, place, store)
      assert.ok(kernel.isSealed(frame, BYTES, place, store))
      assert.equal(arena.bytes.slice(frame + 24, frame + BYTES), rows)
    }))
  })

  test('the header of a fixed block is this', () => {
    arena.bytes.fill(7, frame, frame + BYTES)
    kernel.sealBlock(frame, BYTES, placeOf(3, KIND_UPPER, 5), STORE)
    assert.is(Buffer.from(arena.bytes.subarray(frame, frame + 24)).toString('hex'), GOLDEN)
  })

  test('any flipped bit is noticed', () => {
    fill(1)
    kernel.sealBlock(frame, BYTES, 9, STORE)
    // The reference takes a thousand times as long.
    for (let bit = 0; bit < BYTES * 8; bit += build === 'reference' ? 101 : 1) {
      arena.bytes[frame + (bit >> 3)] ^= 1 << (bit & 7)
      assert.not(kernel.isSealed(frame, BYTES, 9, STORE), `bit ${bit}`)
      arena.bytes[frame + (bit >> 3)] ^= 1 << (bit & 7)
    }
    assert.ok(kernel.isSealed(frame, BYTES, 9, STORE))
  })

  test('a block out of place, and one of another store, is noticed', () => {
    fill(2)
    kernel.sealBlock(frame, BYTES, placeOf(1, KIND_BASE, 4), STORE)
    for (const [place, store] of [
      [placeOf(1, KIND_BASE, 5), STORE], [placeOf(1, KIND_CODES, 4), STORE], [placeOf(2, KIND_BASE, 4), STORE], [placeOf(1, KIND_BASE, 4), STORE + 1n]
    ] as const) assert.not(kernel.isSealed(frame, BYTES, place, store))
  })

  test('arbitrary bytes are no sealed block', async () => {
    await check(fc.property(fc.integer(), seed => {
      const random = new Random(seed)
      for (let i = 0; i < BYTES; i++) arena.bytes[frame + i] = random.nextU32()
      assert.not(kernel.isSealed(frame, BYTES, 0, STORE))
    }))
  })
})
