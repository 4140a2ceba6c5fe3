import { suite } from 'uvu'
import { PLANE, rejects, withStore } from '../src/store.js'

const test = suite('measureRecall: options are checked')

for (const [option, value, kind] of [
  ['k', 0, RangeError], ['k', 1.5, RangeError], ['k', NaN, RangeError], ['k', '3', TypeError], ['ef', 0, RangeError], ['ef', NaN, RangeError],
  ['sample', -1, RangeError], ['sample', NaN, RangeError], ['sample', '5', TypeError], ['seed', 1.5, RangeError]
] as const) {
  test(`${option} ${String(value)} is refused`, async () => {
    await withStore(async db => {
      const points = db.collection('points', PLANE)
      await points.put('a', [1, 2])
      await rejects(points.measureRecall({ [option]: value } as object), kind, option, value)
    })
  })
}

test.run()
