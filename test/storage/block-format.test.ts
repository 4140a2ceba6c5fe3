import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import fc from 'fast-check'
import { KIND_BASE, KIND_CODES, KIND_STATES, KIND_UPPER, placeOf } from '../../storage/block-format.js'
import { MOST_ROWS } from '../../storage/space.js'
import { check } from '../seed.js'

const test = suite('block format')

test('places order blocks by collection, kind and number, and no two blocks share one', async () => {
  const blocks = fc.tuple(fc.nat({ max: 2 ** 20 }), fc.constantFrom(KIND_CODES, KIND_BASE, KIND_UPPER, KIND_STATES), fc.nat({ max: MOST_ROWS - 1 }))
  await check(fc.property(blocks, blocks, (a, b) => {
    const order = a[0] - b[0] || a[1] - b[1] || a[2] - b[2]
    assert.is(Math.sign(placeOf(...a) - placeOf(...b)), Math.sign(order))
    assert.ok(Number.isSafeInteger(placeOf(...a)))
  }), { numRuns: 500 })
})

test.run()
