import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { opened, rejects, withStore } from '../src/store.js'

const test = suite('options: a metric that is left out is the stored one')

for (const metric of ['l2', 'dot'] as const) {
  test(`a collection that is stored with ${metric} takes zeros, also when opened without saying so`, async () => {
    await withStore(async (db, location) => {
      await db.collection('points', { dimensions: 2, metric }).put('zero', [0, 0])
      await db.close()
      await opened(location, async again => {
        const points = again.collection('points', { dimensions: 2 })
        await points.put('another', [0, 0])
        assert.is((await points.search([0, 0])).length, 2)
        assert.is(points.searchSync([0, 0]).length, 2)
        assert.is((await points.searchByKey('zero'))!.length, 1)
      })
    })
  })
}

test('a collection that is stored with cosine does not', async () => {
  await withStore(async (db, location) => {
    await db.collection('points', { dimensions: 2, metric: 'cosine' }).put('a', [1, 2])
    await db.close()
    await opened(location, async again => {
      await rejects(again.collection('points', { dimensions: 2 }).put('zero', [0, 0]), 'VECTOR_INVALID_VECTOR')
    })
  })
})

test.run()
