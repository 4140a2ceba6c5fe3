import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { Matrix } from '../../../bench/data/fbin-file.js'
import { Answers, type MixedAnswer } from '../../../bench/threads/answers.js'
import { Checker } from '../../../bench/threads/checking.js'
import type { Checked } from '../../../bench/threads/figures.js'
import { History } from '../../../bench/threads/history.js'

const test = suite('checks of a mixed load')

const base: Matrix = { count: 4, dim: 2, values: Float32Array.of(1, 0, 2, 0, 3, 0, 4, 0) }
const queries: Matrix = { count: 1, dim: 2, values: Float32Array.of(0, 0) }
const k = 2

/** Keys 0 to 3 have the rows of their numbers; key 0 is deleted, and key 1 given row 3. */
function history(): History {
  const all = new History()
  for (let key = 0; key < 4; key++) all.end(all.begin(key, key))
  all.end(all.begin(0, undefined))
  all.end(all.begin(1, 3))
  return all
}

/** What is wrong with an answer that was asked for and given when all that was over. */
function found(hits: [key: number, distance: number][], exact = false): Partial<Checked> {
  const past = history()
  const answers = new Answers(k)
  const when: Pick<MixedAnswer, 'from' | 'to'> = { from: past.moment(), to: past.moment() }
  answers.add({ ...when, query: 0, ofBase: false, exact }, hits.map(([key, distance]) => ({ key: String(key), distance })))
  const checker = new Checker(base, queries, 'l2', past, k)
  checker.check(answers, 10)
  return Object.fromEntries(Object.entries(checker.checked).filter(([name, count]) => count > 0 && name !== 'searches' && name !== 'exact'))
}

test('a right answer passes', () => {
  assert.equal(found([[2, 9], [3, 16]], true), {})
  assert.equal(found([[2, 9], [1, 16]], true), {})
})

test('each kind of fault is seen', () => {
  assert.equal(found([[0, 1], [2, 9]]), { wrong: 1 }, 'deleted')
  assert.equal(found([[1, 4], [2, 9]]), { wrong: 1 }, 'replaced')
  assert.equal(found([[2, 9], [2, 9]]), { duplicate: 1 })
  assert.equal(found([[2, 8], [3, 16]]), { misplaced: 1 })
  assert.equal(found([[7, 9], [3, 16]]), { misplaced: 1 }, 'no such key')
  assert.equal(found([[3, 16], [2, 9]]), { malformed: 1 }, 'out of order')
  assert.equal(found([[2, 9]]), { malformed: 1 }, 'too few')
  assert.equal(found([[1, 16], [3, 16]], true), { missed: 1 })
  assert.equal(found([[1, 16], [3, 16]]), {}, 'a search that is not exact may miss some')
})

test('recall counts what was certainly there', () => {
  const past = history()
  const answers = new Answers(k)
  const [from, to] = [past.moment(), past.moment()]
  const hit = (key: number, distance: number): { key: string, distance: number } => ({ key: String(key), distance })
  answers.add({ from, to, query: 0, ofBase: false, exact: false }, [hit(2, 9), hit(1, 16)])
  answers.add({ from, to, query: 0, ofBase: true, exact: false }, [hit(3, 9), hit(1, 9)])
  assert.is(new Checker(base, queries, 'l2', past, k).recall(answers, 2), 0.75)
})

test.run()
