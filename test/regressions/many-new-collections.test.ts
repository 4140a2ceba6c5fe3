import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { withStore } from '../src/store.js'

const test = suite('many new collections')

test('hundreds of collections that begin in one session leave room for each other in a small cache', async () => {
  await withStore(async db => {
    for (let i = 0; i < 600; i++) await db.collection(`of tenant ${i}`, { dimensions: 4, codec: 'f32', M: 4 }).put('a', Float32Array.of(i, 1, 2, 3))
    for (let i = 0; i < 600; i += 50) {
      const [hit] = await db.collection(`of tenant ${i}`, { dimensions: 4 }).search(Float32Array.of(i, 1, 2, 3), { k: 1 })
      assert.is(hit!.key, 'a')
    }
  }, { cacheSize: 16 * 2 ** 20, workers: 0, durability: 'relaxed' })
})

test.run()
