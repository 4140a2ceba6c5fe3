import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { isLast, Writings } from '../../src/writings.js'

const test = suite('Writings')

test('count each block of each version, and go around without ever being 0', () => {
  const writings = new Writings()
  const place = { collection: 1, version: 2, block: 300 }
  for (let i = 0; i < 600; i++) assert.is(writings.next(place), i % 255 + 1)
  assert.is(writings.next({ ...place, block: 0 }), 1)
  assert.is(writings.next({ ...place, version: 3 }), 1)
  assert.is(writings.of(2)[300], 600 % 255)
  assert.is(writings.of(2)[1], 0)
})

test('are restored, and forgotten with their version', () => {
  const writings = new Writings()
  writings.restore(4, Uint8Array.of(7, 255))
  assert.is(writings.next({ collection: 1, version: 4, block: 0 }), 8)
  assert.is(writings.next({ collection: 1, version: 4, block: 1 }), 1)
  writings.forget(4)
  assert.equal([...writings.of(4)], [8, 1])
  writings.forget(5)
  assert.is(writings.of(4).length, 0)
})

test('tell an older block from the last one, and from one that was written once more', () => {
  assert.ok(isLast(7, 7))
  assert.ok(isLast(8, 7))
  assert.ok(isLast(1, 255))
  assert.not(isLast(6, 7))
  assert.not(isLast(255, 1))
  assert.ok(isLast(9, 0), 'nothing is known')
})

test.run()
