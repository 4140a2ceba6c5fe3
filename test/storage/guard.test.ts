import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import fc from 'fast-check'
import { BlockStore, dataFile } from '../../storage/block-store.js'
import { reasonToDiscard, sealMeta } from '../../storage/guard.js'
import { check } from '../seed.js'
import { makeChecksum } from './bytes.js'

const checksum = makeChecksum()

const test = suite<{ directory: string }>('guard')

test.before.each(context => {
  context.directory = mkdtempSync(join(tmpdir(), 'vector-level-guard-'))
})
test.after.each(({ directory }) => rmSync(directory, { recursive: true, force: true }))

/** A generation that LMDB wrote and closed. */
async function writeGeneration(directory: string): Promise<Buffer> {
  const store = new BlockStore(directory)
  for (let round = 0; round < 3; round++) {
    store.write(Array.from({ length: 20 }, (_, i) => ({ place: i, bytes: Buffer.alloc(4072, round) })), new Map([['meta', Buffer.from('value')]]))
  }
  await store.close()
  return readFileSync(dataFile(directory))
}

test('what LMDB wrote may be opened', async ({ directory }) => {
  await writeGeneration(directory)
  assert.is(reasonToDiscard(directory, checksum), undefined)
})

test('a directory without a data file is not opened', ({ directory }) => {
  assert.is(reasonToDiscard(directory, checksum), 'no data file')
})

test('a file that was cut off is refused, wherever it was cut', async ({ directory }) => {
  const whole = await writeGeneration(directory)
  for (const byteLength of [0, 1, 100, 4096, 8191, 8192, whole.length >> 1, whole.length - 4096]) {
    writeFileSync(dataFile(directory), whole)
    truncateSync(dataFile(directory), byteLength)
    assert.match(reasonToDiscard(directory, checksum)!, new RegExp(`the data file has ${byteLength} bytes`), `${byteLength} bytes`)
  }
})

test('a meta page without its magic number is refused', async ({ directory }) => {
  const whole = await writeGeneration(directory)
  for (const page of [0, 1]) {
    const damaged = Buffer.from(whole)
    damaged[page * 4096 + 24] ^= 1
    writeFileSync(dataFile(directory), damaged)
    assert.is(reasonToDiscard(directory, checksum), `meta page ${page} of the data file has no magic number`)
  }
})

test('arbitrary bytes are refused with a reason', async ({ directory }) => {
  await check(fc.property(fc.uint8Array({ maxLength: 20_000, size: 'max' }), bytes => {
    writeFileSync(dataFile(directory), bytes)
    assert.type(reasonToDiscard(directory, checksum), 'string')
  }), { numRuns: 50 })
})

/** The number of the meta page whose transaction is the newer one. */
function newestPage(whole: Buffer): number {
  return whole.readBigUInt64LE(152) > whole.readBigUInt64LE(4096 + 152) ? 0 : 1
}

test('any flipped bit of the newest meta page is noticed once it is sealed', async ({ directory }) => {
  const whole = await writeGeneration(directory)
  sealMeta(directory, checksum)
  assert.is(reasonToDiscard(directory, checksum), undefined)
  const page = newestPage(whole) * 4096
  for (let bit = 0; bit < 4096 * 8; bit += bit < 200 * 8 ? 1 : 61) {
    const damaged = Buffer.from(whole)
    damaged[page + (bit >> 3)] ^= 1 << (bit & 7)
    writeFileSync(dataFile(directory), damaged.subarray(0, 8192))
    // The rest of the file counts by its length alone.
    truncateSync(dataFile(directory), whole.length)
    assert.type(reasonToDiscard(directory, checksum), 'string', `bit ${bit & 7} of byte ${bit >> 3}`)
  }
})

test('an older data file in the place of the sealed one is noticed', async ({ directory }) => {
  const older = await writeGeneration(directory)
  await writeGeneration(directory)
  sealMeta(directory, checksum)
  writeFileSync(dataFile(directory), older)
  assert.match(reasonToDiscard(directory, checksum)!, 'its newest transaction is')
})

test('transactions after the seal, and a seal that is lost or damaged, prove nothing', async ({ directory }) => {
  await writeGeneration(directory)
  sealMeta(directory, checksum)
  for (let later = 0; later < 4; later++) {
    const store = new BlockStore(directory)
    store.write([{ place: later, bytes: Buffer.alloc(4072, later) }], new Map())
    await store.close()
    assert.is(reasonToDiscard(directory, checksum), undefined, `${later + 1} transactions later`)
  }
  for (const text of ['', '{}', '{"transaction":"x","hash":"1"}', 'null']) {
    writeFileSync(join(directory, 'SEAL'), text)
    assert.is(reasonToDiscard(directory, checksum), undefined, text)
  }
  rmSync(join(directory, 'SEAL'))
  assert.is(reasonToDiscard(directory, checksum), undefined)
})

test.run()
