import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { Random } from '../../floor/random.js'
import { FasterWay } from '../../storage/faster-way.js'

const test = suite('FasterWay')

/** Does `total`, some at a time, each of which takes what its way takes, in us; returns how many were done in the second way. */
function run(faster: FasterWay, total: number, timeOf: (way: number) => number): number {
  let second = 0
  for (let done = 0; done < total; done += 10) {
    const { way } = faster
    second += way * 10
    faster.note(10, timeOf(way) * 10 / 1000)
  }
  return second
}

test('the faster way is used, the slower one seldom tried', () => {
  const total = 10_000_000
  const faster = new FasterWay()
  assert.ok(run(faster, total, way => [2, 1][way]!) > 0.95 * total)
  assert.ok(run(faster, total, way => [1, 2][way]!) < 0.05 * total)
  assert.ok(run(faster, total, way => [2, 1][way]!) > 0.5 * total, 'and found again')
})

test('one that seldom takes very long is not used, if it is slower in all', () => {
  const random = new Random(1)
  const total = 20_000_000
  // Half as long, but for one in 200 that takes 500 times as long.
  const used = run(new FasterWay(), total, way => way ? (random.below(200) ? 0.5 : 500) : 1)
  assert.ok(used < 0.05 * total, `${used}`)
})

test('where both are alike neither is lost', () => {
  const random = new Random(2)
  const total = 10_000_000
  const used = run(new FasterWay(), total, () => 0.5 + random.next())
  assert.ok(used > 0.02 * total && used < 0.98 * total, `${used}`)
})

test.run()
