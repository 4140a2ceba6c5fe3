import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { distance } from '../model/distance.js'
import type { CodecName, Collection, Hit, Metric } from '../../src/index.js'
import { runScript } from './child.js'
import { linked, opened, sound, throws, withDirectory, withStore } from './store.js'
import { normalVectors } from './vectors.js'

const test = suite('what others fail at')

for (const metric of ['l2', 'cosine', 'dot'] as const satisfies Metric[]) {
  for (const codec of ['f32', 'sq8'] as const satisfies CodecName[]) {
    test(`a search is the same before and after reopening: keys, distances, options, ${metric}, ${codec}`, async () => {
      await withStore(async (db, location) => {
        const options = { dimensions: 10, metric, codec, M: 6, efConstruction: 40, seed: 3 }
        const points = db.collection('points', options)
        await points.batch(normalVectors(1, 2200, 10).map((vector, i) => ({ type: 'put', key: `k${i}`, vector, metadata: { i } })))
        await points.batch(normalVectors(2, 300, 10).map((vector, i) => ({ type: 'put', key: `k${i * 3}`, vector })))
        await linked(db)
        const queries = normalVectors(3, 30, 10)
        const before = await points.searchMany(queries, { ef: 20 })
        // A probe is as old as the one before it allows.
        const { probeRecall: _, ...stats } = await points.stats()
        for (let round = 0; round < 2; round++) {
          await db.close()
          await opened(location, async reopened => {
            const stored = reopened.collection('points', options)
            assert.is(differences(await stored.searchMany(queries, { ef: 20 }), before), 0)
            const { probeRecall: __, ...again } = await stored.stats()
            assert.equal(again, stats)
          })
        }
      })
    })
  }
}

function differences(results: Hit<unknown>[][], others: Hit<unknown>[][]): number {
  return results.filter((hits, i) => JSON.stringify(hits) !== JSON.stringify(others[i])).length
}

test('another shape on reopening is an error, and changes nothing', async () => {
  await withStore(async (db, location) => {
    await db.collection('points', { dimensions: 3, metric: 'l2', codec: 'f32' }).put('a', [1, 2, 3])
    await db.close()
    await opened(location, async again => {
      await again.open()
      for (const options of [{ dimensions: 4 }, { dimensions: 3, metric: 'cosine' as const }, { dimensions: 3, codec: 'sq8' as const }]) {
        throws(() => again.collection('points', options), 'VECTOR_OPTIONS_MISMATCH')
      }
      const { dimensions, metric, codec } = await again.collection('points', { dimensions: 3 }).stats()
      assert.equal({ dimensions, metric, codec }, { dimensions: 3, metric: 'l2', codec: 'f32' })
    })
  })
})

test('a key that is put 20 times is one record, and one result', async () => {
  await withStore(async db => {
    for (const codec of ['f32', 'sq8'] as const) {
      const points = db.collection(codec, { dimensions: 6, metric: 'l2', codec })
      const vectors = normalVectors(1, 2320, 6)
      await points.batch(vectors.slice(20).map((vector, i) => ({ type: 'put', key: `k${i}`, vector })))
      await linked(db)
      for (const vector of vectors.slice(0, 20)) await points.put('same', vector)
      const expectOne = (): void => {
        for (const options of [{ k: 2000 }, { k: 3000 }, { k: 3000, exact: true }, { k: 10 }]) {
          const hits = points.searchSync(vectors[19]!, options)
          assert.is(hits.filter(({ key }) => key === 'same').length, 1)
          assert.equal(hits[0], { key: 'same', distance: 0, metadata: undefined })
        }
        for (const vector of vectors.slice(0, 19)) assert.ok(points.searchSync(vector, { k: 1 })[0]!.distance > 0, 'an earlier vector is found')
      }
      expectOne()
      assert.is((await points.stats()).count, 2301)
      await linked(db)
      expectOne()
    }
  })
})

for (const codec of ['f32', 'sq8'] as const) {
  test(`k results come whenever k records live, while more and more are deleted, ${codec}`, async () => {
    await withStore(async db => {
      const points = db.collection('points', { dimensions: 8, metric: 'l2', codec, M: 5, efConstruction: 30 })
      const vectors = normalVectors(1, 2400, 8)
      const live = new Set(vectors.keys())
      await points.batch(vectors.map((vector, i) => ({ type: 'put', key: `k${i}`, vector })))
      await linked(db)
      const queries = normalVectors(2, 10, 8)
      // Half of them, then nine of ten that are left, then all but three, one, none.
      for (const keep of [(i: number) => i % 2 === 0, (i: number) => i % 20 === 0, (i: number) => i < 60, (i: number) => i === 40, () => false]) {
        const gone = [...live].filter(i => !keep(i))
        for (const i of gone) live.delete(i)
        await points.batch(gone.map(i => ({ type: 'del', key: `k${i}` })))
        for (const query of queries) {
          for (const k of [1, 10, 100, 2000]) {
            const hits = points.searchSync(query, { k })
            assert.is(hits.length, Math.min(k, live.size))
            assert.ok(hits.every(({ key }) => live.has(Number(key.slice(1)))), 'a deleted key is found')
            assert.is(new Set(hits.map(({ key }) => key)).size, hits.length)
          }
        }
        await sound(db)
      }
      await points.put('k40', vectors[40]!)
      await points.batch(vectors.slice(0, 5).map((vector, i) => ({ type: 'put', key: `k${i}`, vector })))
      await linked(db)
      for (const i of [0, 1, 2, 3, 4, 40]) assert.is(points.searchSync(vectors[i]!, { k: 1 })[0]!.key, `k${i}`)
      assert.is(points.searchSync(queries[0]!, { k: 10 }).length, 6)
    })
  })

  test(`whichever record is deleted, the entry point too, the others are found, ${codec}`, async () => {
    await withStore(async (db, location) => {
      const points = db.collection('points', { dimensions: 4, metric: 'l2', codec, M: 4, efConstruction: 20 })
      const vectors = normalVectors(1, 2100, 4)
      await points.batch(vectors.map((vector, i) => ({ type: 'put', key: `k${i}`, vector })))
      await linked(db)
      // Deleted one after the other, from those that came first, each is the entry point at its time or not.
      for (let i = 0; i < 2100; i += 50) {
        await points.batch(vectors.slice(i, i + 50).map((_, j) => ({ type: 'del', key: `k${i + j}` })))
        for (let j = i + 50; j < 2100; j += 271) assert.is(points.searchSync(vectors[j]!, { k: 1 })[0]!.key, `k${j}`)
      }
      assert.equal(points.searchSync(vectors[0]!), [])
      await db.close()
      await opened(location, async again => {
        const stored = again.collection('points', { dimensions: 4, metric: 'l2' })
        assert.equal(await stored.search(vectors[0]!), [])
        await stored.batch(vectors.slice(0, 300).map((vector, i) => ({ type: 'put', key: `k${i}`, vector })))
        await linked(again)
        for (let i = 0; i < 300; i += 7) assert.is(stored.searchSync(vectors[i]!, { k: 1 })[0]!.key, `k${i}`)
      })
    })
  })
}

test('a key that is deleted and put again, many times, is there once and at its last place', async () => {
  await withStore(async db => {
    const points = db.collection('points', { dimensions: 4, metric: 'l2', codec: 'f32' })
    const vectors = normalVectors(1, 700, 4)
    await points.batch(vectors.slice(0, 600).map((vector, i) => ({ type: 'put', key: `k${i}`, vector })))
    for (const [i, vector] of vectors.slice(600).entries()) {
      await points.del('k7')
      assert.not(points.searchSync(vector, { k: 700 }).some(({ key }) => key === 'k7'))
      await points.put('k7', vector, i)
      assert.equal(points.searchSync(vector, { k: 1 }), [{ key: 'k7', distance: 0, metadata: i }])
    }
    assert.is((await points.stats()).count, 600)
  })
})

test('a quantised search really searches the codes: it goes other ways than one that sees the vectors, and measures by them', async () => {
  await withStore(async db => {
    const collection = (codec: CodecName): Collection => db.collection(codec, { dimensions: 6, metric: 'l2', codec, M: 4, efConstruction: 20 })
    // Two that lie far out make the steps of the codes wide.
    const vectors = [new Float32Array(6).fill(200), new Float32Array(6).fill(-200), ...normalVectors(1, 2998, 6)]
    for (const codec of ['f32', 'sq8'] as const) {
      await collection(codec).batch(vectors.map((vector, i) => ({ type: 'put', key: `k${i}`, vector })))
    }
    await linked(db)
    const queries = normalVectors(2, 100, 6)
    const [f32, sq8] = await Promise.all((['f32', 'sq8'] as const).map(codec => collection(codec).searchMany(queries, { k: 10, ef: 10 })))
    assert.ok(differences(sq8!, f32!) > 10, `${differences(sq8!, f32!)} of 100 results differ`)
    for (const [i, hits] of sq8!.entries()) {
      for (const { key, distance: found } of hits) {
        const exact = distance('l2', queries[i]!, vectors[Number(key.slice(1))]!)
        assert.ok(Math.abs(found - exact) < 1e-4, `${found}, not ${exact}`)
      }
    }
    assert.is((await collection('sq8').stats()).bytesPerVector.code, 10)
    assert.is((await collection('f32').stats()).bytesPerVector.code, 32)
  })
})

test('memory stays under the limit that was set, with an index of several times its size', async () => {
  await withDirectory(async directory => {
    const { output } = await runScript('memory-child.js', [directory])
    const { grown, index, resident, cacheSize, evictions, wrong, findings } =
      JSON.parse(output) as Record<'grown' | 'index' | 'resident' | 'cacheSize' | 'evictions' | 'wrong' | 'findings', number>
    assert.ok(index > 2 * 8 * 2 ** 20, `${index} bytes of index`)
    assert.ok(evictions > 1000, `${evictions} evictions`)
    assert.ok(resident > 0 && resident <= 8 * 2 ** 20, `${resident} bytes resident`)
    assert.is(wrong, 0, 'wrong answers')
    assert.is(findings, 0, 'findings')
    // What LevelDB buffers, the heap, and compiled code come on top: about 76 MiB.
    assert.ok(grown < cacheSize + 140 * 2 ** 20, `grown by ${grown} bytes`)
  })
})

test('a process that looks at all of a store holds as much of it as its cache may, and no more', async () => {
  await withStore(async (db, location) => {
    const points = db.collection('points', { dimensions: 1000, metric: 'l2', codec: 'f32', M: 4, efConstruction: 8 })
    for (let from = 0; from < 16_000; from += 1000) {
      await points.batch(normalVectors(from + 1, 1000, 1000).map((vector, i) => ({ type: 'put', key: `k${from + i}`, vector })))
    }
    await linked(db)
    await db.close()
    const looked = async (cacheSize: number): Promise<{ grown: number, evictions: number, residentBytes: number, keys: string[][] }> =>
      JSON.parse((await runScript('held-child.js', [location, String(cacheSize)])).output) as Awaited<ReturnType<typeof looked>>
    const [small, large] = [await looked(8 * 2 ** 20), await looked(256 * 2 ** 20)]
    assert.equal(small.keys, large.keys)
    assert.is(large.evictions, 0)
    assert.ok(small.evictions > 10_000 && small.residentBytes <= 8 * 2 ** 20)
    // 64 MB of vectors stay in the one; of all else the two hold the same.
    assert.ok(large.residentBytes > 64e6)
    assert.ok(small.grown < 8 * 2 ** 20 + 48 * 2 ** 20, `grown by ${small.grown} bytes`)
    assert.ok(large.grown - small.grown > 32e6, `grown by ${small.grown} and ${large.grown} bytes`)
  }, { cacheSize: 256 * 2 ** 20, durability: 'relaxed' })
})

test.run()
