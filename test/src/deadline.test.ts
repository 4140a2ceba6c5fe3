import { getEventListeners } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { checkDeadline, NEVER } from '../../src/deadline.js'
import { inTime, rejects, throws } from './store.js'

const test = suite('deadline')
const endless = new Promise<never>(() => undefined)

test('passes when its signal is aborted, and says why and how far the work had come', async () => {
  const controller = new AbortController()
  const deadline = checkDeadline('the work', { signal: controller.signal, timeout: 1e9 })
  deadline.check()
  assert.is(deadline.hasPassed, false)
  const reason = new Error('enough')
  controller.abort(reason)
  assert.is(deadline.hasPassed, true)
  const error = throws(() => deadline.check('after 3 steps'), 'VECTOR_ABORTED', 'the work, after 3 steps, was aborted')
  assert.is(error.cause, reason)
})

test('passes when its time is up, and says how long that was', async () => {
  const deadline = checkDeadline('the work', { timeout: 3 })
  await rejects(inTime(deadline.limit(endless, () => true)), 'VECTOR_ABORTED', 'the work', '3 ms')
  assert.is(deadline.hasPassed, true)
  throws(() => checkDeadline('the work', { timeout: 0 }).check(), 'VECTOR_ABORTED', '0 ms')
})

test('gives what the work gives, when that ends first, or cannot be taken back', async () => {
  const controller = new AbortController()
  const deadline = checkDeadline('the work', { signal: controller.signal })
  assert.is(await deadline.limit(Promise.resolve(1), () => true), 1)
  await rejects(deadline.limit(Promise.reject(new TypeError('no')), () => true), TypeError, 'no')
  let asked = 0
  const work = deadline.limit(delay(5).then(() => 2), () => {
    asked++
    return false
  })
  controller.abort()
  assert.is(await work, 2)
  assert.is(asked, 1)
})

test('that has passed takes work back at once, once', async () => {
  let asked = 0
  const deadline = checkDeadline('the work', { signal: AbortSignal.abort(), timeout: 0 })
  await rejects(deadline.limit(endless, () => ++asked > 0), 'VECTOR_ABORTED')
  await delay(5)
  assert.is(asked, 1)
})

test('does not pass when time has no end, or one beyond what a timer can wait for', async () => {
  for (const timeout of [Infinity, 2 ** 40]) assert.is(await checkDeadline('the work', { timeout }).limit(delay(5).then(() => 1), () => true), 1)
  assert.is(await NEVER.limit(Promise.resolve(1), () => true), 1)
  assert.is(NEVER.hasPassed, false)
})

test('a signal that ends much is listened to once, and no more when nothing is left to end', async () => {
  const warnings: Error[] = []
  const warn = (warning: Error): void => void warnings.push(warning)
  process.on('warning', warn)
  const controller = new AbortController()
  const works = Array.from({ length: 100 }, () => checkDeadline('the work', { signal: controller.signal }))
  await Promise.all(works.map(deadline => deadline.limit(delay(1), () => true)))
  assert.is(getEventListeners(controller.signal, 'abort').length, 0)
  const ended = works.map(deadline => rejects(deadline.limit(endless, () => true), 'VECTOR_ABORTED'))
  assert.is(getEventListeners(controller.signal, 'abort').length, 1)
  controller.abort()
  await inTime(Promise.all(ended))
  assert.is(getEventListeners(controller.signal, 'abort').length, 0)
  await delay(1)
  process.off('warning', warn)
  assert.equal(warnings, [])
})

test('of wrong options is misuse', () => {
  throws(() => checkDeadline('the work', { signal: 'stop' as unknown as AbortSignal }), TypeError, 'stop')
  throws(() => checkDeadline('the work', { timeout: '5' as unknown as number }), TypeError, '5')
  throws(() => checkDeadline('the work', { timeout: -1 }), RangeError, -1)
  throws(() => checkDeadline('the work', { timeout: NaN }), RangeError, NaN)
})

test.run()
