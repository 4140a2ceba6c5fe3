import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { asked, inTime, keysOf, opened, PLANE, withStore } from '../src/store.js'

const test = suite('close: what was asked for is finished')

test('a put into a new collection is finished', async () => {
  await withStore(async (db, location) => {
    await db.open()
    const put = asked(db.collection('points', PLANE).put('a', [1, 2]))
    await db.close()
    await inTime(put)
    await opened(location, async again => assert.equal(await keysOf(again.collection('points', PLANE)), ['a']))
  })
})

test('a put that was asked for before opening is finished', async () => {
  await withStore(async (db, location) => {
    const put = asked(db.collection('points', PLANE).put('a', [1, 2]))
    await db.close()
    await inTime(put)
    await opened(location, async again => assert.equal(await keysOf(again.collection('points', PLANE)), ['a']))
  })
})

test.run()
