import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { syscallKills } from './syscall-kills.js'

const ROUNDS = 6
const seed = Number(process.env['FC_SEED'] ?? Math.floor(Math.random() * 2 ** 31))
const missing = syscallKills.missing()

const promise = 'keeps what was acknowledged when the process is killed before any call of the system'

const test = suite('syscall-kills')

if (missing) {
  test(`NOT RUN, since this machine lacks ${missing}: ${promise}`, () => undefined)
} else {
  test(`${promise}, FC_SEED=${seed}`, async () => {
    const { rounds, violations, counts } = await syscallKills.run(ROUNDS, seed, () => undefined)
    assert.equal(violations, [])
    assert.is(rounds, ROUNDS)
    assert.ok((counts['calls that did not come'] ?? 0) < ROUNDS / 2, JSON.stringify(counts))
  })
}

test.run()
