import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { ioErrors } from './io-errors.js'

const seed = Number(process.env['FC_SEED'] ?? Math.floor(Math.random() * 2 ** 31))
const missing = ioErrors.missing()

const test = suite('io-errors')

test(`${missing ? `NOT RUN, this machine lacks ${missing}: ` : ''}a call of the system that fails costs nothing that was acknowledged, FC_SEED=${seed}`, async () => {
  if (missing) return
  const { rounds, violations } = await ioErrors.run(10, seed, () => undefined)
  assert.equal(violations, [])
  assert.is(rounds, 10)
})

test.run()
