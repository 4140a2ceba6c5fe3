import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { plantedFaults, playOn } from './planted.js'
import { powerCuts } from './power-cut.js'

const seed = Number(process.env['FC_SEED'] ?? Math.floor(Math.random() * 2 ** 31))
const missing = powerCuts.missing()
/** Faults that show soon. */
const SHOWN = ['a relaxed checkpoint is written without the log being synced', 'strict commits are not synced']

const test = suite('power-cut')

test(`${missing ? `NOT RUN, this machine lacks ${missing}: ` : ''}keeps what was acknowledged, or confirmed by a checkpoint, when the power is cut at any moment, FC_SEED=${seed}`, async () => {
  if (missing) return
  const { rounds, violations } = await powerCuts.run(24, seed, () => undefined)
  assert.equal(violations, [])
  assert.is(rounds, 24)
})

for (const fault of plantedFaults.filter(({ what }) => SHOWN.includes(what))) {
  test(`${missing ? `NOT RUN, this machine lacks ${missing}: ` : ''}shows it when ${fault.what}, FC_SEED=${seed}`, async () => {
    if (missing) return
    assert.ok((await playOn(fault, 'power-cuts', seed)).violations.length)
  })
}

test.run()
