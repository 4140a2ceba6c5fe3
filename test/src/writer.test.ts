import { setImmediate as nextTurn } from 'node:timers/promises'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { Random } from '../../floor/random.js'
import { asked, inTime, keysOf, linked, opened, PLANE, withStore } from './store.js'
import { normalVector, normalVectors } from './vectors.js'

const test = suite('writer')

for (const durability of ['strict', 'relaxed'] as const) {
  test(`lets the last of 200 puts of one key win that nobody waited for between them, ${durability}`, async () => {
    await withStore(async (db, location) => {
      const points = db.collection('points', PLANE)
      await points.put('other', [-1000, 0])
      await Promise.all(Array.from({ length: 200 }, (_, i) => points.put('a', [i, 0], i)))
      const last = { vector: Float32Array.of(199, 0), metadata: 199 }
      assert.equal(await points.get('a'), last)
      assert.equal(await points.search([0, 0], { k: 5 }), [{ key: 'a', distance: 199 ** 2, metadata: 199 }, { key: 'other', distance: 1e6, metadata: undefined }])
      assert.is((await points.stats()).count, 2)
      await db.close()
      await opened(location, async again => assert.equal(await again.collection('points', PLANE).get('a'), last))
    }, { durability })
  })
}

test('applies puts, deletions and batches in the order of the calls, whatever is waited for', async () => {
  await withStore(async db => {
    const points = db.collection('points', PLANE)
    await points.put('other', [-1000, 0])
    const random = new Random(1)
    const expected = new Map<string, number>([['other', -1000]])
    const pending: Promise<void>[] = []
    for (let i = 0; i < 1500; i++) {
      const key = `k${random.below(20)}`
      const kind = random.below(10)
      if (kind < 5) {
        pending.push(asked(points.put(key, [i, 0])))
        expected.set(key, i)
      } else if (kind < 8) {
        pending.push(asked(points.del(key)))
        expected.delete(key)
      } else {
        const second = `k${random.below(20)}`
        pending.push(asked(points.batch([{ type: 'put', key, vector: [i, 0] }, { type: 'del', key: second }, { type: 'put', key: second, vector: [i, 1] }])))
        expected.set(key, i).set(second, i)
      }
      if (kind === 9) await nextTurn()
    }
    await Promise.all(pending)
    const found = new Map<string, number>()
    for await (const [key, { vector }] of points.entries()) found.set(key, vector[0]!)
    assert.equal([...found].sort(), [...expected].sort())
    assert.equal(new Map(points.searchSync([0, 0], { k: 100 }).map(({ key, distance }) => [key, Math.floor(Math.sqrt(distance))])).size, expected.size)
  })
})

for (const codec of ['f32', 'sq8'] as const) {
  test(`lets a search find what was put at once, also before it is linked, ${codec}`, async () => {
    await withStore(async db => {
      const points = db.collection('points', { dimensions: 8, metric: 'l2', codec })
      const vectors = normalVectors(1, 3000, 8)
      const random = new Random(2)
      let unlinked = 0
      let bulk: Promise<void>[] = []
      for (let from = 0; from < vectors.length; from += 250) {
        bulk = [...bulk, asked(points.batch(vectors.slice(from, from + 250).map((vector, i) => ({ type: 'put', key: `bulk ${from + i}`, vector }))))]
        for (let i = 0; i < 5; i++) {
          const [key, vector] = [`single ${from + i}`, normalVector(random, 8)]
          await points.put(key, vector, from)
          assert.equal(points.searchSync(vector, { k: 1 }), [{ key, distance: 0, metadata: from }])
          const stats = await points.stats()
          if (stats.trained && stats.unlinked) unlinked++
          await points.del(key)
          assert.not.equal(points.searchSync(vector, { k: 1 })[0]?.key, key)
        }
      }
      await Promise.all(bulk)
      assert.ok(unlinked > 0, 'no search came while linking was under way')
      for (let i = 0; i < 3000; i += 100) assert.is(points.searchSync(vectors[i]!, { k: 1, ef: 200 })[0]!.key, `bulk ${i}`)
    })
  })
}

test('lets searches see a batch whole or not at all', async () => {
  await withStore(async db => {
    const points = db.collection<number>('points', { dimensions: 16, metric: 'l2', codec: 'f32', efConstruction: 10, M: 4 })
    const count = 1500
    await db.open()
    const written = async (): Promise<void> => {
      for (let version = 0; version < 6; version++) {
        await points.batch(normalVectors(version, count, 16).map((vector, i) => ({ type: 'put', key: `k${i}`, vector, metadata: version })))
      }
    }
    const query = new Float32Array(16)
    const versions = new Set<number>()
    let searches = 0
    let done = false
    const writing = asked(written().finally(() => {
      done = true
    }))
    while (!done) {
      const hits = points.searchSync(query, { k: 2 * count, exact: true })
      if (hits.length) {
        assert.is(hits.length, count)
        assert.is(new Set(hits.map(hit => hit.metadata)).size, 1, 'versions seen together')
        versions.add(hits[0]!.metadata)
      }
      searches++
      await nextTurn()
    }
    await writing
    assert.ok(versions.size > 1 && searches > versions.size, `${searches} searches saw ${versions.size} versions`)
  })
})

test('lets reads see a batch whole or not at all', async () => {
  await withStore(async db => {
    const points = db.collection<number>('points', PLANE)
    let done = false
    const writing = asked((async () => {
      for (let version = 0; version < 150; version++) {
        await points.batch(['a', 'b', 'c'].map(key => ({ type: 'put', key, vector: [version, 0], metadata: version })))
      }
      done = true
    })())
    const versions = new Set<number>()
    while (!done) {
      const seen: number[] = []
      for await (const [, { metadata, vector }] of points.entries()) seen.push(metadata, vector[0]!)
      assert.is(new Set(seen).size <= 1, true, `versions ${seen}`)
      assert.ok(seen.length === 0 || seen.length === 6, `${seen.length / 2} of 3 keys`)
      if (seen.length) versions.add(seen[0]!)
    }
    await writing
    assert.ok(versions.size > 1)
  })
})

test('takes writes and searches of several collections at once', async () => {
  await withStore(async db => {
    const collections = Array.from({ length: 5 }, (_, i) => db.collection<number>(`c${i}`, { dimensions: i + 1, metric: 'l2', codec: i % 2 ? 'f32' : 'sq8' }))
    await Promise.all(collections.map(async (collection, c) => {
      for (let i = 0; i < 60; i++) {
        const vector = new Float32Array(c + 1).fill(i)
        await collection.put(`k${i % 40}`, vector, i)
        assert.equal((await collection.search(vector, { k: 1 }))[0], { key: `k${i % 40}`, distance: 0, metadata: i })
      }
    }))
    for (const collection of collections) {
      assert.is((await keysOf(collection)).length, 40)
      assert.equal((await collection.get('k0'))!.metadata, 40)
    }
  })
})

test('takes a batch of more than is committed together', async () => {
  await withStore(async (db, location) => {
    const points = db.collection('points', { dimensions: 2, metric: 'l2', codec: 'f32', M: 4, efConstruction: 10 })
    await points.batch(Array.from({ length: 6000 }, (_, i) => ({ type: 'put', key: `k${i}`, vector: [i, 1] })))
    assert.is((await points.stats()).count, 6000)
    assert.is(points.searchSync([4321, 1], { k: 1 })[0]!.key, 'k4321')
    await db.close()
    await opened(location, async again => assert.is((await again.collection('points', { dimensions: 2 }).stats()).count, 6000))
  })
})

for (const workers of [0, 1]) {
  test(`a single write is linked though no other follows, workers: ${workers}`, async () => {
    await withStore(async db => {
      const points = db.collection('points', { dimensions: 8, codec: 'f32', efConstruction: 20 })
      await points.batch(normalVectors(1, 1000, 8).map((vector, i) => ({ type: 'put', key: `k${i}`, vector })))
      await inTime(linked(db))
    }, { workers })
  })
}

test('goes on when many collections have a little that waits for being linked', async () => {
  await withStore(async db => {
    // Fifteen of each are not linked, of 4 KiB each: more than may wait where it is linked soon.
    for (let i = 0; i < 75; i++) {
      const points = db.collection(`points ${i}`, { dimensions: 1024, metric: 'l2', codec: 'f32', M: 4, efConstruction: 8 })
      await inTime(points.batch(normalVectors(i, 31, 1024).map((vector, at) => ({ type: 'put', key: `k${at}`, vector }))))
    }
    const unlinked = (await db.stats()).collections.reduce((sum, collection) => sum + collection.unlinked, 0)
    assert.ok(unlinked > 1100, `${unlinked} are not linked`)
  }, { cacheSize: 64 * 2 ** 20 })
})

test.run()
