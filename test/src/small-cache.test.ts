import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { Random } from '../../floor/random.js'
import type { BatchOperation, CollectionOptions } from '../../src/index.js'
import { SMALL, sound, withStore } from './store.js'

const test = suite('the least cache')

/** Frames of all sizes: of codes, of full vectors, and of edges. */
const SHAPES: CollectionOptions[] = [
  { dimensions: 8, codec: 'f32', M: 32 },
  { dimensions: 64, codec: 'sq8' },
  { dimensions: 300, codec: 'pq', codeBytes: 30 },
  { dimensions: 1536, codec: 'f32', M: 8 },
  { dimensions: 3000, codec: 'sq8', M: 32 }
]
const COMPONENTS_A_ROUND = 250_000
const MOST_A_ROUND = 200

for (const seed of [1]) {
  test(`collections of different widths share it: what is put, replaced, deleted and trained anew is linked, and nothing is refused (${seed})`, async () => {
    const random = new Random(seed)
    await withStore(async db => {
      const all = SHAPES.map((shape, i) => ({ shape, keys: [] as string[], collection: db.collection<unknown>(`c${i}`, { metric: 'l2', efConstruction: 40, ...shape }) }))
      for (let round = 0; round < 16; round++) {
        // Data drift, so that codebooks are trained anew.
        const scale = round < 8 ? 1 : 4
        const vectorOf = (dimensions: number): Float32Array => Float32Array.from({ length: dimensions }, () => scale * random.normal())
        const { shape: { dimensions }, keys, collection } = all[random.below(all.length)]!
        const operations: BatchOperation<unknown>[] = []
        for (let i = 0; i < Math.min(MOST_A_ROUND, COMPONENTS_A_ROUND / dimensions); i++) {
          const key = keys.length && random.below(3) === 0 ? keys[random.below(keys.length)]! : `k${round}-${i}`
          if (!keys.includes(key)) keys.push(key)
          operations.push({ type: 'put', key, vector: vectorOf(dimensions) })
        }
        for (let i = keys.length * (random.below(4) ? 0.1 : 0.5); i >= 1; i--) {
          operations.push({ type: 'del', key: keys.splice(random.below(keys.length), 1)[0]! })
        }
        const { shape, collection: searched } = all[random.below(all.length)]!
        await Promise.all([collection.batch(operations), searched.search(vectorOf(shape.dimensions), { k: 5 })])
      }
      for (const { collection, keys } of all) assert.is((await collection.stats()).count, keys.length)
      assert.is((await db.stats()).damage, undefined)
      await sound(db)
    }, { ...SMALL, durability: 'relaxed', workers: 2 })
  })
}

test('an index larger than its cache is read by several threads, and searched as by one, while it changes', async () => {
  const random = new Random(2)
  const dimensions = 512
  const vectorOf = (): Float32Array => Float32Array.from({ length: dimensions }, () => random.normal())
  const options = { dimensions, metric: 'l2', codec: 'f32', M: 8, efConstruction: 20 } as const
  await withStore(async alone => await withStore(async helped => {
    const all = [alone, helped].map(db => db.collection('items', options))
    const vectors = new Map<string, Float32Array>()
    let readers = 0
    for (let round = 0; round < 6; round++) {
      const operations: BatchOperation<undefined>[] = []
      for (let i = 0; i < 800; i++) {
        const key = `k${round}-${i}`
        vectors.set(key, vectorOf())
        operations.push({ type: 'put', key, vector: vectors.get(key)! })
      }
      if (round > 2) for (const key of [...vectors.keys()].slice(0, 60)) {
        vectors.delete(key)
        operations.push({ type: 'del', key })
      }
      await Promise.all(all.map(collection => collection.batch(operations)))
      if (round === 4) for (const db of [alone, helped]) await db.compact()
      for (let i = 0; i < 40; i++) {
        const query = vectorOf()
        const [one, other] = all.map(collection => collection.searchSync(query, { k: 10, ef: 100 }))
        // What is not linked yet is scanned, so both find what they should, and not always the same.
        assert.is(one!.length, other!.length)
        for (const { key, distance } of other!) assert.ok(Math.abs(distance - squaredL2(query, vectors.get(key)!)) < distance * 1e-4, key)
      }
      readers = Math.max(readers, helped.cacheStats().readers)
    }
    assert.is(alone.cacheStats().readers, 0)
    assert.ok(readers > 0, 'there were readers')
    await Promise.all([alone, helped].map(db => db.checkpoint()))
    await alone.compact()
    await helped.compact()
    for (let i = 0; i < 100; i++) {
      const query = vectorOf()
      const [one, other] = all.map(collection => collection.searchSync(query, { k: 10, ef: 100 }))
      assert.equal(other, one)
    }
    await Promise.all([sound(alone), sound(helped)])
  }, { ...SMALL, workers: 2 }), { ...SMALL, workers: 0 })
})

function squaredL2(a: Float32Array, b: Float32Array): number {
  return a.reduce((sum, value, i) => sum + (value - b[i]!) ** 2, 0)
}

test.run()
