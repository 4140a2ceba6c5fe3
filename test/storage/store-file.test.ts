import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import fc from 'fast-check'
import {
  clearOpeningMarker, dataDirectory, FORMAT, forgetGeneration, generationDirectory, hasOpeningMarker, newIdentity, readGeneration, readIdentity,
  setOpeningMarker, truthDirectory, writeGeneration, writeIdentity
} from '../../storage/store-file.js'
import { check } from '../seed.js'

const test = suite<{ directory: string }>('store file')
const UUID = '01234567-89ab-cdef-0123-456789abcdef'

test.before.each(context => {
  context.directory = mkdtempSync(join(tmpdir(), 'vector-level-store-'))
})
test.after.each(({ directory }) => rmSync(directory, { recursive: true, force: true }))

function codeOf(run: () => unknown): string | undefined {
  try {
    run()
    return undefined
  } catch (error) {
    return (error as { code: string }).code
  }
}

test('an identity comes back, and nothing is left beside it', ({ directory }) => {
  assert.is(readIdentity(directory), undefined)
  const identity = { ...newIdentity(), data: 3 }
  assert.is(identity.format, FORMAT)
  writeIdentity(directory, identity)
  assert.equal(readIdentity(directory), identity)
  assert.equal(readdirSync(directory), ['STORE'])
})

test('the text of an identity is this', ({ directory }) => {
  writeIdentity(directory, { uuid: UUID, format: FORMAT, created: '2026-01-01T00:00:00.000Z', data: 1 })
  assert.is(readFileSync(join(directory, 'STORE'), 'utf8'), `{"uuid":"${UUID}","format":2,"created":"2026-01-01T00:00:00.000Z","data":1}\n`)
})

test('a store of another format is VECTOR_FORMAT_UNSUPPORTED, older or newer', ({ directory }) => {
  for (const format of [FORMAT + 1, FORMAT - 1, 0, -1]) {
    writeFileSync(join(directory, 'STORE'), JSON.stringify({ uuid: UUID, format, created: '' }))
    assert.is(codeOf(() => readIdentity(directory)), 'VECTOR_FORMAT_UNSUPPORTED')
  }
})

test('what is no identity is VECTOR_CORRUPTION', async ({ directory }) => {
  const almost = fc.record({ uuid: fc.oneof(fc.constant(UUID), fc.anything()), format: fc.oneof(fc.constantFrom(0.5, FORMAT), fc.anything()), data: fc.oneof(fc.constantFrom(0, -1, 0.5), fc.string()) }, { requiredKeys: [] })
  const texts = fc.oneof(fc.string({ unit: 'binary' }), fc.json(), almost.map(value => JSON.stringify(value, (_, part) => typeof part === 'bigint' ? `${part}` : part as unknown)))
  await check(fc.property(texts, text => {
    writeFileSync(join(directory, 'STORE'), text)
    const code = codeOf(() => readIdentity(directory))
    assert.ok(code === 'VECTOR_CORRUPTION' || code === 'VECTOR_FORMAT_UNSUPPORTED', `${code} for ${text}`)
  }))
})

test('a generation comes back, and 0 stands for one that is not to be known', async ({ directory }) => {
  assert.is(readGeneration(directory), 0)
  for (const generation of [1, 2, 10, 999_999_999]) {
    writeGeneration(directory, generation)
    assert.is(readGeneration(directory), generation)
  }
  forgetGeneration(directory)
  assert.is(readGeneration(directory), 0)
  forgetGeneration(directory)
  await check(fc.property(fc.oneof(fc.string(), fc.constantFrom('-1', '0', '1.5', '01', '1e3', '', '99999999999999999999')), text => {
    fc.pre(!/^\s*[1-9][0-9]{0,14}\s*$/.test(text))
    writeFileSync(join(directory, 'INDEX'), text)
    assert.is(readGeneration(directory), 0)
  }))
})

test('the opening marker stands until it is cleared', ({ directory }) => {
  assert.not(hasOpeningMarker(directory))
  clearOpeningMarker(directory)
  setOpeningMarker(directory)
  assert.ok(hasOpeningMarker(directory))
  clearOpeningMarker(directory)
  assert.not(hasOpeningMarker(directory))
})

test('the parts of a store have these names', () => {
  assert.is(dataDirectory('/store', 2), join('/store', 'data-2'))
  assert.is(truthDirectory('/store/data-2'), join('/store/data-2', 'truth'))
  assert.is(generationDirectory('/store/data-2', 12), join('/store/data-2', 'index-12'))
})

test.run()
