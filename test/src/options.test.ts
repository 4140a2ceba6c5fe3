import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { type CollectionOptions, type SearchOptions, VectorLevel, type VectorLevelOptions } from '../../src/index.js'
import { keysOf, opened, PLANE, rejects, throws, withDirectory, withStore } from './store.js'

const FULL = { dimensions: 3, metric: 'dot', codec: 'pq', codeBytes: 1, store: 'full', M: 5, efConstruction: 50, seed: 7 } as const satisfies CollectionOptions
const OTHERS: [keyof CollectionOptions, unknown][] = [['dimensions', 4], ['metric', 'l2'], ['codec', 'pq8'], ['codeBytes', 2], ['store', 'codes'], ['M', 6], ['efConstruction', 51], ['seed', 8]]

const test = suite('options')

test('refuse what is misspelt, by its name', async () => {
  await withStore(async (db, location) => {
    throws(() => new VectorLevel(location, { cachesize: 1 } as VectorLevelOptions), TypeError, "'cachesize'", 'cacheSize')
    throws(() => new VectorLevel(location, { checkpoint: { operation: 1 } } as VectorLevelOptions), TypeError, "'operation'", 'operations')
    throws(() => db.collection('x', { ...PLANE, Metric: 'l2' } as CollectionOptions), TypeError, "'Metric'", 'metric')
    const points = db.collection('points', PLANE)
    await points.put('a', [1, 2])
    const wrong = { K: 3 } as SearchOptions
    await rejects(points.search([1, 2], wrong), TypeError, "'K'")
    await rejects(points.searchMany([[1, 2]], wrong), TypeError, "'K'")
    await rejects(points.searchByKey('a', wrong), TypeError, "'K'")
    throws(() => points.searchSync([1, 2], wrong), TypeError, "'K'")
    const range = { from: 'a' } as object
    for (const iterate of [points.keys(range), points.values(range), points.entries(range)]) await rejects(iterate.next(), TypeError, "'from'", 'gte')
    await rejects(points.clear(range), TypeError, "'from'")
    await rejects(points.measureRecall({ samples: 1 } as object), TypeError, "'samples'", 'sample')
    await rejects(points.batch([{ type: 'put', key: 'b', vector: [1, 2], meta: 1 } as never]), TypeError, "'meta'", 'metadata')
    assert.equal(await keysOf(points), ['a'])
  })
})

test('are objects', async () => {
  await withStore(async (db, location) => {
    for (const options of [null, 7, 'x', true]) {
      throws(() => new VectorLevel(location, options as never), TypeError)
      throws(() => db.collection('x', options as never), TypeError)
      await rejects(db.collection('points', PLANE).search([1, 2], options as never), TypeError)
    }
    throws(() => db.collection('x', undefined as never), TypeError)
    await rejects(db.collection('points', PLANE).batch('x' as never), TypeError)
    await rejects(db.collection('points', PLANE).batch([null as never]), TypeError)
    await rejects(db.collection('points', PLANE).batch([{ type: 'set', key: 'a' } as never]), TypeError, 'set')
  })
})

test('of a database are within their bounds', () => {
  const wrong: [object, typeof TypeError | typeof RangeError, ...(string | number)[]][] = [
    [{ cacheSize: 8 * 2 ** 20 - 1 }, RangeError, 'cacheSize', 8 * 2 ** 20, 8 * 2 ** 20 - 1],
    [{ cacheSize: 2 ** 32 }, RangeError, 'cacheSize', 2 ** 32],
    [{ cacheSize: 9e6 + 0.5 }, RangeError, 'cacheSize', 9e6 + 0.5],
    [{ cacheSize: '256mb' }, TypeError, 'cacheSize', '256mb'],
    [{ durability: 'none' }, TypeError, 'durability', 'strict', 'none'],
    [{ kernel: 'fast' }, TypeError, 'kernel', 'simd', 'fast'],
    [{ checkpoint: { operations: 0 } }, RangeError, 'checkpoint.operations', 1, 0],
    [{ checkpoint: { operations: 1.5 } }, RangeError, 'checkpoint.operations', 1.5],
    [{ checkpoint: { seconds: 0 } }, RangeError, 'checkpoint.seconds', 0],
    [{ checkpoint: { seconds: NaN } }, RangeError, 'checkpoint.seconds', NaN],
    [{ checkpoint: { seconds: '30' } }, TypeError, 'checkpoint.seconds', '30'],
    [{ checkpoint: 7 }, TypeError]
  ]
  for (const [options, kind, ...parts] of wrong) throws(() => new VectorLevel('nowhere', options), kind, ...parts)
})

test('of a collection are within their bounds', async () => {
  await withStore(async db => {
    const wrong: [object, typeof TypeError | typeof RangeError, ...(string | number)[]][] = [
      [{}, TypeError, 'dimensions'],
      [{ dimensions: 0 }, RangeError, 'dimensions', 1, 16_000, 0],
      [{ dimensions: 1e6 }, RangeError, 'dimensions', 16_000, 1e6],
      [{ dimensions: -3 }, RangeError, 'dimensions', -3],
      [{ dimensions: 2.5 }, RangeError, 'dimensions', 2.5],
      [{ dimensions: NaN }, RangeError, 'dimensions', NaN],
      [{ dimensions: '3' }, TypeError, 'dimensions', '3'],
      [{ ...PLANE, metric: 'euclidean' }, TypeError, 'metric', 'l2', 'euclidean'],
      [{ ...PLANE, codec: 'pq9' }, TypeError, 'codec', 'sq8', 'pq9'],
      [{ ...PLANE, codec: 'sq8', codeBytes: 4 }, TypeError, 'codeBytes', 'sq8'],
      [{ ...PLANE, codec: 'pq', codeBytes: 2 }, RangeError, 'codeBytes', 1, 2],
      [{ ...PLANE, codec: 'pq8', codeBytes: 3 }, RangeError, 'codeBytes', 1, 2, 3],
      [{ ...PLANE, codeBytes: 0 }, RangeError, 'codeBytes', 0],
      [{ ...PLANE, store: 'none' }, TypeError, 'store', 'full', 'codes', 'none'],
      [{ ...PLANE, store: 'codes', codec: 'f32' }, TypeError, 'store', 'codes', 'f32', 'vectors themselves'],
      [{ ...PLANE, M: 1 }, RangeError, 'M', 2, 64, 1],
      [{ ...PLANE, M: 65 }, RangeError, 'M', 65],
      [{ ...PLANE, efConstruction: 3 }, RangeError, 'efConstruction', 4, 3],
      [{ ...PLANE, efConstruction: 5000 }, RangeError, 'efConstruction', 5000],
      [{ ...PLANE, seed: -1 }, RangeError, 'seed', -1],
      [{ ...PLANE, seed: 2 ** 32 }, RangeError, 'seed', 2 ** 32]
    ]
    for (const [options, kind, ...parts] of wrong) throws(() => db.collection('wrong', options as CollectionOptions), kind, ...parts)
    assert.equal(await db.collections(), [])
  })
})

test('of a search are within their bounds', async () => {
  await withStore(async db => {
    const points = db.collection('points', PLANE)
    await points.put('a', [1, 2])
    const wrong: [object, typeof TypeError | typeof RangeError, ...(string | number)[]][] = [
      [{ k: 0 }, RangeError, 'k', 1, 0],
      [{ k: -1 }, RangeError, 'k', -1],
      [{ k: 1.5 }, RangeError, 'k', 1.5],
      [{ k: NaN }, RangeError, 'k', NaN],
      [{ k: Infinity }, RangeError, 'k', Infinity],
      [{ k: '3' }, TypeError, 'k', '3'],
      [{ ef: 0 }, RangeError, 'ef', 1, 0],
      [{ oversample: 0.5 }, RangeError, 'oversample', 1, 0.5],
      [{ oversample: NaN }, RangeError, 'oversample', NaN],
      [{ oversample: 'all' }, TypeError, 'oversample', 'all'],
      [{ recallTarget: 1.01 }, RangeError, 'recallTarget', 0.5, 1, 1.01],
      [{ recallTarget: '1' }, TypeError, 'recallTarget'],
      [{ ef: 2 ** 21 }, RangeError, 'ef', 2 ** 20, 2 ** 21],
      [{ maxDistance: NaN }, TypeError, 'maxDistance', NaN],
      [{ maxDistance: '1' }, TypeError, 'maxDistance', '1'],
      [{ exact: 1 }, TypeError, 'exact', 1],
      [{ metadata: 'no' }, TypeError, 'metadata', 'no']
    ]
    for (const [options, kind, ...parts] of wrong) {
      await rejects(points.search([1, 2], options), kind, ...parts)
      await rejects(points.searchByKey('a', options), kind, ...parts)
      throws(() => points.searchSync([1, 2], options), kind, ...parts)
    }
  })
})

test('of a range are within their bounds', async () => {
  await withStore(async db => {
    const points = db.collection('points', PLANE)
    await points.put('a', [1, 2])
    await rejects(points.keys({ limit: 1.5 }).next(), RangeError, 'limit', 1.5)
    await rejects(points.keys({ limit: NaN }).next(), RangeError, 'limit', NaN)
    await rejects(points.keys({ gte: 7 as never }).next(), 'VECTOR_INVALID_KEY', 'number')
    await rejects(points.clear({ lt: null as never }), 'VECTOR_INVALID_KEY')
    assert.equal(await keysOf(points), ['a'])
  })
})

test('give as many as there are when k is more', async () => {
  await withStore(async db => {
    const points = db.collection('points', PLANE)
    for (let i = 0; i < 5; i++) await points.put(`k${i}`, [i, 0])
    for (const k of [5, 6, 1000, 2 ** 31]) assert.equal((await points.search([0, 0], { k })).map(hit => hit.key), ['k0', 'k1', 'k2', 'k3', 'k4'])
    assert.is((await points.searchByKey('k2', { k: 100 }))!.length, 4)
  })
})

test('that are left out have the defaults that are told', async () => {
  await withStore(async db => {
    const points = db.collection('points', { dimensions: 2 })
    for (let i = 1; i <= 20; i++) await points.put(`k${i}`, [i, 1])
    const { metric, codec, store, dimensions } = await points.stats()
    assert.equal({ metric, codec, store, dimensions }, { metric: 'cosine', codec: 'sq8', store: 'full', dimensions: 2 })
    assert.is((await points.search([1, 1])).length, 10)
    assert.is((await points.search([1, 1], { maxDistance: 3 })).length, 20)
    await db.close()
    // Told apart from every other value by the check on opening again.
    throws(() => db.collection('points', { dimensions: 2, M: 17 }), 'VECTOR_OPTIONS_MISMATCH', 16, 17)
    await db.open()
    db.collection('points', { dimensions: 2, metric: 'cosine', codec: 'sq8', store: 'full', M: 16, efConstruction: 200, seed: 1 })
  })
})

for (const [option, value] of OTHERS) {
  test(`are compared with the stored ones: ${option}`, async () => {
    await withStore(async (db, location) => {
      const points = db.collection('points', FULL)
      await points.put('a', [1, 2, 3], 'kept')
      throws(() => db.collection('points', { ...FULL, [option]: value }), 'VECTOR_OPTIONS_MISMATCH', option, FULL[option], String(value))
      await db.close()
      await opened(location, async again => {
        await again.open()
        throws(() => again.collection('points', { ...FULL, [option]: value }), 'VECTOR_OPTIONS_MISMATCH', option, FULL[option], String(value))
        assert.equal(await again.collection('points', FULL).get('a'), { vector: Float32Array.of(1, 2, 3), metadata: 'kept' })
        assert.equal(await again.collection('points', { dimensions: 3 }).search([1, 2, 3]), [{ key: 'a', distance: -14, metadata: 'kept' }])
      })
    })
  })

  test(`are compared with an earlier declaration: ${option}`, async () => {
    await withStore(async db => {
      const points = db.collection('points', FULL)
      throws(() => db.collection('points', { ...FULL, [option]: value }), 'VECTOR_OPTIONS_MISMATCH', option, FULL[option], String(value))
      assert.is(db.collection('points', { ...FULL }), points)
    })
  })
}

test('of one opening may differ from those of the next where they say nothing of what is stored', async () => {
  await withDirectory(async directory => {
    const variants: VectorLevelOptions[] = [
      { durability: 'relaxed' }, { durability: 'strict', cacheSize: 16 * 2 ** 20 }, { kernel: 'simd' }, { checkpoint: { operations: 1, seconds: 0.01 } }
    ]
    for (const [i, options] of variants.entries()) {
      await opened(directory, async db => {
        const points = db.collection('points', PLANE)
        await points.put(`k${i}`, [i, 0])
        assert.is((await points.search([i, 0], { k: 1 }))[0]!.key, `k${i}`)
        assert.is((await points.stats()).count, i + 1)
      }, options)
    }
  })
})

test.run()
