import { once } from 'node:events'
import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { ModelCollection, order } from '../model/model.js'
import type { Collection, CollectionOptions, RangeOptions } from '../../src/index.js'
import { check } from '../seed.js'
import { keysOf, opened, PLANE, rejects, withStore } from './store.js'
import { normalVectors } from './vectors.js'

const test = suite('Collection')

async function filled(collection: Collection, count: number): Promise<string[]> {
  const keys = Array.from({ length: count }, (_, i) => `k${i}`)
  await collection.batch(keys.map((key, i) => ({ type: 'put', key, vector: [i, 0], metadata: i })))
  return keys.sort(order)
}

test('has what was put, and nothing else', async () => {
  await withStore(async db => {
    const points = db.collection('points', PLANE)
    await points.put('a', [1, 2], { name: 'A' })
    assert.equal(await points.get('a'), { vector: Float32Array.of(1, 2), metadata: { name: 'A' } })
    assert.is(await points.get('b'), undefined)
    assert.is(await points.has('a'), true)
    assert.is(await points.has('b'), false)
    const one = { vector: Float32Array.of(1, 2), metadata: { name: 'A' } }
    assert.equal(await points.getMany(['b', 'a', 'c', 'a']), [undefined, one, undefined, one])
    assert.equal(await points.getMany([]), [])
  })
})

test('replaces vector and metadata when a key is put again', async () => {
  await withStore(async db => {
    const points = db.collection('points', PLANE)
    await points.put('a', [1, 2], 'first')
    await points.put('a', [3, 4])
    assert.equal(await points.get('a'), { vector: Float32Array.of(3, 4), metadata: undefined })
    assert.equal(await points.search([1, 2]), [{ key: 'a', distance: 8, metadata: undefined }])
  })
})

test('forgets what was deleted, and takes it again', async () => {
  await withStore(async db => {
    const points = db.collection('points', PLANE)
    await points.put('a', [1, 2])
    await points.put('b', [5, 5])
    await points.del('a')
    await points.del('a')
    await points.del('never there')
    assert.is(await points.get('a'), undefined)
    assert.is(await points.has('a'), false)
    assert.equal((await points.search([1, 2])).map(hit => hit.key), ['b'])
    await points.put('a', [1, 3])
    assert.equal((await points.search([1, 2])).map(hit => hit.key), ['a', 'b'])
    assert.is((await points.stats()).count, 2)
  })
})

test('takes the last of several operations of a batch on one key', async () => {
  await withStore(async db => {
    const points = db.collection('points', PLANE)
    await points.put('c', [9, 9])
    await points.batch([
      { type: 'put', key: 'a', vector: [1, 1] }, { type: 'put', key: 'a', vector: [2, 2] }, { type: 'put', key: 'b', vector: [1, 1] },
      { type: 'del', key: 'b' }, { type: 'del', key: 'c' }, { type: 'put', key: 'c', vector: [3, 3] }, { type: 'del', key: 'd' }
    ])
    assert.equal(await points.search([0, 0]), [{ key: 'a', distance: 8, metadata: undefined }, { key: 'c', distance: 18, metadata: undefined }])
    assert.equal(await keysOf(points), ['a', 'c'])
  })
})

test('iterates over any range as a sorted list would', async () => {
  await withStore(async db => {
    const points = db.collection('points', PLANE)
    const model = new ModelCollection('l2')
    const key = fc.oneof(
      fc.string({ unit: fc.constantFrom('a', 'b', '\u0000', '\u007f', 'é', '\uffff', '\u{10000}', '\u{10ffff}'), minLength: 1, maxLength: 3 }),
      fc.string({ unit: 'binary', minLength: 1, maxLength: 4 })
    )
    const bounds = (open: 'gt' | 'lt', closed: 'gte' | 'lte'): fc.Arbitrary<RangeOptions> =>
      fc.oneof(fc.constant({}), key.map(key => ({ [open]: key })), key.map(key => ({ [closed]: key })))
    const range = fc.tuple(bounds('gt', 'gte'), bounds('lt', 'lte'), fc.record({ reverse: fc.boolean(), limit: fc.integer({ min: -1, max: 12 }) }, { requiredKeys: [] }))
      .map((parts): RangeOptions => Object.assign({}, ...parts))
    let n = 0
    await check(fc.asyncProperty(fc.array(key, { maxLength: 6 }), range, async (keys, range) => {
      for (const side of [points, model]) await side.batch(keys.map((key, i) => ({ type: 'put', key, vector: [n + i, 0], metadata: n })))
      n++
      const entries: unknown[] = []
      const values: unknown[] = []
      const found: string[] = []
      for await (const key of points.keys(range)) found.push(key)
      for await (const entry of points.entries(range)) entries.push(entry)
      for await (const value of points.values(range)) values.push(value)
      const expected = model.keysOf(range)
      assert.equal(found, expected)
      assert.equal(entries, expected.map(key => [key, model.records.get(key)]))
      assert.equal(values, expected.map(key => model.records.get(key)))
    }), { numRuns: 100 })
  })
})

test('iterates over more than is read at a time', async () => {
  await withStore(async db => {
    const points = db.collection('points', PLANE)
    const keys = await filled(points, 2345)
    assert.equal(await keysOf(points), keys)
    const entries: [string, unknown][] = []
    for await (const [key, { vector, metadata }] of points.entries({ reverse: true })) entries.push([key, [vector[0], metadata]])
    assert.equal(entries, keys.reverse().map(key => [key, [Number(key.slice(1)), Number(key.slice(1))]]))
  })
})

test('iterates over what was there at the beginning', async () => {
  await withStore(async db => {
    const points = db.collection('points', PLANE)
    const keys = await filled(points, 1500)
    const seen: [string, unknown][] = []
    for await (const [key, { vector, metadata }] of points.entries()) {
      if (seen.length === 0) {
        await points.batch(keys.map((key, i) => i % 2 ? { type: 'del', key } : { type: 'put', key, vector: [-1, -1], metadata: 'new' }))
        await points.put('k5000', [0, 0])
        await db.checkpoint()
      }
      seen.push([key, [vector[0], metadata]])
    }
    assert.equal(seen, keys.map(key => [key, [Number(key.slice(1)), Number(key.slice(1))]]))
    assert.is((await keysOf(points)).length, 751)
  })
})

test('closes while iterations are left half way', async () => {
  await withStore(async (db, location) => {
    const points = db.collection('points', PLANE)
    const keys = await filled(points, 3000)
    for await (const key of points.keys()) {
      assert.is(key, keys[0])
      break
    }
    for await (const [key] of points.entries({ gt: keys[0]! })) {
      assert.is(key, keys[1])
      break
    }
    const abandoned = points.values()
    await abandoned.next()
    await db.close()
    await opened(location, async again => assert.is((await again.collection('points', PLANE).stats()).count, 3000))
  })
})

test('ends an iteration with an error when the database is closed meanwhile', async () => {
  await withStore(async db => {
    const points = db.collection('points', PLANE)
    await filled(points, 3000)
    const iteration = async (): Promise<void> => {
      for await (const key of points.keys()) if (key === 'k0') await db.close()
    }
    await rejects(iteration(), 'VECTOR_DATABASE_NOT_OPEN', 'closed')
  })
})

test('clears a range, or all', async () => {
  await withStore(async db => {
    const points = db.collection('points', PLANE)
    const keys = await filled(points, 4500)
    await points.clear({ gte: 'k2', lt: 'k3' })
    assert.equal(await keysOf(points), keys.filter(key => !key.startsWith('k2')))
    await points.clear({ limit: 3, reverse: true })
    assert.is((await keysOf(points)).at(-1), 'k996')
    await points.clear()
    assert.equal(await keysOf(points), [])
    assert.equal(await points.search([1, 1]), [])
    await points.put('k1', [1, 1])
    assert.equal(await keysOf(points), ['k1'])
  })
})

const VECTORS: [string, number[]][] = [['e', [1, 0]], ['n', [0, 1]], ['w', [-1, 0]], ['ne', [3, 3]]]
const DISTANCES: [CollectionOptions['metric'], [string, number][]][] = [
  ['l2', [['e', 1], ['ne', 10], ['n', 5], ['w', 9]].sort((a, b) => Number(a[1]) - Number(b[1])) as [string, number][]],
  ['cosine', [['e', 0], ['ne', 1 - Math.SQRT1_2], ['n', 1], ['w', 2]]],
  ['dot', [['ne', -6], ['e', -2], ['n', 0], ['w', 2]]]
]

for (const [metric, distances] of DISTANCES) {
  for (const codec of ['f32', 'sq8'] as const) {
    test(`measures ${metric} by its definition, ${codec}`, async () => {
      await withStore(async db => {
        const points = db.collection('points', { dimensions: 2, metric: metric!, codec })
        await points.batch(VECTORS.map(([key, vector]) => ({ type: 'put', key, vector })))
        const hits = await points.search([2, 0])
        assert.equal(hits.map(hit => hit.key), distances.map(([key]) => key))
        for (const [i, [, distance]] of distances.entries()) assert.ok(Math.abs(hits[i]!.distance - distance) < 1e-6, `${hits[i]!.key} ${hits[i]!.distance}`)
      })
    })
  }
}

test('finds what is within a distance, and on it', async () => {
  await withStore(async db => {
    const points = db.collection('points', PLANE)
    await filled(points, 300)
    const within = async (options: object): Promise<string[]> => (await points.search([0, 0], options)).map(hit => hit.key)
    assert.equal(await within({ maxDistance: 4 }), ['k0', 'k1', 'k2'])
    assert.equal(await within({ maxDistance: 3.99 }), ['k0', 'k1'])
    assert.equal(await within({ maxDistance: 4, k: 2 }), ['k0', 'k1'])
    assert.equal(await within({ maxDistance: 4, exact: true }), ['k0', 'k1', 'k2'])
    assert.equal(await within({ maxDistance: -1 }), [])
    assert.is((await within({ maxDistance: Infinity })).length, 300)
    assert.is((await within({ maxDistance: 250 ** 2 })).length, 251)
    assert.equal((await points.searchByKey('k1', { maxDistance: 1 }))!.map(hit => hit.key).sort(), ['k0', 'k2'])
  })
})

test('finds the records nearest to that of a key, without itself', async () => {
  await withStore(async db => {
    const points = db.collection('points', PLANE)
    await filled(points, 10)
    await points.put('twin', [3, 0], 'same place')
    assert.equal((await points.searchByKey('k3', { k: 1 })), [{ key: 'twin', distance: 0, metadata: 'same place' }])
    assert.is((await points.searchByKey('k3', { k: 10 }))!.length, 10)
    assert.is(await points.searchByKey('none'), undefined)
  })
})

test('searches for many vectors in their order', async () => {
  await withStore(async db => {
    const points = db.collection('points', PLANE)
    await filled(points, 100)
    const results = await points.searchMany([[50, 0], Float32Array.of(7, 0), [99, 0]], { k: 1 })
    assert.equal(results, [50, 7, 99].map(i => [{ key: `k${i}`, distance: 0, metadata: i }]))
    assert.equal(await points.searchMany([]), [])
  })
})

test('leaves out metadata when asked to', async () => {
  await withStore(async db => {
    const points = db.collection('points', PLANE)
    await points.put('a', [1, 2], 'said')
    assert.equal(await points.search([1, 2], { metadata: false }), [{ key: 'a', distance: 0, metadata: undefined }])
  })
})

test('answers searches while the event loop goes on', async () => {
  await withStore(async db => {
    const points = db.collection('points', PLANE)
    await filled(points, 200)
    let turns = 0
    const timer = setInterval(() => turns++, 0)
    await points.searchMany(Array.from({ length: 300 }, (_, i) => [i, 0]), { exact: true })
    clearInterval(timer)
    assert.ok(turns > 0)
  })
})

for (const codec of ['f32', 'sq8'] as const) {
  test(`holds vectors of the most dimensions, ${codec}`, async () => {
    await withStore(async db => {
      const large = db.collection('large', { dimensions: 16_000, codec, M: 4 })
      const vectors = normalVectors(1, 12, 16_000)
      for (const [i, vector] of vectors.entries()) await large.put(`k${i}`, vector)
      for (const [i, vector] of vectors.entries()) assert.is(large.searchSync(vector, { k: 1 })[0]!.key, `k${i}`)
      assert.equal((await large.get('k3'))!.vector, vectors[3])
    })
  })
}

test('tells listeners of a write after it can be found', async () => {
  await withStore(async db => {
    const points = db.collection('points', PLANE)
    const put = points.put('a', [1, 2])
    await once(db, 'write')
    assert.is(points.searchSync([1, 2])[0]!.key, 'a')
    await put
  })
})

test.run()
