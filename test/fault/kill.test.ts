import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { kills } from './kills.js'

const seed = Number(process.env['FC_SEED'] ?? Math.floor(Math.random() * 2 ** 31))

const test = suite('kill')

test(`keeps what was acknowledged, in order and batches whole, when the process is killed at any moment, FC_SEED=${seed}`, async () => {
  const { rounds, violations, counts } = await kills.run(12, seed, () => undefined)
  assert.equal(violations, [])
  assert.is(rounds, 12)
  assert.ok(counts['operations']! > 100, JSON.stringify(counts))
})

test.run()
