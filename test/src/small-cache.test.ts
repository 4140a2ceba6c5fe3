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

test.run()
