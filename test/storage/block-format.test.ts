import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import fc from 'fast-check'
import { Random } from '../../floor/random.js'
import { loadKernel } from '../../index/kernel.js'
import { Arena } from '../../storage/arena.js'
import { isSealed, KIND_BASE, KIND_CODES, KIND_STATES, KIND_UPPER, placeOf, sealBlock } from '../../storage/block-format.js'
import { Checksum } from '../../storage/checksum.js'
import { MOST_ROWS } from '../../storage/space.js'
import { check } from '../seed.js'

const test = suite('block format')
const BYTES = 4072
const STORE = 0xfedcba9876543210n
const arena = new Arena(2 ** 20)
const checksum = new Checksum(loadKernel('simd', arena.memory, { fault: () => undefined, loadRecords: () => undefined }), arena)
const frame = arena.allocate(4096)

function fill(seed: number): void {
  const random = new Random(seed)
  for (let i = 24; i < BYTES; i++) arena.bytes[frame + i] = random.nextU32()
}

test('a sealed block is sealed, and its rows are as they were', async () => {
  await check(fc.property(fc.integer(), fc.maxSafeNat(), fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), (seed, place, store) => {
    fill(seed)
    const rows = arena.bytes.slice(frame + 24, frame + BYTES)
    sealBlock(arena, checksum, frame, BYTES, place, store)
    assert.ok(isSealed(arena, checksum, frame, BYTES, place, store))
    assert.equal(arena.bytes.slice(frame + 24, frame + BYTES), rows)
  }))
})

test('the header of a fixed block is this', () => {
  arena.bytes.fill(7, frame, frame + BYTES)
  sealBlock(arena, checksum, frame, BYTES, placeOf(3, KIND_UPPER, 5), STORE)
  assert.is(Buffer.from(arena.bytes.subarray(frame, frame + 24)).toString('hex'), GOLDEN)
})

test('any flipped bit is noticed', () => {
  fill(1)
  sealBlock(arena, checksum, frame, BYTES, 9, STORE)
  for (let bit = 0; bit < BYTES * 8; bit++) {
    arena.bytes[frame + (bit >> 3)] ^= 1 << (bit & 7)
    assert.not(isSealed(arena, checksum, frame, BYTES, 9, STORE), `bit ${bit}`)
    arena.bytes[frame + (bit >> 3)] ^= 1 << (bit & 7)
  }
  assert.ok(isSealed(arena, checksum, frame, BYTES, 9, STORE))
})

test('a block out of place, and one of another store, is noticed', () => {
  fill(2)
  sealBlock(arena, checksum, frame, BYTES, placeOf(1, KIND_BASE, 4), STORE)
  assert.not(isSealed(arena, checksum, frame, BYTES, placeOf(1, KIND_BASE, 5), STORE))
  assert.not(isSealed(arena, checksum, frame, BYTES, placeOf(1, KIND_CODES, 4), STORE))
  assert.not(isSealed(arena, checksum, frame, BYTES, placeOf(2, KIND_BASE, 4), STORE))
  assert.not(isSealed(arena, checksum, frame, BYTES, placeOf(1, KIND_BASE, 4), STORE + 1n))
})

test('arbitrary bytes are no sealed block', async () => {
  await check(fc.property(fc.integer(), seed => {
    const random = new Random(seed)
    for (let i = 0; i < BYTES; i++) arena.bytes[frame + i] = random.nextU32()
    assert.not(isSealed(arena, checksum, frame, BYTES, 0, STORE))
  }))
})

test('places order blocks by collection, kind and number, and no two blocks share one', async () => {
  const blocks = fc.tuple(fc.nat({ max: 2 ** 20 }), fc.constantFrom(KIND_CODES, KIND_BASE, KIND_UPPER, KIND_STATES), fc.nat({ max: MOST_ROWS - 1 }))
  await check(fc.property(blocks, blocks, (a, b) => {
    const order = a[0] - b[0] || a[1] - b[1] || a[2] - b[2]
    assert.is(Math.sign(placeOf(...a) - placeOf(...b)), Math.sign(order))
    assert.ok(Number.isSafeInteger(placeOf(...a)))
  }), { numRuns: 500 })
})

test.run()

const GOLDEN = '9c646ec2376dba15000050000000fa411032547698badcfe'
