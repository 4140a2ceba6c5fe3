import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { checkDeadline, NEVER } from '../../src/deadline.js'
import { Seats } from '../../src/seats.js'
import { check } from '../seed.js'
import { rejects } from './store.js'

const test = suite('seats')

test('are never more than there are, but for who sits alone, and all come to sit or gave up, in the order of their calls', async () => {
  const visit = fc.record({ byteLength: fc.nat({ max: 15 }), givesUp: fc.boolean() })
  await check(fc.asyncProperty(fc.array(visit, { minLength: 1, maxLength: 40 }), async visits => {
    const seats = new Seats(10)
    const sitting = new Set<number>()
    const sat: number[] = []
    const controller = new AbortController()
    const ended = visits.map(async ({ byteLength, givesUp }, i) => {
      await seats.take(byteLength, givesUp ? checkDeadline('to sit', { signal: controller.signal }) : NEVER)
      sitting.add(i)
      if (!givesUp) sat.push(i)
      const taken = [...sitting].reduce((sum, at) => sum + visits[at]!.byteLength, 0)
      assert.ok(taken <= 10 || [...sitting].filter(at => visits[at]!.byteLength).length === 1, `${taken} taken`)
      for (let turn = 0; turn < i % 5; turn++) await Promise.resolve()
      sitting.delete(i)
      seats.release(byteLength)
    })
    controller.abort()
    const results = await Promise.allSettled(ended)
    for (const [i, { status }] of results.entries()) assert.ok(status === 'fulfilled' || visits[i]!.givesUp)
    assert.equal(sat, [...sat].sort((a, b) => a - b))
    assert.is(seats.waiting, 0)
  }))
})

test('who gives up lets those behind sit down', async () => {
  const seats = new Seats(10)
  await seats.take(6, NEVER)
  const controller = new AbortController()
  const large = rejects(seats.take(8, checkDeadline('to sit', { signal: controller.signal })), 'VECTOR_ABORTED')
  const small = seats.take(4, NEVER)
  assert.is(seats.waiting, 2)
  controller.abort()
  await Promise.all([large, small])
})

test.run()
