import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import fc from 'fast-check'
import { decodeLogEntry, encodeLogEntry, type LogOperation, NONE, readLogEntry } from '../../storage/log-format.js'
import { check } from '../seed.js'
import { decodes, flips, makeChecksum } from './bytes.js'

const test = suite('log format')
const checksum = makeChecksum()

const u32 = fc.oneof(fc.nat({ max: 0xffffffff }), fc.constant(NONE), fc.nat({ max: 9 }))
const none = fc.constant(NONE)
const operation: fc.Arbitrary<LogOperation> = fc.oneof(
  fc.record({ collection: u32, ordinal: u32, previous: u32, rewrite: fc.constant(true as const) }, { requiredKeys: ['collection', 'ordinal', 'previous'], noNullPrototype: true }),
  fc.record({ collection: u32, ordinal: none, previous: none, recode: fc.record({ codec: u32, codeBytes: u32 }, { noNullPrototype: true }) }, { noNullPrototype: true }),
  fc.record({ collection: u32, ordinal: none, previous: none, recoded: fc.constant(true as const) }, { noNullPrototype: true })
)
const operations: fc.Arbitrary<LogOperation[]> = fc.array(operation, { maxLength: 30 })
const hashes = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n })

test('an entry comes back, with the hash that the next one continues', async () => {
  await check(fc.property(hashes, fc.maxSafeNat(), operations, fc.boolean(), (previous, sequence, operations, synced) => {
    const { bytes, hash } = encodeLogEntry(checksum, previous, sequence, operations, synced)
    assert.equal(decodeLogEntry(checksum, previous, sequence, bytes), { sequence, hash, synced, operations })
    assert.equal(readLogEntry(bytes), { hash, synced, operations })
  }), { numRuns: 300 })
})

test('the bytes of a fixed entry are these', () => {
  const { bytes, hash } = encodeLogEntry(checksum, 5n, 1000, [
    { collection: 1, ordinal: 2, previous: NONE }, { collection: 1, ordinal: NONE, previous: 0x01020304 }, { collection: 2, ordinal: 3, previous: NONE, rewrite: true },
    { collection: 2, ordinal: NONE, previous: NONE, recode: { codec: 2, codeBytes: 48 } }, { collection: 2, ordinal: NONE, previous: NONE, recoded: true }
  ], true)
  assert.is(bytes.toString('hex'), GOLDEN)
  assert.is(bytes.readBigUInt64LE(0), hash)
})

test('an entry with another predecessor or another sequence is VECTOR_CORRUPTION', async () => {
  await check(fc.property(hashes, hashes, fc.maxSafeNat(), operations, (previous, other, sequence, operations) => {
    fc.pre(previous !== other)
    const { bytes } = encodeLogEntry(checksum, previous, sequence, operations, true)
    assert.not(decodes(() => decodeLogEntry(checksum, other, sequence, bytes)))
    assert.not(decodes(() => decodeLogEntry(checksum, previous, sequence + 1, bytes)))
  }))
})

test('any flipped bit is noticed', () => {
  const { bytes } = encodeLogEntry(checksum, 5n, 1000, [{ collection: 1, ordinal: 2, previous: NONE }, { collection: 1, ordinal: NONE, previous: 3 }], true)
  for (const { bit, flipped } of flips(bytes)) assert.not(decodes(() => decodeLogEntry(checksum, 5n, 1000, flipped)), `bit ${bit}`)
})

test('an entry that is cut short or continued is VECTOR_CORRUPTION', () => {
  const { bytes } = encodeLogEntry(checksum, 0n, 1, [{ collection: 1, ordinal: 2, previous: 3 }], false)
  for (let length = 0; length < bytes.length; length++) assert.not(decodes(() => decodeLogEntry(checksum, 0n, 1, bytes.subarray(0, length))), `${length} bytes`)
  assert.not(decodes(() => decodeLogEntry(checksum, 0n, 1, Buffer.concat([bytes, Buffer.alloc(13)]))))
})

test('arbitrary bytes are VECTOR_CORRUPTION, also with a count of billions', async () => {
  await check(fc.property(fc.uint8Array({ maxLength: 120, size: 'max' }), fc.boolean(), (given, huge) => {
    const bytes = Buffer.from(given)
    if (huge && bytes.length >= 21) bytes.writeUInt32LE(0xffffffff, 16)
    assert.not(decodes(() => decodeLogEntry(checksum, 0n, 1, bytes)))
  }), { numRuns: 500 })
})

test('arbitrary operations with the right hash give an entry or VECTOR_CORRUPTION', async () => {
  const counts = { good: 0, bad: 0 }
  await check(fc.property(fc.nat({ max: 4 }), fc.uint8Array({ maxLength: 60, size: 'max' }), (count, rest) => {
    const bytes = Buffer.concat([Buffer.alloc(21), rest])
    bytes.writeBigUInt64LE(1n, 8)
    bytes.writeUInt32LE(rest.length % 13 ? count : rest.length / 13, 16)
    bytes.writeBigUInt64LE(checksum.hash(0n, bytes.subarray(8)), 0)
    counts[decodes(() => decodeLogEntry(checksum, 0n, 1, bytes)) ? 'good' : 'bad']++
  }), { numRuns: 500 })
  assert.ok(counts.good > 10 && counts.bad > 10, JSON.stringify(counts))
})

test.run()

const GOLDEN = '788c4d16acad07aee8030000000000000500000001010100000002000000ffffffff0201000000ffffffff04030201030200000003000000ffffffff040200000002000000300000000502000000ffffffffffffffff'
