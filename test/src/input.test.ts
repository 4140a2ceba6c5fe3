import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { BatchOperation, Collection, Vector } from '../../src/index.js'
import { check } from '../seed.js'
import { keysOf, opened, PLANE, rejects, throws, withStore } from './store.js'

const test = suite('input')

const WRONG_KEYS: [string, unknown, ...(string | number)[]][] = [
  ['a number', 7, 'number'],
  ['null', null, 'null'],
  ['undefined', undefined, 'undefined'],
  ['an object', {}, 'object'],
  ['bytes', Buffer.from('a'), 'object'],
  ['empty', '', 1, 'empty'],
  ['1,025 bytes', 'x'.repeat(1025), 1024, 1025],
  ['1,026 bytes of 513 characters', 'é'.repeat(513), 1024, 1026],
  ['the first half of a surrogate pair', 'a\ud83d', 'surrogate'],
  ['the second half of a surrogate pair', '\ude00a', 'surrogate']
]

for (const [name, key, ...parts] of WRONG_KEYS) {
  test(`refuses a key that is ${name}`, async () => {
    await withStore(async db => {
      const points = db.collection('points', PLANE)
      await points.put('a', [1, 2])
      const wrong = key as string
      const code = 'VECTOR_INVALID_KEY'
      await rejects(points.put(wrong, [1, 2]), code, ...parts)
      await rejects(points.del(wrong), code, ...parts)
      await rejects(points.batch([{ type: 'put', key: 'b', vector: [1, 2] }, { type: 'del', key: wrong }]), code, ...parts)
      await rejects(points.get(wrong), code, ...parts)
      await rejects(points.getMany(['a', wrong]), code, ...parts)
      await rejects(points.has(wrong), code, ...parts)
      await rejects(points.searchByKey(wrong), code, ...parts)
      assert.equal(await keysOf(points), ['a'])
    })
  })
}

test('takes every key of 1 to 1,024 bytes of UTF-8', async () => {
  await withStore(async (db, location) => {
    const points = db.collection('points', PLANE)
    const keys = ['x'.repeat(1024), 'é'.repeat(512), '\u{1f600}'.repeat(256), '\ufffd', '\u0000', ' ', '\uffff', 'ａ', '__proto__', '\ud83d\ude00']
    for (const [i, key] of keys.entries()) await points.put(key, [i, 0], key)
    await db.close()
    await opened(location, async again => {
      const stored = again.collection('points', PLANE)
      for (const [i, key] of keys.entries()) {
        assert.equal(await stored.get(key), { vector: Float32Array.of(keys.lastIndexOf(key), 0), metadata: key })
        if (keys.lastIndexOf(key) === i) assert.equal(await stored.search([i, 0], { k: 1 }), [{ key, distance: 0, metadata: key }])
      }
      assert.is((await stored.stats()).count, new Set(keys).size)
    })
  })
})

test('takes any well-formed key', async () => {
  await withStore(async db => {
    const points = db.collection('points', PLANE)
    await check(fc.asyncProperty(fc.string({ unit: 'binary', minLength: 1, maxLength: 100 }), fc.nat(), async (key, n) => {
      await points.put(key, [n, 0], n)
      assert.equal(await points.get(key), { vector: Float32Array.of(n, 0), metadata: n })
      for await (const found of points.keys({ gte: key, lte: key })) assert.is(found, key)
      assert.ok(await points.has(key))
    }), { numRuns: 100 })
  })
})

const hole: number[] = [1, 2]
hole[3] = 4
const WRONG_VECTORS: [string, unknown, ...(string | number)[]][] = [
  ['NaN within', [1, NaN, 3, 4], 1, NaN],
  ['Infinity within', [1, 2, Infinity, 4], 2, Infinity],
  ['-Infinity within', Float32Array.of(-Infinity, 2, 3, 4), 0, -Infinity],
  ['a number that no 32-bit float holds', [1, 2, 3, 1e39], 3, 1e39],
  ['too few dimensions', [1, 2, 3], 3, 4],
  ['too many dimensions', new Float32Array(5), 5, 4],
  ['no dimensions', [], 0, 4],
  ['a hole', hole, 2],
  ['undefined within', [1, undefined, 3, 4], 1],
  ['more length than can be measured', [1e19, 1, 1, 1], 8.5e37],
  ['64-bit floats', Float64Array.of(1, 2, 3, 4), 'Float64Array'],
  ['bytes', Buffer.from([1, 2, 3, 4]), 'Uint8Array'],
  ['a string', '1234', 'String'],
  ['an object with a length', { length: 4, 0: 1, 1: 2, 2: 3, 3: 4 }, 'Object'],
  ['null', null, 'Null'],
  ['undefined', undefined, 'Undefined']
]

for (const [name, vector, ...parts] of WRONG_VECTORS) {
  test(`refuses a vector with or of ${name}`, async () => {
    await withStore(async db => {
      const points = db.collection('points', { dimensions: 4, metric: 'l2' })
      await points.put('a', [1, 2, 3, 4])
      await refusesVector(points, vector as Vector, ...parts)
      assert.equal(await keysOf(points), ['a'])
      assert.equal((await points.get('a'))!.vector, Float32Array.of(1, 2, 3, 4))
    })
  })
}

async function refusesVector(points: Collection, vector: Vector, ...parts: (string | number)[]): Promise<void> {
  const code = 'VECTOR_INVALID_VECTOR'
  const good: Vector = [4, 3, 2, 1]
  await rejects(points.put('a', vector), code, ...parts)
  await rejects(points.batch([{ type: 'put', key: 'b', vector: good }, { type: 'put', key: 'c', vector }]), code, ...parts)
  await rejects(points.search(vector), code, ...parts)
  await rejects(points.searchMany([good, vector]), code, ...parts)
  await points.has('a')
  throws(() => points.searchSync(vector), code, ...parts)
}

test('refuses a vector of zeros where directions are compared, and only there', async () => {
  await withStore(async db => {
    const directions = db.collection('directions', { dimensions: 4, metric: 'cosine' })
    await directions.put('a', [1, 2, 3, 4])
    await refusesVector(directions, [0, 0, 0, 0], 4, 'cosine')
    await refusesVector(directions, Float32Array.of(0, -0, 0, 0), 4, 'cosine')
    for (const metric of ['l2', 'dot'] as const) {
      const points = db.collection(metric, { dimensions: 4, metric })
      await points.put('zero', [0, 0, 0, -0])
      assert.is((await points.search([0, 0, 0, 0]))[0]!.key, 'zero')
    }
  })
})

test('compares directions of vectors of any length', async () => {
  await withStore(async db => {
    const directions = db.collection('directions', { dimensions: 2, metric: 'cosine', codec: 'f32' })
    for (const scale of [1e-40, 1e-20, 1, 1e18]) await directions.put(`${scale}`, [3 * scale, 4 * scale])
    for (const scale of [1e-40, 1e-20, 1, 1e18]) {
      const hits = await directions.search([-4 * scale, 3 * scale])
      assert.is(hits.length, 4)
      for (const { distance } of hits) assert.ok(Math.abs(distance - 1) < 1e-4, `${distance}`)
    }
  })
})

test('takes nothing of a batch of which one operation is wrong', async () => {
  await withStore(async db => {
    const points = db.collection('points', PLANE)
    await points.put('a', [1, 2], 'kept')
    const good: BatchOperation<unknown>[] = [{ type: 'put', key: 'a', vector: [3, 4] }, { type: 'del', key: 'a' }, { type: 'put', key: 'b', vector: [5, 6] }]
    await rejects(points.batch([...good, { type: 'put', key: 'c', vector: [1] }]), 'VECTOR_INVALID_VECTOR', 1, 2)
    await rejects(points.batch([...good, { type: 'del', key: '' }]), 'VECTOR_INVALID_KEY')
    await rejects(points.batch([...good, { type: 'put', key: 'c', vector: [1, 2], metadata: Symbol('no') }]), TypeError, 'msgpack')
    assert.equal(await points.get('a'), { vector: Float32Array.of(1, 2), metadata: 'kept' })
    assert.equal(await keysOf(points), ['a'])
    assert.is((await db.stats()).sequence, 1)
  })
})

test('copies vectors before it returns, so that they stay the caller\'s', async () => {
  await withStore(async db => {
    const points = db.collection('points', PLANE)
    await points.put('far', [100, 100])
    const vector = Float32Array.of(1, 2)
    const put = points.put('a', vector)
    vector.fill(50)
    await put
    assert.equal((await points.get('a'))!.vector, Float32Array.of(1, 2))
    for (const query of [[1, 2], Float32Array.of(1, 2)]) {
      const search = points.search(query, { k: 1 })
      query.fill(100)
      assert.is((await search)[0]!.key, 'a')
    }
    const record = (await points.get('a'))!
    record.vector.fill(7)
    assert.equal((await points.get('a'))!.vector, Float32Array.of(1, 2))
  })
})

test('gives vectors back bit for bit', async () => {
  await withStore(async db => {
    const float = fc.oneof(fc.float({ noNaN: true, noDefaultInfinity: true, min: -(2 ** 59), max: 2 ** 59 }), fc.constantFrom(-0, 0, 1, 255, 2 ** -149))
    for (const dimensions of [1, 7, 64]) {
      const points = db.collection(`${dimensions}`, { dimensions, metric: 'l2' })
      await check(fc.asyncProperty(fc.array(float, { minLength: dimensions, maxLength: dimensions }), async vector => {
        await points.put('a', vector)
        const stored = (await points.get('a'))!.vector
        assert.equal([...new Uint32Array(stored.buffer, stored.byteOffset, dimensions)], [...new Uint32Array(Float32Array.from(vector).buffer)])
      }), { numRuns: 50 })
    }
  })
})

const METADATA: [string, unknown][] = [
  ['undefined', undefined],
  ['null', null],
  ['booleans', [true, false]],
  ['numbers', [0, 1, -1, 127, 128, -129, 65536, 2 ** 31, -(2 ** 33), 2 ** 53, 1.5, 1e300, 5e-324, NaN, Infinity, -Infinity]],
  ['a small bigint', 5n],
  ['bigints of 64 bits', [2n ** 63n - 1n, -(2n ** 63n), 2n ** 63n, 2n ** 64n - 1n]],
  ['large bigints', [2n ** 200n, -(2n ** 99n)]],
  ['dates', [new Date(0), new Date(1_700_000_000_123), new Date(-1), new Date(8.64e15)]],
  ['an empty string', ''],
  ['a string of 56 bytes', 'x'.repeat(56)],
  ['a string of 100 KB', 'long '.repeat(20_000)],
  ['a string beyond the basic plane', '\u{1f600}\u{10ffff}'],
  ['an empty object', {}],
  ['an empty array', []],
  ['nested', { a: [1, { b: [[], { c: null }] }], 'ключ': { 1: 'one' } }],
  ['undefined within', { a: undefined, b: [undefined] }],
  ['5 MB', { text: 'y'.repeat(5e6) }]
]

for (const [name, metadata] of METADATA) {
  test(`keeps metadata: ${name}`, async () => {
    await withStore(async db => {
      const points = db.collection('points', PLANE)
      await points.put('key', [1, 2], metadata)
      await points.batch([{ type: 'put', key: 'of a batch', vector: [3, 4], metadata }])
      const expected = async (): Promise<void> => {
        const record = { vector: Float32Array.of(1, 2), metadata }
        const stored = db.collection('points', PLANE)
        assert.equal(await stored.get('key'), record)
        assert.equal((await stored.get('of a batch'))!.metadata, metadata)
        assert.equal((await stored.search([1, 2], { k: 1 }))[0], { key: 'key', distance: 0, metadata })
        assert.equal(stored.searchSync([1, 2], { k: 1, metadata: false })[0], { key: 'key', distance: 0, metadata: undefined })
        for await (const value of stored.values({ lte: 'key' })) assert.equal(value, record)
      }
      await expected()
      await db.close()
      await db.open()
      await expected()
    })
  })
}

test('keeps metadata: bytes', async () => {
  await withStore(async db => {
    const points = db.collection<Uint8Array | { bytes: Uint8Array }>('points', PLANE)
    for (const bytes of [Uint8Array.of(0, 255, 7), Buffer.from('text'), new Uint8Array(70_000).fill(3), Uint8Array.of(1, 2, 3, 4).subarray(1, 3)]) {
      await points.put('a', [1, 2], bytes)
      await points.put('b', [100, 0], { bytes })
      const [a, b] = await points.getMany(['a', 'b'])
      const [nearest] = await points.search([1, 2], { k: 1 })
      for (const found of [a!.metadata, nearest!.metadata, (b!.metadata as { bytes: Uint8Array }).bytes]) {
        assert.ok(found instanceof Uint8Array)
        assert.equal(Buffer.from(found), Buffer.from(bytes))
      }
    }
  })
})

test('keeps metadata: whatever JSON can say', async () => {
  await withStore(async db => {
    const points = db.collection('points', PLANE)
    const json = fc.jsonValue().map(value => JSON.stringify(value)).filter(text => !text.includes('__proto__') && !text.includes('-0'))
    await check(fc.asyncProperty(json, async text => {
      await points.put('a', [1, 2], JSON.parse(text))
      assert.equal((await points.get('a'))!.metadata, JSON.parse(text))
      assert.equal((await points.search([1, 2]))[0]!.metadata, JSON.parse(text))
    }), { numRuns: 50 })
  })
})

test('refuses metadata that msgpack cannot say', async () => {
  await withStore(async db => {
    const points = db.collection('points', PLANE)
    const circle: { self?: unknown } = {}
    circle.self = circle
    for (const metadata of [Symbol('a'), { deep: [Symbol('b')] }, circle]) await rejects(points.put('a', [1, 2], metadata), TypeError, 'msgpack')
    assert.equal(await keysOf(points), [])
  })
})

test.run()
