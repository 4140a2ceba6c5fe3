import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { mutate } from './mutants.js'
import { plantedFaults, playOn } from './planted.js'

const seed = Number(process.env['FC_SEED'] ?? Math.floor(Math.random() * 2 ** 31))

const test = suite('planted faults')

test('each has its place', () => {
  for (const { file, find, replace } of plantedFaults) assert.ok(mutate(file, find, replace).includes(replace))
})

test('are refused when their text is not there, or more than once', () => {
  assert.throws(() => mutate('src/writer.js', 'no such text', ''), /^src\/writer.js has 0 places, not 1/)
  assert.throws(() => mutate('src/writer.js', 'await', ''), /^src\/writer.js has \d+ places, not 1/)
})

test(`are found by kills, FC_SEED=${seed}`, async () => {
  const fault = plantedFaults.find(({ what }) => what === 'an entry of the log is not applied again')!
  const { violations } = await playOn(fault, 'kills', seed)
  assert.ok(violations.length)
  assert.ok(violations[0]!.includes(`--seed ${seed}`), violations[0])
})

test.run()
