import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { damageCampaign } from './damage.js'

const ROUNDS = 40
const seed = Number(process.env['FC_SEED'] ?? Math.floor(Math.random() * 2 ** 31))

const test = suite('damage')

// LevelDB ends the process when it meets some damage in a table, and can lose keys in one: the campaign counts that, and it is no news here.
test(`no damaged file, but for LevelDB's tables, kills the process or makes it answer wrongly, FC_SEED=${seed}`, async () => {
  const { rounds, violations, counts } = await damageCampaign.run(ROUNDS, seed, () => undefined)
  assert.is(rounds, ROUNDS)
  assert.equal(violations.filter(violation => !violation.includes('.ldb,')), [])
  assert.ok(counts['right'], JSON.stringify(counts))
})

test.run()
