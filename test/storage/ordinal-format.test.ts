import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import fc from 'fast-check'
import { decodeOrdinal, encodeOrdinal, tagOf } from '../../storage/ordinal-format.js'
import { check } from '../seed.js'
import { decodes, flips, makeChecksum } from './bytes.js'

const test = suite('ordinal format')
const checksum = makeChecksum()

const values = fc.record({
  collection: fc.nat({ max: 0xffffffff }),
  key: fc.uint8Array({ minLength: 1, maxLength: 100 }),
  ordinal: fc.oneof(fc.nat({ max: 0xffffff }), fc.constantFrom(0, 0xff, 0xfffffe)),
  tag: fc.nat({ max: 255 })
})

test('an ordinal and its tag come back', async () => {
  await check(fc.property(values, ({ collection, key, ordinal, tag }) => {
    assert.equal(decodeOrdinal(checksum, collection, key, encodeOrdinal(checksum, collection, key, { ordinal, tag })), { ordinal, tag })
  }), { numRuns: 300 })
})

test('the bytes of a fixed ordinal are these', () => {
  assert.is(encodeOrdinal(checksum, 2, Buffer.from('a/ü'), { ordinal: 0x030201, tag: 4 }).toString('hex'), GOLDEN)
})

test('an ordinal is noticed under another key, and in another collection', async () => {
  await check(fc.property(values, values, (one, { collection, key }) => {
    fc.pre(collection !== one.collection && !Buffer.from(key).equals(one.key))
    const value = encodeOrdinal(checksum, one.collection, one.key, one)
    assert.not(decodes(() => decodeOrdinal(checksum, collection, one.key, value)))
    assert.not(decodes(() => decodeOrdinal(checksum, one.collection, key, value)))
  }))
})

test('any flipped bit is noticed', () => {
  const key = Buffer.from('key')
  for (const { bit, flipped } of flips(encodeOrdinal(checksum, 1, key, { ordinal: 70_000, tag: 200 }))) {
    assert.not(decodes(() => decodeOrdinal(checksum, 1, key, flipped)), `bit ${bit}`)
  }
})

test('arbitrary bytes are VECTOR_CORRUPTION', async () => {
  await check(fc.property(values, fc.uint8Array({ maxLength: 12 }), ({ collection, key }, bytes) => {
    assert.not(decodes(() => decodeOrdinal(checksum, collection, key, Buffer.from(bytes))))
  }), { numRuns: 500 })
})

test('sequences that are 1 to 255 apart have different tags, the largest as well', async () => {
  await check(fc.property(fc.maxSafeNat().map(value => value % 2 ** 48), fc.integer({ min: 1, max: 255 }), (sequence, apart) => {
    assert.is.not(tagOf(sequence), tagOf(sequence + apart))
    assert.ok(tagOf(sequence) >= 0 && tagOf(sequence) <= 255 && Number.isInteger(tagOf(sequence)))
  }))
})

test.run()

const GOLDEN = '01020304608ac671'
