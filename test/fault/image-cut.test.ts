import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { imageCuts } from './image-cut.js'

const seed = Number(process.env['FC_SEED'] ?? Math.floor(Math.random() * 2 ** 31))
const missing = imageCuts.missing()

const test = suite('image-cut')

test(`${missing ? `NOT RUN, this machine lacks ${missing}: ` : ''}keeps what was acknowledged when the power is cut under ext4, FC_SEED=${seed}`, async () => {
  if (missing) return
  const { rounds, violations } = await imageCuts.run(4, seed, () => undefined)
  assert.equal(violations, [])
  assert.is(rounds, 4)
})

test.run()
