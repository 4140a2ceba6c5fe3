import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import fc from 'fast-check'
import { crc32c } from '../../storage/crc32c.js'
import { check } from '../seed.js'

/** Bit by bit. */
function reference(bytes: Uint8Array): number {
  let crc = ~0
  for (const byte of bytes) {
    crc ^= byte
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0x82f63b78 : 0)
  }
  return ~crc >>> 0
}

const test = suite('crc32c')

// Source: RFC 3720, B.4.
for (const [name, bytes, expected] of [
  ['32 zeros', new Uint8Array(32), 0x8a9136aa],
  ['32 ones', new Uint8Array(32).fill(0xff), 0x62a8ab43],
  ['0 to 31', Uint8Array.from({ length: 32 }, (_, i) => i), 0x46dd794e],
  ['nothing', new Uint8Array(0), 0]
] as const) {
  test(`gives the published value for ${name}`, () => assert.is(crc32c(bytes), expected))
}

test('equals the sum bit by bit, for any part of any bytes', async () => {
  await check(fc.property(fc.uint8Array({ maxLength: 100 }), fc.nat({ max: 100 }), fc.nat({ max: 100 }), (bytes, a, b) => {
    const [from, to] = [Math.min(a, b, bytes.length), Math.min(Math.max(a, b), bytes.length)]
    assert.is(crc32c(bytes, from, to), reference(bytes.subarray(from, to)))
  }))
})

test.run()
