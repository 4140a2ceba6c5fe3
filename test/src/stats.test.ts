import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { BATCH } from '../../index/kernel/layout.js'
import { linked, opened, PLANE, SMALL, withStore } from './store.js'
import { normalVectors } from './vectors.js'

const test = suite('stats')

test('count records, operations, and what is not linked', async () => {
  await withStore(async (db, location) => {
    const points = db.collection('points', { dimensions: 4, metric: 'dot', codec: 'f32', M: 4 })
    const empty = await points.stats()
    assert.equal({ count: empty.count, tombstones: empty.tombstones, unlinked: empty.unlinked, levels: empty.levels }, { count: 0, tombstones: 0, unlinked: 0, levels: 0 })
    const vectors = normalVectors(1, 300, 4)
    await points.batch(vectors.map((vector, i) => ({ type: 'put', key: `k${i}`, vector })))
    await points.batch(vectors.slice(0, 20).map((vector, i) => ({ type: 'put', key: `k${i}`, vector })))
    await points.batch(vectors.slice(0, 30).map((_, i) => ({ type: 'del', key: `k${i}` })))
    await linked(db)
    // The last removals wait for more to come.
    const expected = {
      name: 'points', count: 270, dimensions: 4, metric: 'dot', codec: 'f32', nextCodec: undefined, store: 'full', trained: true, drift: 0, recoding: undefined, unlinked: 0, tombstones: 3,
      pending: 0, unreachable: 0
    }
    const { levels, bytesPerVector, probeRecall, ...stats } = await points.stats()
    assert.ok(probeRecall! > 0.9)
    assert.equal(stats, expected)
    assert.ok(levels >= 1)
    assert.equal(bytesPerVector, { code: 16, neighbors: 25 })
    const all = await db.stats()
    assert.is(all.sequence, 350)
    assert.is(all.cacheSize, SMALL.cacheSize)
    assert.ok(all.cache.dirty > 0 && all.cache.resident >= all.cache.dirty)
    await db.checkpoint()
    const after = await db.stats()
    assert.is(after.watermark, 350)
    assert.is(after.cache.dirty, 0)
    assert.ok(after.bytes.index > 0 && after.bytes.free >= 0)
    await db.close()
    await opened(location, async again => {
      const { levels: _, bytesPerVector: __, probeRecall: ___, ...reopened } = await again.collection('points', { dimensions: 4 }).stats()
      assert.equal(reopened, expected)
      assert.ok((await again.stats()).bytes.records > 270 * 16)
    })
  })
})

test('say of each kind of blocks what became of it in the cache, and of all bytes what they are for', async () => {
  await withStore(async (db, location) => {
    const points = db.collection('points', { dimensions: 32, efConstruction: 20, M: 8 })
    const vectors = normalVectors(1, 3000, 32)
    await points.batch(vectors.map((vector, i) => ({ type: 'put', key: `k${i}`, vector })))
    await linked(db)
    await db.checkpoint()
    await db.close()
    await opened(location, async again => {
      await again.open()
      const same = again.collection('points', { dimensions: 32 })
      const counts = ['hits', 'misses', 'evictions', 'resident', 'dirty', 'residentBytes', 'dirtyBytes'] as const
      const start = again.cacheStats()
      for (const vector of vectors.slice(0, 200)) same.searchSync(vector)
      const first = again.cacheStats()
      await same.searchMany(vectors.slice(0, 200))
      const then = again.cacheStats()
      for (const cache of [start, first, then]) {
        assert.is(cache.limit, SMALL.cacheSize)
        assert.is(Object.values(cache.bytes).reduce((a, b) => a + b, 0), cache.limit)
        for (const [part, bytes] of Object.entries(cache.bytes)) assert.ok(bytes >= 0, part)
        for (const count of counts) assert.is(Object.values(cache.kinds).reduce((sum, use) => sum + use[count], 0), cache[count], count)
        assert.is(cache.bytes.blocks, cache.residentBytes - cache.kinds.records.residentBytes)
        assert.ok(cache.bytes.records >= cache.kinds.records.residentBytes)
      }
      for (const kind of ['codes', 'neighbors', 'upperLevels', 'records'] as const) {
        const [before, after, last] = [start.kinds[kind], first.kinds[kind], then.kinds[kind]]
        assert.ok(after.misses > before.misses && after.hits > before.hits && after.resident > before.resident, kind)
        // All is in memory by now, and what workers find there counts as well.
        assert.is(last.misses, after.misses, kind)
        if (kind === 'records') assert.ok(last.hits > after.hits)
        else assert.is(last.hits - after.hits, after.hits + after.misses - before.hits - before.misses, kind)
        assert.ok(last.hitRatio! > after.hitRatio! && last.hitRatio! <= 1, kind)
      }
      assert.ok(first.bytes.tables > 0 && first.bytes.scratch > 0 && first.bytes.codebooks > 0)
    })
  }, { workers: 1 })
})

test('a cache that has had nothing to do has no hit ratio', async () => {
  await withStore(async db => {
    assert.throws(() => db.cacheStats(), (error: { code: string }) => error.code === 'VECTOR_DATABASE_NOT_OPEN')
    await db.open()
    assert.is(db.cacheStats().hitRatio, undefined)
    assert.is((await db.stats()).cache.kinds.codes.hitRatio, undefined)
  })
})

test('a cache that is crowded by changes says so', async () => {
  await withStore(async db => {
    const crowded: { dirtyBytes: number, cacheSize: number }[] = []
    db.on('cacheCrowded', event => crowded.push(event))
    const points = db.collection('points', { dimensions: 600, metric: 'l2', codec: 'f32', M: 4, efConstruction: 8 })
    await points.put('k', normalVectors(1, 1, 600)[0]!)
    assert.equal(crowded, [])
    await points.batch(normalVectors(2, 3000, 600).map((vector, i) => ({ type: 'put', key: `k${i}`, vector })))
    assert.ok(crowded.length > 0)
    for (const { dirtyBytes, cacheSize } of crowded) assert.ok(cacheSize === SMALL.cacheSize && dirtyBytes > cacheSize / 8 && dirtyBytes <= cacheSize)
  }, { durability: 'relaxed' })
})

test('say when there was enough to train codes on', async () => {
  await withStore(async db => {
    const points = db.collection('points', { dimensions: 8, codec: 'sq8', efConstruction: 20 })
    const vectors = normalVectors(1, 2000, 8)
    await points.batch(vectors.slice(1).map((vector, i) => ({ type: 'put', key: `k${i}`, vector })))
    assert.is((await points.stats()).trained, false)
    assert.is((await points.stats()).unlinked, 1999)
    await points.put('last', vectors[0]!)
    assert.is((await points.stats()).trained, true)
    assert.equal((await points.stats()).bytesPerVector.code, 12)
    await linked(db)
    assert.ok((await points.stats()).unlinked < BATCH)
  })
})

test('list the collections', async () => {
  await withStore(async db => {
    await db.collection('a', PLANE).put('x', [1, 2])
    await db.collection('b', { dimensions: 3 }).put('x', [1, 2, 3])
    db.collection('c', PLANE)
    assert.equal((await db.stats()).collections.map(({ name, dimensions, count }) => [name, dimensions, count]), [['a', 2, 1], ['b', 3, 1]])
  })
})

test.run()
