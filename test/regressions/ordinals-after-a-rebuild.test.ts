import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { copyOfOpenStore, dataOf, opened, PLANE, sound, withStore } from '../src/store.js'

const test = suite('recovery: a rebuild gives out no ordinal that the log still names')

// The log says that ordinal 2 was deleted. The rebuilt index gives 2 to the next put, and the next trim of the log deletes that record.
for (const how of ['that has no checkpoint yet', 'whose index is lost']) {
  test(`a record that is put after rebuilding a store ${how} is still there after a checkpoint`, async () => {
    await withStore(async (db, location) => {
      const points = db.collection('points', PLANE)
      await points.put('a', [1, 0])
      await points.put('b', [2, 0])
      if (how.includes('lost')) await db.checkpoint()
      await points.put('c', [3, 0])
      await points.del('c')
      const killed = `${location}-killed`
      copyOfOpenStore(location, killed)
      rmSync(join(dataOf(killed), 'INDEX'), { force: true })
      await opened(killed, async again => {
        const stored = again.collection('points', PLANE)
        await stored.put('d', [4, 0], 'acknowledged')
        await sound(again)
        await again.checkpoint()
        await sound(again)
        assert.equal(await stored.get('d'), { vector: Float32Array.of(4, 0), metadata: 'acknowledged' })
      })
      await opened(killed, async again => {
        assert.equal(await again.collection('points', PLANE).get('d'), { vector: Float32Array.of(4, 0), metadata: 'acknowledged' })
        assert.equal((await again.collection('points', PLANE).search([4, 0], { k: 1 }))[0]!.key, 'd')
      })
    })
  })
}

test.run()
