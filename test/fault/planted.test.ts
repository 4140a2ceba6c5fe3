import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { mutate } from './mutants.js'
import { plantedFaults, playOn } from './planted.js'

const seed = Number(process.env['FC_SEED'] ?? Math.floor(Math.random() * 2 ** 31))

const test = suite('planted faults')

test('each has its place', () => {
  for (const { changes } of plantedFaults) for (const { file, replace } of changes) assert.ok(mutate(file, changes).includes(replace))
})

test('are refused when their text is not there, or more than once', () => {
  assert.throws(() => mutate('src/writer.js', [{ file: 'src/writer.js', find: 'no such text', replace: '' }]), /^src\/writer.js has 0 places, not 1/)
  assert.throws(() => mutate('src/writer.js', [{ file: 'src/writer.js', find: 'await', replace: '' }]), /^src\/writer.js has \d+ places, not 1/)
})

test(`are found by kills, FC_SEED=${seed}`, async () => {
  const fault = plantedFaults.find(({ what }) => what === 'an entry of the log is not applied again')!
  const { violations } = await playOn(fault, 'kills', seed)
  assert.ok(violations.length)
  assert.ok(violations[0]!.includes(`--seed ${seed}`), violations[0])
})

test.run()
