import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { keysOf, rejects, throws, withStore } from '../src/store.js'

const test = suite('input: components that are no numbers are refused')

for (const [name, component] of [['a string', '2'], ['null', null], ['a boolean', true], ['a bigint', 2n], ['an array', [2]], ['a date', new Date(2)]] as const) {
  test(`a vector with ${name} is refused`, async () => {
    await withStore(async db => {
      const points = db.collection('points', { dimensions: 3, metric: 'l2' })
      await db.open()
      const vector = [1, component, 3] as number[]
      await rejects(points.put('a', vector), 'VECTOR_INVALID_VECTOR', 'component 1')
      await rejects(points.search(vector), 'VECTOR_INVALID_VECTOR', 'component 1')
      throws(() => points.searchSync(vector), 'VECTOR_INVALID_VECTOR', 'component 1')
      assert.equal(await keysOf(points), [])
    })
  })
}

test.run()
