import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { LiveSet } from '../../../bench/churn/live-set.js'
import { check } from '../../seed.js'

const test = suite('live set')

test('holds what a map holds', async () => {
  const steps = fc.array(fc.record({ key: fc.nat(12), row: fc.option(fc.nat(100)) }))
  await check(fc.property(steps, all => {
    const [live, model] = [new LiveSet(), new Map<number, number>()]
    for (const { key, row } of all) {
      if (row !== null) {
        live.put(key, row)
        model.set(key, row)
      } else if (model.delete(key)) live.delete(key)
      else assert.throws(() => live.delete(key), /is not live/)
      assert.is(live.count, model.size)
      for (let each = 0; each <= 12; each++) {
        assert.is(live.has(each), model.has(each))
        assert.is(live.rowOf(each), model.get(each))
      }
      assert.equal(new Map(live.keys.map((each, i) => [each, live.rows[i]])).size, model.size)
    }
  }))
})

test.run()
