import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { CodecName, Explanation } from '../../src/index.js'
import { linked, opened, PLANE, SMALL, withStore } from './store.js'
import { normalVectors } from './vectors.js'

const test = suite('explain')

function checkSum({ waiting, graph, rerank, scan, records, total }: Explanation): void {
  for (const time of [waiting, graph, rerank, scan, records]) assert.ok(time >= 0)
  assert.ok(Math.abs(waiting + graph + rerank + scan + records - total) < 1e-3 + total * 1e-9)
}

for (const kernel of ['auto', 'reference'] as const) {
  for (const codec of ['sq8', 'f32', 'pq'] as CodecName[]) {
    test(`a search by ${codec} says what it took, on a worker and on the calling thread (${kernel})`, async () => {
      await withStore(async db => {
        const points = db.collection('points', { dimensions: 16, codec, efConstruction: 20, M: 8 })
        const vectors = normalVectors(1, 4200, 16)
        await points.batch(vectors.slice(0, 4100).map((vector, i) => ({ type: 'put', key: `k${i}`, vector })))
        await linked(db)
        const here = points.searchSync(vectors[4150]!, { ef: 50, explain: true })
        const there = await points.search(vectors[4150]!, { ef: 50, explain: true })
        assert.equal(here, there)
        const { by, width, distances, hops, reranked, blockAccesses, blocksRead, graph } = here.explanation!
        assert.is(by, 'caller')
        assert.is(there.explanation!.by, 'worker')
        assert.ok(width >= 50 && hops >= 50 && distances > hops && blockAccesses > distances && graph > 0)
        assert.is(reranked > 0, codec !== 'f32')
        assert.is(blocksRead, 0)
        for (const count of ['distances', 'hops', 'reranked', 'width', 'widened', 'blockAccesses'] as const) assert.is(there.explanation![count], here.explanation![count], count)
        checkSum(here.explanation!)
        checkSum(there.explanation!)
        assert.is(points.searchSync(vectors[0]!).explanation, undefined)
        const exact = points.searchSync(vectors[0]!, { exact: true, explain: true }).explanation!
        assert.ok(exact.scan > 0 && exact.graph === 0 && exact.width === 0)
        assert.ok(exact.distances + exact.reranked >= 4100)
      }, { kernel, workers: 1 })
    })
  }
}

test('a search in a store that was just opened says how many blocks it had to read, and the next that it had none to read', async () => {
  await withStore(async (db, location) => {
    const points = db.collection('points', { dimensions: 16, efConstruction: 20, M: 8 })
    const vectors = normalVectors(1, 3000, 16)
    await points.batch(vectors.map((vector, i) => ({ type: 'put', key: `k${i}`, vector })))
    await linked(db)
    await db.close()
    await opened(location, async again => {
      const same = again.collection('points', { dimensions: 16 })
      await again.open()
      const before = again.cacheStats().misses
      const { blocksRead } = same.searchSync(vectors[7]!, { explain: true }).explanation!
      assert.ok(blocksRead > 10)
      assert.is(again.cacheStats().misses - before, blocksRead)
      assert.is(same.searchSync(vectors[7]!, { explain: true }).explanation!.blocksRead, 0)
      assert.is(again.cacheStats().misses - before, blocksRead)
    })
  })
})

test('a search that is widened, for all within a distance or for removed ones, adds up what it took', async () => {
  await withStore(async db => {
    const points = db.collection('points', { dimensions: 4, metric: 'l2', codec: 'f32', efConstruction: 20, M: 4 })
    const vectors = normalVectors(1, 3000, 4)
    await points.batch(vectors.map((vector, i) => ({ type: 'put', key: `k${i}`, vector })))
    await linked(db)
    const one = points.searchSync(vectors[0]!, { k: 64, explain: true }).explanation!
    const all = points.searchSync(vectors[0]!, { maxDistance: 3, explain: true })
    assert.ok(all.length > 64)
    assert.ok(all.explanation!.hops > one.hops && all.explanation!.width > one.width)
    checkSum(all.explanation!)
  })
})

test('what is not linked yet is scanned, and where nothing is stored nothing is explained', async () => {
  await withStore(async db => {
    await db.open()
    const points = db.collection('points', PLANE)
    assert.is(points.searchSync([1, 2], { explain: true }).explanation, undefined)
    await points.put('one', [1, 2])
    const { scan, total } = (await points.search([1, 2], { explain: true })).explanation!
    assert.ok(scan > 0 && total >= scan)
    assert.throws(() => points.searchSync([1, 2], { explain: 1 as unknown as boolean }), /explain is true or false/)
  }, SMALL)
})

test.run()
