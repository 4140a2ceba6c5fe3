import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { opened, PLANE, withStore } from '../src/store.js'

const test = suite('writer: writes keep the order of the calls')

test('the last of 200 puts into a new collection wins', async () => {
  await withStore(async db => {
    const points = db.collection('points', PLANE)
    await Promise.all(Array.from({ length: 200 }, (_, i) => points.put('a', [i, 0], i)))
    assert.is((await points.get('a'))!.metadata, 199)
  })
})

test('the later of two puts into a new collection wins, also when the first one finds the database open', async () => {
  await withStore(async db => {
    await db.open()
    const points = db.collection('points', PLANE)
    const first = points.put('a', [1, 0], 'first')
    await Promise.all([first, points.put('a', [2, 0], 'second')])
    assert.is((await points.get('a'))!.metadata, 'second')
  })
})

test('a put that was asked for before opening comes before one that was asked for after it', async () => {
  await withStore(async (db, location) => {
    await db.collection('points', PLANE).put('other', [0, 0])
    await db.close()
    await opened(location, async again => {
      const points = again.collection('points', PLANE)
      const first = points.put('a', [1, 0], 'first')
      await again.open()
      await Promise.all([first, points.put('a', [2, 0], 'second')])
      assert.is((await points.get('a'))!.metadata, 'second')
    })
    await opened(location, async again => {
      const points = again.collection('points', PLANE)
      const writes = [points.put('b', [1, 0], 'first')]
      await new Promise<void>(resolve => again.once('open', () => {
        writes.push(points.put('b', [2, 0], 'second'))
        resolve()
      }))
      await Promise.all(writes)
      assert.is((await points.get('b'))!.metadata, 'second')
    })
  })
})

test.run()
