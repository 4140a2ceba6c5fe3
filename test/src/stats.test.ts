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
