import { setTimeout as delay } from 'node:timers/promises'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { Turns } from '../../floor/turns.js'

const test = suite('Turns')

test('are taken one at a time, in the order of the calls', async () => {
  const turns = new Turns()
  const events: string[] = []
  const work = async (name: string, milliseconds: number): Promise<string> => {
    events.push(`${name} begins`)
    await delay(milliseconds)
    events.push(`${name} ends`)
    return name
  }
  assert.equal(await Promise.all([turns.take(() => work('a', 10)), turns.take(() => work('b', 1)), turns.take(() => work('c', 0))]), ['a', 'b', 'c'])
  assert.equal(events, ['a begins', 'a ends', 'b begins', 'b ends', 'c begins', 'c ends'])
})

test('are taken after one that failed, which alone hears of it', async () => {
  const turns = new Turns()
  const failed = turns.take(() => Promise.reject(new Error('no')))
  const next = turns.take(async () => 'next')
  assert.is(await failed.catch((error: Error) => error.message), 'no')
  assert.is(await next, 'next')
})

test.run()
