import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { CollectionOptions } from '../../src/index.js'
import { opened, withStore } from '../src/store.js'

const test = suite('options: undefined is as good as left out')

test('an option that is undefined is as good as left out', async () => {
  await withStore(async (db, location) => {
    const options = { dimensions: 2, metric: undefined, codec: undefined, M: undefined, efConstruction: undefined, seed: undefined } as unknown as CollectionOptions
    const points = db.collection('points', options)
    await points.put('a', [1, 2])
    assert.equal((await points.search([1, 2], { k: undefined, ef: undefined, maxDistance: undefined } as object)).length, 1)
    const { metric, codec } = await points.stats()
    assert.equal({ metric, codec }, { metric: 'cosine', codec: 'sq8' })
    assert.is(db.collection('points', { dimensions: 2, metric: 'cosine', codec: 'sq8', M: 16, efConstruction: 200, seed: 1 }), points)
    await db.close()
    await opened(location, async again => assert.ok(await again.collection('points', options).has('a')), { checkpoint: undefined, cacheSize: undefined } as object)
  })
})

test.run()
