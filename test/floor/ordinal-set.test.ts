import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { OrdinalSet } from '../../floor/ordinal-set.js'
import { check } from '../seed.js'

const test = suite('ordinal set')

test('has what was added, and nothing else', async () => {
  await check(fc.property(fc.array(fc.nat({ max: 100_000 })), fc.array(fc.nat({ max: 200_000 })), (added, others) => {
    const set = new OrdinalSet()
    for (const ordinal of added) set.add(ordinal)
    for (const ordinal of added) assert.ok(set.has(ordinal))
    for (const ordinal of others) assert.is(set.has(ordinal), added.includes(ordinal))
  }))
})

test.run()
