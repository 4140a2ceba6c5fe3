import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { LiveSet } from '../../../bench/churn/live-set.js'
import { chooseAny, chooseOldest } from '../../../bench/churn/policies.js'
import { liveAtEnd, makeRunbook, type Plan, type Policy, putsOf, replay } from '../../../bench/churn/runbook.js'
import { check } from '../../seed.js'

const test = suite('runbook')

const policies = fc.constantFrom<Omit<Policy, 'order'>>(
  { choose: chooseAny, updates: false },
  { choose: chooseOldest, updates: false },
  { choose: chooseAny, updates: true }
)
const plans = fc.record<Plan>({ count: fc.integer({ min: 10, max: 60 }), rounds: fc.integer({ min: 1, max: 30 }), share: fc.constant(0.1), seed: fc.nat() })

/** Rows in an order that is not theirs. */
function rows(count: number): number[] {
  return Array.from({ length: count }, (_, i) => count - 1 - i)
}

function byKey(pairs: [number, number][]): [number, number][] {
  return pairs.sort(([a], [b]) => a - b)
}

test('is a function of policy and seed, and a shorter one is its beginning', async () => {
  await check(fc.property(policies, plans, (policy, plan) => {
    const make = (rounds: number) => makeRunbook({ ...policy, order: rows(90) }, { ...plan, rounds })
    const whole = make(plan.rounds)
    assert.equal(make(plan.rounds), whole)
    const shorter = make(Math.ceil(plan.rounds / 2))
    assert.equal(shorter, { ...whole, rounds: whole.rounds.slice(0, shorter.rounds.length) })
  }))
})

test('differs with the seed', () => {
  const make = (seed: number) => makeRunbook({ choose: chooseAny, updates: false, order: rows(300) }, { count: 100, rounds: 2, share: 0.1, seed })
  assert.not.equal(make(1), make(2))
})

test('each round changes the share, of keys that are live, and no row is live twice', async () => {
  await check(fc.property(policies, plans, (policy, plan) => {
    const runbook = makeRunbook({ ...policy, order: rows(90) }, plan)
    const share = Math.round(plan.count * plan.share)
    const live = new Map(Array.from(runbook.start, (row, key) => [key, row]))
    const states = replay(runbook)
    const same = (): void => {
      const { keys, rows } = states.next().value as LiveSet
      const pairs = keys.map((key, i): [number, number] => [key, rows[i]!])
      assert.equal(byKey(pairs), byKey([...live]))
    }
    same()
    for (const round of runbook.rounds) {
      const { keys, rows } = putsOf(round)
      assert.is(round.deletes.length, policy.updates ? 0 : share)
      assert.is(new Set(keys).size, share)
      for (const key of round.deletes) assert.ok(live.delete(key))
      keys.forEach((key, i) => {
        assert.is(live.has(key), policy.updates)
        live.set(key, rows[i]!)
      })
      assert.is(live.size, plan.count)
      assert.is(new Set(live.values()).size, plan.count)
      same()
    }
    assert.is(states.next().done, true)
  }))
})

test('takes rows that were never used first, then those that are gone for the longest time', () => {
  const { start, rounds } = makeRunbook({ choose: chooseOldest, updates: false, order: rows(14) }, { count: 10, rounds: 6, share: 0.2, seed: 1 })
  assert.equal([...start], [13, 12, 11, 10, 9, 8, 7, 6, 5, 4])
  assert.equal(rounds.map(round => putsOf(round).rows), [[3, 2], [1, 0], [13, 12], [11, 10], [9, 8], [7, 6]])
  assert.equal(rounds.map(({ deletes }) => [...deletes]), [[0, 1], [2, 3], [4, 5], [6, 7], [8, 9], [10, 11]])
})

test('at its end has what the last step of its replay has', () => {
  const runbook = makeRunbook({ choose: chooseAny, updates: true, order: rows(40) }, { count: 30, rounds: 3, share: 0.1, seed: 5 })
  const { keys } = liveAtEnd(runbook)
  assert.equal(keys, [...runbook.start.keys()])
  const { keys: updated, rows: last } = putsOf(runbook.rounds[2]!)
  assert.equal(updated.map(key => liveAtEnd(runbook).rowOf(key)), last)
})

test('needs rows that are not live for a round', () => {
  assert.throws(() => makeRunbook({ choose: chooseAny, updates: false, order: rows(100) }, { count: 95, rounds: 1, share: 0.1, seed: 1 }), /95 of 100/)
})

test.run()
