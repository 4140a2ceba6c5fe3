import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { copyOfOpenStore, keysOf, opened, PLANE, withStore } from '../src/store.js'

const test = suite('recovery: a deletion in a new collection leaves a store that opens')

test('a store opens again after a key was deleted in a collection that holds nothing', async () => {
  await withStore(async (db, location) => {
    await db.collection('points', PLANE).del('never there')
    await db.checkpoint()
    copyOfOpenStore(location, `${location}-killed`)
    await db.close()
    for (const path of [location, `${location}-killed`]) {
      await opened(path, async again => {
        const points = again.collection('points', PLANE)
        assert.equal(await keysOf(points), [])
        await points.batch([{ type: 'del', key: 'a' }, { type: 'put', key: 'b', vector: [1, 2] }])
      })
      await opened(path, async again => assert.equal(await keysOf(again.collection('points', PLANE)), ['b']))
    }
  })
})

test.run()
