import { setTimeout as delay } from 'node:timers/promises'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { VectorLevel } from '../../src/index.js'
import { SMALL, withDirectory } from '../src/store.js'

const test = suite('close: a database that is closed at once stays closed')

test('closing right after opening leaves it closed', async () => {
  await withDirectory(async directory => {
    const db = new VectorLevel(directory, SMALL)
    const opening = db.open()
    await db.close()
    await opening
    await delay(50)
    const { status } = db
    await db.close()
    assert.is(status, 'closed')
  })
})

test.run()
