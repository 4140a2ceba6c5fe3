import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { withMutant } from './mutants.js'
import { plantedFaults, playOn } from './planted.js'

const seed = Number(process.env['FC_SEED'] ?? Math.floor(Math.random() * 2 ** 31))

const test = suite('planted faults')

test('each can still be planted', async () => {
  for (const { file, find, replace } of plantedFaults) await withMutant(file, find, replace, () => Promise.resolve())
})

test('are refused when their text is not there, or more than once', async () => {
  for (const [find, places] of [['no such text', 0], ['await', /[1-9]/]] as const) {
    const message = await withMutant('src/writer.js', find, '', () => Promise.resolve()).then(() => '', (error: Error) => error.message)
    assert.match(message, new RegExp(`^src/writer.js has ${places instanceof RegExp ? places.source : places}.* places, not 1`))
  }
})

test(`are found by kills, FC_SEED=${seed}`, async () => {
  const fault = plantedFaults.find(({ what }) => what === 'an entry of the log is not applied again')!
  const { violations } = await playOn(fault, 'kills', seed)
  assert.ok(violations.length)
  assert.ok(violations[0]!.includes(`--seed ${seed}`), violations[0])
})

test.run()
