import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { History } from '../../../bench/threads/history.js'

const test = suite('history of a mixed load')

/** A key that is given rows 10 and 20, then deleted; moments of a search may be taken anywhere between. */
function written(): { history: History, moments: Record<'before' | 'first' | 'between' | 'second' | 'deleting' | 'after', number> } {
  const history = new History()
  const before = history.moment()
  const one = history.begin(1, 10)
  const first = history.moment()
  history.end(one)
  const between = history.moment()
  const two = history.begin(1, 20)
  const second = history.moment()
  history.end(two)
  const gone = history.begin(1, undefined)
  const deleting = history.moment()
  history.end(gone)
  return { history, moments: { before, first, between, second, deleting, after: history.moment() } }
}

test('a write may be seen from its call on, and must be from its end on', () => {
  const { history, moments: { before, first, between, second, deleting, after } } = written()
  const seen = (from: number, to: number): number[] => history.possible(1, from, to).sort()
  assert.equal(seen(0, before), [])
  assert.equal(seen(before, first), [10])
  assert.equal(seen(between, between), [10])
  assert.equal(seen(between, second), [10, 20])
  assert.equal(seen(deleting, deleting), [20])
  assert.equal(seen(first, after), [10, 20])
  assert.equal(seen(after, after + 1), [])
  assert.equal(history.rowsOf(1), [10, 20])
})

test('what is certain was there all the time', () => {
  const { history, moments: { before, first, between, second, after } } = written()
  const rows = (from: number, to: number): number[] => history.certain(from, to).rows
  assert.equal(rows(before, first), [])
  assert.equal(rows(first, first), [])
  assert.equal(rows(between, between), [10])
  assert.equal(rows(between, second), [])
  assert.equal(rows(after, after + 1), [])
})

test('writes of a key that overlap become visible in the order of their calls', () => {
  const history = new History()
  const one = history.begin(1, 10)
  const two = history.begin(1, 20)
  history.end(two)
  const now = history.moment()
  assert.equal(history.possible(1, now, now), [20])
  history.end(one)
  assert.equal(history.certain(history.moment(), history.moment()), { keys: [1], rows: [20] })
})

test.run()
