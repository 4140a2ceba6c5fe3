import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import fc from 'fast-check'
import { KIND_BASE, KIND_CODES, placeOf } from '../../storage/block-format.js'
import { BlockStore, dataFile } from '../../storage/block-store.js'
import { reasonToDiscard } from '../../storage/guard.js'
import { encodeNumberKey } from '../../storage/lmdb-format.js'
import { RunCheck } from '../../storage/run-check.js'
import { check } from '../seed.js'
import { makeChecksum } from './bytes.js'

const PAGE = 4096
const PLACES = Array.from({ length: 400 }, (_, i) => placeOf(i % 7, i % 2 ? KIND_BASE : KIND_CODES, i))

const test = suite<{ directory: string, whole: Buffer }>('run check')

test.before(async context => {
  context.directory = mkdtempSync(join(tmpdir(), 'vector-level-runs-'))
  const store = new BlockStore(context.directory)
  for (let round = 0; round < 3; round++) {
    const blocks = PLACES.map((place, i) => ({ place, bytes: Buffer.alloc(i % 50 ? 4072 : 16360, round) }))
    store.write(blocks, new Map([['checkpoint', Buffer.alloc(100)]]))
  }
  await store.close()
  context.whole = readFileSync(dataFile(context.directory))
})
test.after(({ directory }) => rmSync(directory, { recursive: true, force: true }))

/** The first that is said of places. */
function findInReplaced(directory: string, places: number[]): string | undefined {
  const runs = new RunCheck(dataFile(directory))
  try {
    for (const place of places) {
      const found = runs.find(place)
      if (found) return found
    }
    return undefined
  } finally {
    runs.close()
  }
}

/** The page of a block: the only place where its key stands in the newest leaf, before the number of the page. */
function pageOf(bytes: Buffer, place: number): number {
  const key = encodeNumberKey(place)
  const transaction = Math.max(bytes.readUInt32LE(152), bytes.readUInt32LE(PAGE + 152))
  for (let page = 2; page * PAGE < bytes.length; page++) {
    const at = page * PAGE
    if (bytes.readUInt16LE(at + 18) !== 2 || bytes.readUInt32LE(at + 8) !== transaction) continue
    for (let i = 0; i < bytes.readUInt16LE(at + 20) / 2; i++) {
      const node = at + 24 + bytes.readUInt16LE(at + 24 + 2 * i)
      if (bytes.subarray(node + 8, node + 8 + bytes.readUInt16LE(node + 6)).equals(key)) return bytes.readUInt32LE(node + 8 + key.length)
    }
  }
  throw new Error(`no block ${place}`)
}

test('numbers have the keys that LMDB gives them', () => {
  for (const [number, key] of [[0, '10000000'], [1, '13ff0000'], [5, '14014000'], [2 ** 28 + 1, '141b00000010']] as const) {
    assert.is(encodeNumberKey(number).toString('hex'), key, String(number))
  }
})

test('every block is found, and what LMDB wrote may be replaced', ({ directory, whole }) => {
  for (const place of PLACES) assert.ok(pageOf(whole, place) >= 2)
  assert.is(findInReplaced(directory, PLACES), undefined)
  assert.is(findInReplaced(directory, [...PLACES].reverse()), undefined)
})

test('what is not there yet may be written', async ({ directory }) => {
  assert.is(findInReplaced(directory, [1e9 + 1, 5e12]), undefined)
  const empty = join(directory, 'empty')
  await new BlockStore(empty).close()
  assert.is(findInReplaced(empty, PLACES), undefined)
})

test('any flipped bit in what LMDB believes of a block is noticed before it is replaced, and by nothing else', async ({ directory, whole }) => {
  const [BYTES_OF_USE, TRANSACTION] = [[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 18, 19, 20, 21, 22, 23], 8]
  await check(fc.property(fc.nat({ max: PLACES.length - 1 }), fc.constantFrom(...BYTES_OF_USE), fc.nat({ max: 7 }), (i, byte, bit) => {
    const bytes = Buffer.from(whole)
    const at = pageOf(whole, PLACES[i]!) * PAGE
    const before = bytes[at + byte]!
    bytes[at + byte]! ^= 1 << bit
    // An older transaction is as good as that which it was.
    fc.pre(byte !== TRANSACTION || bytes[at + byte]! > before)
    writeFileSync(dataFile(directory), bytes)
    assert.match(findInReplaced(directory, PLACES) ?? 'nothing', `of block ${PLACES[i]!} `)
    assert.is(findInReplaced(directory, PLACES.filter(place => place !== PLACES[i])), undefined)
    assert.is(reasonToDiscard(directory, makeChecksum()), undefined, 'the guard reads no blocks')
  }), { numRuns: 60 })
  writeFileSync(dataFile(directory), whole)
})

test('a file that cannot be read is an error', ({ directory }) => {
  assert.throws(() => new RunCheck(join(directory, 'nowhere')), /ENOENT/)
})

test.run()
