import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { fullDisks } from './full-disk.js'

const seed = Number(process.env['FC_SEED'] ?? Math.floor(Math.random() * 2 ** 31))
const missing = fullDisks.missing()

const test = suite('full-disk')

test(`${missing ? `NOT RUN, this machine lacks ${missing}: ` : ''}a full disk costs nothing that was acknowledged, and the store works when there is room again, FC_SEED=${seed}`, async () => {
  if (missing) return
  const { rounds, violations } = await fullDisks.run(7, seed, () => undefined)
  assert.equal(violations, [])
  assert.is(rounds, 7)
})

test.run()
