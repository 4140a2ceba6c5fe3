import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import fc from 'fast-check'
import { Arena } from '../../storage/arena.js'
import { KeyFilter } from '../../storage/key-filter.js'
import { check } from '../seed.js'

const test = suite('KeyFilter')

function keyOf(text: string): Buffer {
  return Buffer.from(text)
}

test('it never misses a key that was added, full or not', async () => {
  await check(fc.property(fc.array(fc.string({ maxLength: 20 })), fc.constantFrom(64, 1024), (texts, byteLength) => {
    const filter = new KeyFilter(new Arena(2 ** 17), byteLength)
    for (const [i, text] of texts.entries()) {
      assert.ok(!texts.slice(0, i).includes(text) || filter.mayHave(keyOf(text)))
      const may = filter.mayHave(keyOf(text))
      assert.is(filter.add(keyOf(text)), may)
    }
    for (const text of texts) assert.ok(filter.mayHave(keyOf(text)))
  }))
})

test('until it is full it takes few others for keys that are there, of any form', () => {
  const filter = new KeyFilter(new Arena(2 ** 20), 2 ** 15)
  const count = 2 ** 18 / 5
  let [taken, added] = [0, 0]
  for (let i = 0; i < count * 0.9; i++) {
    if (filter.mayHave(keyOf(`${i}`))) taken++
    if (!filter.add(keyOf(`${i}`))) added++
  }
  assert.ok(taken < count * 0.05, `${taken} of ${count}`)
  assert.ok(added > count * 0.85)
  const others = Array.from({ length: 10_000 }, (_, i) => `user/${i * 7}:${i}`)
  const alike = others.filter(other => filter.mayHave(keyOf(other))).length
  assert.ok(alike < 1000, `${alike} of 10,000`)
})

test('when it is full it says of each key that it may be there, and gives its memory back', () => {
  const arena = new Arena(2 ** 18)
  const free = arena.free
  const filter = new KeyFilter(arena, 2 ** 16)
  assert.ok(arena.free < free)
  for (let i = 0; i < 2 ** 18; i++) filter.add(keyOf(`${i}`))
  assert.ok(filter.mayHave(keyOf('never added')))
  assert.ok(filter.add(keyOf('never added either')))
  assert.is(arena.free, free)
})

test.run()
