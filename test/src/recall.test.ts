import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { distance } from '../model/distance.js'
import { type Collection, type CodecName, type Hit, VectorLevel } from '../../src/index.js'
import { linked, PLANE, rejects, SMALL, sound, withDirectory, withStore } from './store.js'
import { clusteredVectors, normalVectors } from './vectors.js'

const COUNT = 10_000
const DIMENSIONS = 24
const K = 10
/** Measured with these seeds: f32 1 and 0.9925, sq8 1 and 0.993. Less is a step back. */
const FLOORS: [ef: number, floor: number][] = [[64, 0.999], [16, 0.988]]
const CODECS: CodecName[] = ['f32', 'sq8']

const test = suite('recall')

/** How many of the results differ. */
function different(results: Hit<unknown>[][], others: Hit<unknown>[][]): number {
  return results.filter((hits, i) => JSON.stringify(hits) !== JSON.stringify(others[i])).length
}

test(`of ${COUNT} clustered vectors is above its floor for each codec, and the same after reopening`, async () => {
  const vectors = clusteredVectors(7, COUNT + 200, DIMENSIONS, 120)
  const queries = vectors.splice(COUNT)
  const nearest = queries.map(query => {
    const distances = Float64Array.from(vectors, vector => distance('l2', query, vector)).sort()
    return distances[K - 1]!
  })
  const recall = (results: Hit<unknown>[][]): number => {
    let found = 0
    for (const [i, hits] of results.entries()) found += hits.filter(hit => hit.distance <= nearest[i]! * (1 + 1e-5)).length
    return found / (queries.length * K)
  }
  await withDirectory(async directory => {
    const db = new VectorLevel(directory, { cacheSize: 64 * 2 ** 20, durability: 'relaxed' })
    try {
      const declare = (codec: CodecName): Collection => db.collection(codec, { dimensions: DIMENSIONS, metric: 'l2', codec })
      for (const codec of CODECS) await declare(codec).batch(vectors.map((vector, i) => ({ type: 'put', key: `k${i}`, vector, metadata: i })))
      await linked(db)
      const search = (codec: CodecName, ef: number): Promise<Hit<unknown>[][]> => declare(codec).searchMany(queries, { k: K, ef })
      for (const [ef, floor] of FLOORS) {
        const [f32, sq8] = [recall(await search('f32', ef)), recall(await search('sq8', ef))]
        assert.ok(f32 >= floor && sq8 >= floor, `recall of f32 ${f32}, of sq8 ${sq8} at ef ${ef}`)
        assert.ok(sq8 >= f32 - 0.005, `recall of sq8 ${sq8}, of f32 ${f32} at ef ${ef}`)
      }
      assert.is(recall(await declare('sq8').searchMany(queries, { k: K, exact: true })), 1)
      const before = [await search('f32', 64), await search('sq8', 64)]
      await db.close()
      await db.open()
      assert.is(different(await search('f32', 64), before[0]!) + different(await search('sq8', 64), before[1]!), 0, 'results that reopening changed')
      await sound(db)
    } finally {
      await db.close()
    }
  })
})

test('of the same operations is the same, for the same graph comes of them', async () => {
  const results: Hit<unknown>[][][] = []
  for (const [chunk, wait] of [[3000, false], [250, true], [1, false]] as const) {
    await withStore(async db => {
      const points = db.collection('points', { dimensions: 8, metric: 'l2', codec: 'f32', M: 4, efConstruction: 20 })
      const vectors = normalVectors(3, 3000, 8)
      const pending: Promise<void>[] = [points.put('first', vectors[0]!)]
      await pending[0]
      for (let from = 0; from < 3000; from += chunk) {
        pending.push(points.batch(vectors.slice(from, from + chunk).map((vector, i) => ({ type: 'put', key: `k${from + i}`, vector }))))
        if (wait) await pending.at(-1)
      }
      await Promise.all(pending)
      await linked(db)
      results.push(await points.searchMany(normalVectors(4, 50, 8), { ef: 10 }))
    }, { durability: 'relaxed' })
  }
  assert.is(different(results[1]!, results[0]!), 0, 'results of other batches')
  assert.is(different(results[2]!, results[0]!), 0, 'results of single puts')
})

test('measures itself as others measure it', async () => {
  await withStore(async db => {
    const points = db.collection('points', { dimensions: 16, metric: 'l2', codec: 'f32', M: 4, efConstruction: 20 })
    const vectors = normalVectors(8, 2500, 16)
    await points.batch(vectors.map((vector, i) => ({ type: 'put', key: `k${i}`, vector })))
    await linked(db)
    const poor = await points.measureRecall({ sample: 60, k: 10, ef: 11 })
    const good = await points.measureRecall({ sample: 60, k: 10, ef: 300 })
    assert.equal({ ...poor, recall: 0 }, { recall: 0, queries: 60, k: 10, ef: 11 })
    assert.ok(poor.recall < 0.85 && poor.recall > 0.2 && good.recall > 0.9, `${poor.recall} with ef 11, ${good.recall} with ef 300`)
    let found = 0
    for (let i = 0; i < 60; i++) {
      const exact = new Set((await points.searchByKey(`k${i * 41}`, { k: 10, exact: true }))!.map(hit => hit.key))
      found += (await points.searchByKey(`k${i * 41}`, { k: 10, ef: 11 }))!.filter(hit => exact.has(hit.key)).length
    }
    assert.ok(Math.abs(found / 600 - poor.recall) < 0.12, `${found / 600} here, ${poor.recall} there`)
    assert.equal(await points.measureRecall({ sample: 60, k: 10, ef: 11 }), poor)
  })
})

test('of nothing is 1, and measuring it can be aborted', async () => {
  await withStore(async db => {
    const points = db.collection('points', PLANE)
    assert.equal(await points.measureRecall(), { recall: 1, queries: 0, k: 10, ef: 64 })
    for (let i = 0; i < 20; i++) await points.put(`k${i}`, [i, i])
    assert.is((await points.measureRecall({ sample: 5 })).recall, 1)
    await rejects(points.measureRecall({ signal: AbortSignal.abort() }), 'VECTOR_ABORTED', 0, 100)
    const controller = new AbortController()
    const measuring = points.measureRecall({ sample: 1e9, signal: controller.signal })
    setTimeout(() => controller.abort(), 20)
    await rejects(measuring, 'VECTOR_ABORTED', 1e9)
  }, SMALL)
})

test.run()
