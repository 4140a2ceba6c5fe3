import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { VectorLevel } from '../../src/index.js'
import { keysOf, opened, PLANE, rejects, rejectsUnopened, SMALL, withStore } from '../src/store.js'

const test = suite('open: a failed opening gives back what it took')

for (const [option, value] of [['dimensions', 3], ['metric', 'dot'], ['codec', 'f32'], ['M', 5], ['efConstruction', 100], ['seed', 2]] as const) {
  test(`an opening that is refused for another ${option} lets the next one have the store`, async () => {
    await withStore(async (db, location) => {
      await db.collection('points', PLANE).put('a', [1, 2])
      await db.close()
      const other = new VectorLevel(location, SMALL)
      other.collection('points', { ...PLANE, [option]: value })
      await rejects(other.open(), 'VECTOR_OPTIONS_MISMATCH', 'points', option, value)
      await other.close()
      const deferred = new VectorLevel(location, SMALL)
      await rejectsUnopened(deferred.collection('points', { ...PLANE, [option]: value }).has('a'), 'VECTOR_OPTIONS_MISMATCH')
      await deferred.close()
      await opened(location, async again => assert.equal(await keysOf(again.collection('points', PLANE)), ['a']))
    })
  })
}

test('a handle that was refused opens when the reason is gone', async () => {
  await withStore(async (db, location) => {
    await db.collection('points', PLANE).put('a', [1, 2])
    const second = new VectorLevel(location, SMALL)
    await rejects(second.open(), 'VECTOR_LOCKED')
    assert.is(second.status, 'closed')
    await db.close()
    await second.open()
    assert.ok(await second.collection('points', PLANE).has('a'))
    await second.close()
  })
})

test.run()
