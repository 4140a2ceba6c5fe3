import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import fc from 'fast-check'
import { xxHash64 } from '../../index/reference/checksum.js'
import { check } from '../seed.js'
import { makeChecksum } from './bytes.js'

const test = suite('checksum')
const checksum = makeChecksum()
const PIECE = 32_760

/** As the docstring tells it. */
function chained(seed: bigint, bytes: Uint8Array): bigint {
  let hash = seed
  for (let from = 0; from === 0 || from < bytes.length; from += PIECE) {
    const piece = Buffer.alloc(8 + Math.min(PIECE, bytes.length - from))
    piece.writeBigUInt64LE(hash)
    piece.set(bytes.subarray(from, from + PIECE), 8)
    hash = xxHash64(piece)
  }
  return hash
}

test('a hash is that of the pieces, each chained to the one before', async () => {
  const lengths = fc.oneof(fc.nat({ max: 300 }), fc.constantFrom(PIECE - 1, PIECE, PIECE + 1, 2 * PIECE, 2 * PIECE + 5))
  await check(fc.property(lengths, fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), fc.nat({ max: 255 }), (byteLength, seed, step) => {
    const bytes = Uint8Array.from({ length: byteLength }, (_, i) => i * step)
    assert.is(checksum.hash(seed, bytes), chained(seed, bytes))
  }), { numRuns: 50 })
})

test('what a hash is seeded with is covered by it', () => {
  const bytes = Buffer.from('the same bytes')
  assert.is.not(checksum.hash(1n, bytes), checksum.hash(2n, bytes))
  assert.is.not(checksum.hash(0n, new Uint8Array(0)), checksum.hash(1n, new Uint8Array(0)))
})

test.run()
