import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { damageCampaign } from './damage.js'

const ROUNDS = 40
const seed = Number(process.env['FC_SEED'] ?? Math.floor(Math.random() * 2 ** 31))

const test = suite('damage')

test(`no damaged file kills the process or makes it answer wrongly, and repair() makes a sound store of it, FC_SEED=${seed}`, async () => {
  const { rounds, violations, counts } = await damageCampaign.run(ROUNDS, seed, () => undefined)
  assert.is(rounds, ROUNDS)
  assert.equal(violations, [])
  assert.ok(counts['right'], JSON.stringify(counts))
})

test.run()
