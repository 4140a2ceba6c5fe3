import { setTimeout as delay } from 'node:timers/promises'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { keysOf, PLANE, withStore } from '../src/store.js'

const test = suite('events: a listener that throws harms itself alone')

test('writes go on after a listener of checkpoints threw', async () => {
  await withStore(async db => {
    const points = db.collection('points', PLANE)
    let times = 0
    db.on('checkpoint', () => {
      if (times++ === 0) throw new Error('of the listener')
    })
    // Whoever throws in a listener may be told as Node tells it; the store is not to be harmed.
    const told = (): void => undefined
    process.on('uncaughtException', told).on('unhandledRejection', told)
    await points.put('a', [1, 2])
    await delay(50)
    process.off('uncaughtException', told).off('unhandledRejection', told)
    assert.is(times, 1)
    await points.put('b', [1, 2])
    assert.equal(await keysOf(points), ['a', 'b'])
  }, { checkpoint: { operations: 1 } })
})

test.run()
