import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import fc from 'fast-check'
import {
  codeBlockKey, codebookKey, codesKey, COLLECTION_RANGE, collectionKey, logKey, META_KEY, ordinalOf, recordKey, sequenceOf, userKey, userKeyEnd, userPart
} from '../../storage/keys.js'
import { check } from '../seed.js'

const test = suite('keys')
const u32 = fc.nat({ max: 0xfffffffe })
const names = fc.string({ unit: 'binary', maxLength: 20 })

/** Of strings by their code points, which is that of their bytes in UTF-8. */
function byCodePoints(a: string, b: string): number {
  const [left, right] = [[...a], [...b]]
  for (let i = 0; i < Math.min(left.length, right.length); i++) {
    const difference = left[i].codePointAt(0)! - right[i].codePointAt(0)!
    if (difference) return Math.sign(difference)
  }
  return Math.sign(left.length - right.length)
}

test('user keys sort by collection, then by the code points of the key', async () => {
  await check(fc.property(u32, u32, names, names, (collection, other, a, b) => {
    const order = Math.sign(collection - other) || byCodePoints(a, b)
    assert.is(Buffer.compare(userKey(collection, Buffer.from(a)), userKey(other, Buffer.from(b))), order)
    assert.is(Buffer.compare(userKey(collection, Buffer.from(a)), userKey(collection, Buffer.from(b))), byCodePoints(a, b))
  }), { numRuns: 500 })
})

test('a user key gives back what the user gave, and lies before the end of its collection', async () => {
  await check(fc.property(u32, names, (collection, key) => {
    const stored = userKey(collection, Buffer.from(key))
    assert.is(userPart(stored).toString(), key)
    assert.ok(Buffer.compare(stored, userKeyEnd(collection)) < 0)
    assert.ok(Buffer.compare(stored, userKey(collection, Buffer.alloc(0))) >= 0)
  }))
})

test('a user key is read from a view into a larger buffer', () => {
  const stored = userKey(3, Buffer.from('inside'))
  const view = Buffer.concat([Buffer.alloc(11), stored, Buffer.alloc(4)]).subarray(11, 11 + stored.length)
  assert.is(userPart(view).toString(), 'inside')
})

test('log keys sort by sequence, and give it back', async () => {
  await check(fc.property(fc.maxSafeNat(), fc.maxSafeNat(), (a, b) => {
    assert.is(Buffer.compare(logKey(a), logKey(b)), Math.sign(a - b))
    assert.is(sequenceOf(logKey(a)), a)
  }))
})

test('keys of codes sort by collection, version and block; what they are like and their codebook come first', async () => {
  await check(fc.property(u32, u32, u32, u32, (collection, version, block, other) => {
    const key = codeBlockKey({ collection, version, block })
    assert.is(Buffer.compare(key, codeBlockKey({ collection, version, block: other })), Math.sign(block - other))
    assert.ok(Buffer.compare(codesKey(collection), codebookKey(collection, version)) < 0)
    assert.ok(Buffer.compare(codebookKey(collection, version), key) < 0)
    assert.ok(Buffer.compare(key, codebookKey(collection, version + 1)) < 0)
    assert.ok(Buffer.compare(key, codesKey(collection + 1)) < 0)
    assert.ok(Buffer.compare(key, COLLECTION_RANGE.gte) < 0)
  }))
})

test('record keys sort by collection and ordinal, and give the ordinal back', async () => {
  await check(fc.property(u32, u32, u32, u32, (collection, ordinal, otherCollection, otherOrdinal) => {
    const order = Math.sign(collection - otherCollection) || Math.sign(ordinal - otherOrdinal)
    assert.is(Buffer.compare(recordKey(collection, ordinal), recordKey(otherCollection, otherOrdinal)), order)
    assert.is(ordinalOf(recordKey(collection, ordinal)), ordinal)
  }))
})

test('the kinds of keys do not mix: collections, user keys, log, meta, records lie behind each other', async () => {
  await check(fc.property(names, u32, names, fc.maxSafeNat(), u32, (name, collection, key, sequence, ordinal) => {
    const keys = [collectionKey(name), userKey(collection, Buffer.from(key)), logKey(sequence), META_KEY, recordKey(collection, ordinal)]
    assert.equal([...keys].sort(Buffer.compare), keys)
    const inRange = (stored: Buffer): boolean => Buffer.compare(stored, COLLECTION_RANGE.gte) >= 0 && Buffer.compare(stored, COLLECTION_RANGE.lt) < 0
    assert.equal(keys.map(inRange), [true, false, false, false, false])
  }))
})

test('fixed keys have these bytes', () => {
  assert.is(collectionKey('docs').toString('hex'), '63646f6373')
  assert.is(userKey(1, Buffer.from('é')).toString('hex'), '6b00000001c3a9')
  assert.is(logKey(258).toString('hex'), '6c0000000000000102')
  assert.is(recordKey(2, 0xfffefdfc).toString('hex'), '7200000002fffefdfc')
  assert.is(META_KEY.toString('hex'), '6d')
})

test.run()
