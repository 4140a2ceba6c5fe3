import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import fc from 'fast-check'
import { seal, unseal } from '../../storage/sealed.js'
import { check } from '../seed.js'
import { decodes, flips, makeChecksum } from './bytes.js'

const test = suite('sealed')
const checksum = makeChecksum()

test('a value comes back under the seed that it was sealed with, and under no other', async () => {
  const seeds = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n })
  await check(fc.property(fc.uint8Array({ maxLength: 200, size: 'max' }), seeds, seeds, (value, seed, other) => {
    const bytes = seal(checksum, seed, value)
    assert.equal([...unseal(checksum, seed, bytes, 'it')], [...value])
    if (seed !== other) assert.not(decodes(() => unseal(checksum, other, bytes, 'it')))
  }))
})

test('a value longer than the staging area of the checksum comes back', () => {
  const value = Buffer.alloc(100_000, 'abc')
  const bytes = seal(checksum, 3n, value)
  assert.ok(value.equals(unseal(checksum, 3n, bytes, 'it')))
  bytes[70_000] ^= 1
  assert.not(decodes(() => unseal(checksum, 3n, bytes, 'it')))
})

test('the bytes of a fixed value are these', () => {
  assert.is(seal(checksum, 1n, Buffer.from('value')).toString('hex'), GOLDEN)
})

test('any flipped bit, and any missing byte, is noticed', () => {
  const bytes = seal(checksum, 9n, Buffer.from('a value'))
  for (const { bit, flipped } of flips(bytes)) assert.not(decodes(() => unseal(checksum, 9n, flipped, 'it')), `bit ${bit}`)
  for (let length = 0; length < bytes.length; length++) assert.not(decodes(() => unseal(checksum, 9n, bytes.subarray(0, length), 'it')), `${length} bytes`)
})

test('the error says what it was', () => {
  assert.throws(() => unseal(checksum, 0n, Buffer.alloc(20), 'the checkpoint'), /the checkpoint \(20 bytes\)/)
})

test.run()

const GOLDEN = '3e9a04f43d52495676616c7565'
