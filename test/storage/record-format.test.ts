import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import fc from 'fast-check'
import { decodeRecord, dropVector, encodeRecord, moveRecord } from '../../storage/record-format.js'
import { check } from '../seed.js'
import { decodes, flips, floatBits, makeChecksum } from './bytes.js'

const test = suite('record format')
const checksum = makeChecksum()

const u32 = fc.nat({ max: 0xffffffff })
const records = fc.record({
  collection: u32,
  ordinal: u32,
  sequence: fc.maxSafeNat().map(value => value % 2 ** 48),
  vector: fc.array(floatBits, { minLength: 1, maxLength: 40 }).map(bits => Uint32Array.from(bits)),
  key: fc.uint8Array({ maxLength: 100 }),
  metadata: fc.uint8Array({ maxLength: 100 })
})

test('a record comes back', async () => {
  await check(fc.property(records, ({ collection, ordinal, sequence, vector, key, metadata }) => {
    const bytes = encodeRecord(checksum, collection, ordinal, sequence, vector, key, metadata)
    const bits = new Uint32Array(vector.length + 1)
    const tail = decodeRecord(checksum, collection, ordinal, bytes, vector.length, bits, 1)
    assert.equal(bits.subarray(1), vector)
    assert.is(tail.sequence, sequence)
    assert.is(tail.coded, false)
    assert.equal([...tail.key], [...key])
    assert.equal([...tail.metadata], [...metadata])
  }), { numRuns: 300 })
})

test('a record without its vector is one that was written without', async () => {
  await check(fc.property(records, ({ collection, ordinal, sequence, vector, key, metadata }) => {
    const whole = encodeRecord(checksum, collection, ordinal, sequence, vector, key, metadata)
    const dropped = dropVector(checksum, collection, ordinal, whole, vector.length)!
    assert.equal(dropped, encodeRecord(checksum, collection, ordinal, sequence, undefined, key, metadata))
    assert.is(dropVector(checksum, collection, ordinal, dropped, vector.length), undefined)
    const bits = new Uint32Array(vector.length).fill(7)
    const tail = decodeRecord(checksum, collection, ordinal, moveRecord(checksum, collection, ordinal, ordinal, dropped), vector.length, bits, 0)
    assert.ok(tail.coded)
    assert.ok(bits.every(word => word === 7), 'the vector was touched')
    assert.is(tail.sequence, sequence)
    assert.equal([...tail.key], [...key])
    assert.equal([...tail.metadata], [...metadata])
  }), { numRuns: 300 })
})

test('any flipped bit of a record without a vector is noticed', () => {
  const bytes = encodeRecord(checksum, 2, 7, 42, undefined, Buffer.from('key'), Buffer.of(1, 2, 3))
  for (const { bit, flipped } of flips(bytes)) {
    assert.not(decodes(() => decodeRecord(checksum, 2, 7, flipped, 3, new Uint32Array(3), 0)), `bit ${bit}`)
    assert.not(decodes(() => dropVector(checksum, 2, 7, flipped, 3)), `bit ${bit}`)
  }
})

test('the longest keys and large metadata come back', () => {
  const key = Buffer.alloc(1024, 'k')
  const metadata = Buffer.alloc(200_000, 7)
  const bytes = encodeRecord(checksum, 1, 2, 3, Uint32Array.of(0x3f800000), key, metadata)
  const tail = decodeRecord(checksum, 1, 2, bytes, 1, new Uint32Array(1), 0)
  assert.ok(key.equals(tail.key))
  assert.ok(metadata.equals(tail.metadata))
})

test('the bytes of a fixed record are these', () => {
  const bytes = encodeRecord(checksum, 2, 7, 42, Uint32Array.of(0x3f800000, 0xc0000000, 0), Buffer.from('a/ü'), Buffer.of(0x81, 0xa1, 0x61, 1))
  assert.is(bytes.toString('hex'), GOLDEN)
})

test('a record is noticed in the place of another', () => {
  const bytes = encodeRecord(checksum, 2, 7, 42, Uint32Array.of(0x3f800000), Buffer.from('a'), new Uint8Array(0))
  const read = (collection: number, ordinal: number): boolean => decodes(() => decodeRecord(checksum, collection, ordinal, bytes, 1, new Uint32Array(1), 0))
  assert.ok(read(2, 7))
  assert.not(read(2, 8))
  assert.not(read(7, 2))
  assert.not(read(3, 7))
})

test('any flipped bit is noticed', () => {
  const bytes = encodeRecord(checksum, 2, 7, 42, Uint32Array.of(0x3f800000, 0x7fc00001, 1), Buffer.from('key'), Buffer.of(1, 2, 3))
  for (const { bit, flipped } of flips(bytes)) {
    assert.not(decodes(() => decodeRecord(checksum, 2, 7, flipped, 3, new Uint32Array(3), 0)), `bit ${bit}`)
  }
})

test('arbitrary bytes are VECTOR_CORRUPTION', async () => {
  await check(fc.property(fc.uint8Array({ maxLength: 100, size: 'max' }), fc.integer({ min: 1, max: 30 }), (bytes, dim) => {
    assert.not(decodes(() => decodeRecord(checksum, 1, 1, Buffer.from(bytes), dim, new Uint32Array(dim), 0)))
  }), { numRuns: 500 })
})

test('arbitrary bytes with the right checksum give a record or VECTOR_CORRUPTION', async () => {
  const packed = fc.tuple(fc.integer({ min: 2, max: 6 }), fc.nat({ max: 23 }), fc.nat({ max: 255 }), fc.nat({ max: 5 }), fc.constant(0))
  const bodies = fc.tuple(fc.uint8Array({ minLength: 6, maxLength: 6 }), fc.nat({ max: 20 }), packed, fc.uint8Array({ maxLength: 100, size: 'max' }))
    .map(([sequence, keyBytes, header, rest]) => Buffer.of(...sequence, keyBytes, 0, ...header, ...rest))
  const counts = { good: 0, bad: 0 }
  await check(fc.property(fc.oneof(bodies, fc.uint8Array({ maxLength: 50 })), fc.integer({ min: 1, max: 30 }), (body, dim) => {
    const bytes = Buffer.concat([Buffer.alloc(8), body])
    bytes.writeBigUInt64LE(checksum.hash((1n << 32n) | 1n, bytes.subarray(8)), 0)
    counts[decodes(() => decodeRecord(checksum, 1, 1, bytes, dim, new Uint32Array(dim), 0)) ? 'good' : 'bad']++
  }), { numRuns: 1000 })
  assert.ok(counts.good > 50 && counts.bad > 50, JSON.stringify(counts))
})

test.run()

const GOLDEN = 'c5b6f163b0cda78a2a000000000004000200800000ea00612fc3bc81a16101'
