import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import fc from 'fast-check'
import type { CodecName, Metric } from '../../codecs/codec.js'
import { vectorByteLength } from '../../codecs/f32.js'
import { loadKernel } from '../../index/kernel.js'
import { type Label, type ReadRecord, RecordRows } from '../../index/record-rows.js'
import { Arena, SLAB_BYTES } from '../../storage/arena.js'
import { BlockCache } from '../../storage/block-cache.js'
import { check } from '../seed.js'

const test = suite('RecordRows')

interface Record extends Label {
  vector: Float32Array
  coded?: boolean
}

/** What codes stand for, where records have no vectors. */
const DECODED = 7

/** Rows over records in an array. */
function open(records: Record[], dimensions: number, codec: CodecName, metric: Metric): { rows: RecordRows, cache: BlockCache, reads: () => number } {
  let count = 0
  const arena = new Arena(2 ** 21)
  const cache = new BlockCache(arena)
  const kernel = loadKernel('simd', arena.memory, { fault: (space, block) => cache.fault(space, block), loadRecords: () => undefined })
  const read = (ordinal: number, to: number): ReadRecord => {
    count++
    const record = records[ordinal]
    if (!record.coded) arena.u32.set(new Uint32Array(record.vector.buffer), to / 4)
    return record
  }
  const rows = new RecordRows(arena, cache, kernel, { records: { read }, decode: () => new Float32Array(dimensions).fill(DECODED) }, dimensions, codec === 'sq8' ? vectorByteLength(dimensions) : 0, metric)
  rows.space.reserve(records.length)
  return { rows, cache, reads: () => count }
}

const keys = fc.string({ unit: 'binary', minLength: 1, maxLength: 70 }).filter(key => Buffer.from(key).toString() === key)
const recordsOf = (dimensions: number): fc.Arbitrary<Record[]> => fc.array(fc.record({
  vector: fc.float32Array({ minLength: dimensions, maxLength: dimensions, noNaN: true, noDefaultInfinity: true, min: -1e6, max: 1e6 }),
  key: keys.map(key => Buffer.from(key)),
  metadata: fc.uint8Array({ maxLength: 70 })
}, { noNullPrototype: true }), { minLength: 1, maxLength: 12 })
const cases = fc.integer({ min: 1, max: 9 }).chain(dimensions => fc.record({
  dimensions: fc.constant(dimensions),
  records: recordsOf(dimensions),
  codec: fc.constantFrom<CodecName[]>('f32', 'sq8'),
  filled: fc.boolean()
}))

test('key and metadata come back, short or long, whether they were filled in or are read', async () => {
  await check(fc.property(cases, ({ dimensions, records, codec, filled }) => {
    const { rows, reads } = open(records, dimensions, codec, 'l2')
    if (filled) for (const [ordinal, record] of records.entries()) rows.fill(ordinal, record.vector, record)
    for (const [ordinal, { key, metadata }] of records.entries()) {
      const label = rows.label(ordinal)
      assert.is(label.key, Buffer.from(key).toString())
      assert.equal([...label.metadata], [...metadata])
      const before = reads()
      rows.label(ordinal)
      assert.is(reads() - before, key.length + metadata.length <= 56 ? 0 : 1, 'short ones are kept, long ones are read again')
    }
  }), { numRuns: 200 })
})

test('the vector comes back as it is compared: as it was, or of length 1 for cosine', async () => {
  await check(fc.property(cases, ({ dimensions, records, filled }) => {
    for (const metric of ['l2', 'dot', 'cosine'] as const) {
      const { rows } = open(records, dimensions, 'sq8', metric)
      if (filled) for (const [ordinal, record] of records.entries()) rows.fill(ordinal, record.vector, record)
      for (const [ordinal, { vector }] of records.entries()) {
        const length = metric === 'cosine' ? Math.hypot(...vector) : 1
        const stored = rows.vector(ordinal)
        assert.is(stored.length, dimensions)
        for (const [i, value] of stored.entries()) {
          const expected = length ? vector[i] / length : 0
          assert.ok(Math.abs(value - expected) <= 1e-6 * Math.abs(expected) + 2 ** -149, `${metric}: ${value}, not ${expected}`)
        }
      }
    }
  }))
})

test('where codes are exact the row has no vector: asking for it is refused, or answered with the right one', () => {
  const records = Array.from({ length: 200 }, (_, i) => ({ vector: Float32Array.of(i, -i, 2 * i, 1), key: Buffer.from(`${i}`), metadata: new Uint8Array(0) }))
  const { rows } = open(records, 4, 'f32', 'l2')
  for (const [ordinal, { vector }] of records.entries()) {
    let answer: Float32Array
    try {
      answer = rows.vector(ordinal)
    } catch {
      continue
    }
    assert.equal(answer, vector, `ordinal ${ordinal}`)
  }
})

test('the metadata is a copy', () => {
  const { rows } = open([{ vector: Float32Array.of(1), key: Buffer.from('k'), metadata: Uint8Array.of(1, 2, 3) }], 1, 'sq8', 'l2')
  rows.label(0).metadata[0] = 9
  assert.equal([...rows.label(0).metadata], [1, 2, 3])
})

test('a label that is held is the one that results have, until it is released', () => {
  for (const codec of ['f32', 'sq8'] as const) {
    for (const [old, next] of [['short', 'other'], ['short', 'x'.repeat(90)], ['x'.repeat(90), 'short'], ['x'.repeat(90), 'y'.repeat(90)]] as const) {
      const key = Buffer.from('key')
      const records = [0, 1].map(n => ({ vector: Float32Array.of(n), key, metadata: Buffer.from(`${old}${n}`) }))
      const { rows } = open(records, 1, codec, 'l2')
      const labels = (): string[] => records.map((_, n) => Buffer.from(rows.label(n).metadata).toString())
      assert.equal(labels(), [`${old}0`, `${old}1`])
      rows.hold(0, records[0]!)
      records[0] = { vector: Float32Array.of(0), key, metadata: Buffer.from(next) }
      assert.equal(labels(), [`${old}0`, `${old}1`])
      rows.load(0)
      assert.equal(labels(), [`${old}0`, `${old}1`])
      rows.release(0)
      assert.equal(labels(), [next, `${old}1`])
    }
  }
})

test('what is not in memory, or has no room there yet, is released without being read', () => {
  const { rows, reads } = open([{ vector: Float32Array.of(1), key: Buffer.from('key'), metadata: new Uint8Array(0) }], 1, 'f32', 'l2')
  for (const ordinal of [0, 1, 5000, 16_000_000]) rows.release(ordinal)
  assert.is(reads(), 0)
  assert.is(rows.space.kept, 0)
})

test('a record without a vector has the one that its code stands for', () => {
  const label = { key: Buffer.from('a'), metadata: new Uint8Array(0) }
  const { rows } = open([{ ...label, vector: Float32Array.of(1, 2), coded: true }, { ...label, vector: Float32Array.of(3, 4) }], 2, 'sq8', 'l2')
  for (const [ordinal, vector] of [[DECODED, DECODED], [3, 4]].entries()) {
    assert.equal([...rows.vector(ordinal)], vector)
    assert.equal([...rows.given(ordinal)], vector)
    assert.equal(rows.label(ordinal).key, 'a')
  }
  assert.is(rows.stored(0), undefined)
  assert.equal([...rows.stored(1)!], [3, 4])
})

test('rows that are asked for together are kept together, where blocks can make room', () => {
  const dimensions = 16_000
  const count = 16
  const arena = new Arena(100 * SLAB_BYTES)
  const cache = new BlockCache(arena)
  const kernel = loadKernel('simd', arena.memory, { fault: (space, block) => cache.fault(space, block), loadRecords: () => undefined })
  let reads = 0
  const records = { read: () => {
    reads++
    return { key: Buffer.from('key'), metadata: new Uint8Array(0) }
  } }
  const rows = new RecordRows(arena, cache, kernel, { records, decode: () => new Float32Array(dimensions) }, dimensions, vectorByteLength(dimensions), 'l2')
  const blocks = cache.createSpace({ rowBytes: 4000, load: () => undefined })
  blocks.reserve(3000)
  for (let block = 0; block < 3000; block++) cache.fault(blocks.id, block)
  const list = arena.allocate(count * 4)
  for (let round = 0; round < 4; round++) {
    for (let i = 0; i < count; i++) arena.u32[list / 4 + i] = round * count + i
    reads = 0
    rows.loadAll(list, count)
    for (let i = 0; i < count; i++) assert.ok(cache.kept(rows.space, round * count + i), `row ${i} of ${count}`)
    assert.ok(reads <= 2 * count, `${reads} reads for ${count} rows`)
  }
})

test('what is read counts as a miss, and what is written does not', () => {
  const records = Array.from({ length: 20 }, (_, i) => ({ vector: Float32Array.of(i), key: Buffer.from(`${i}`), metadata: new Uint8Array(0) }))
  const { rows, cache } = open(records, 1, 'sq8', 'l2')
  for (const [ordinal, record] of records.slice(0, 15).entries()) rows.fill(ordinal, record.vector, record)
  assert.is(cache.counts().misses, 0)
  for (const ordinal of records.keys()) rows.label(ordinal)
  const { hits, misses, resident } = cache.counts()
  assert.equal({ hits, misses, resident }, { hits: 15, misses: 5, resident: 20 })
})

test.run()
