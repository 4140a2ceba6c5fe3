import * as assert from 'uvu/assert'
import fc from 'fast-check'
import { Arena } from '../../../storage/arena.js'
import { BUILDS, bareKernel, COMPILED, kernelSuite } from '../../index/kernel-suite.js'
import { check } from '../../seed.js'

/** The bytes of xxhsum's own check. */
function sanityBytes(byteLength: number): Uint8Array {
  let generator = 2654435761n
  return Uint8Array.from({ length: byteLength }, () => {
    const byte = Number(generator >> 56n)
    generator = BigInt.asUintN(64, generator * 11400714785074694797n)
    return byte
  })
}

/** Published values of xxHash64 with seed 0. */
const KNOWN: [Uint8Array, bigint][] = [
  [new Uint8Array(0), 0xEF46DB3751D8E999n],
  [Buffer.from('a'), 0xD24EC4F1A98C6E5Bn],
  [Buffer.from('abc'), 0x44BC2CF5AD770999n],
  [Buffer.from('The quick brown fox jumps over the lazy dog'), 0x0B242D361FDA71BCn],
  [sanityBytes(1), 0xE934A84ADB052768n],
  [sanityBytes(14), 0x8282DCC4994E35C8n],
  [sanityBytes(222), 0xB641AE8CB691C174n]
]

kernelSuite('kernel checksum', BUILDS, (test, build) => {
  const arena = new Arena(2 ** 20)
  const kernel = bareKernel(build, arena)
  const at = arena.allocate(1024)

  test('known inputs have the published hashes', () => {
    for (const [bytes, hash] of KNOWN) {
      arena.bytes.set(bytes, at + 3)
      assert.is(BigInt.asUintN(64, kernel.checksum(at + 3, bytes.length)), hash, Buffer.from(bytes).toString('hex'))
    }
  })
})

kernelSuite('kernel checksum against the reference', COMPILED, (test, build) => {
  const arena = new Arena(2 ** 20)
  const kernel = bareKernel(build, arena)
  const reference = bareKernel('reference', arena)
  const at = arena.allocate(1024)

  test('hashes are the same, for any length at any address', async () => {
    await check(fc.property(fc.uint8Array({ maxLength: 300, size: 'max' }), fc.nat({ max: 15 }), (bytes, offset) => {
      arena.bytes.set(bytes, at + offset)
      assert.is(BigInt.asUintN(64, kernel.checksum(at + offset, bytes.length)), reference.checksum(at + offset, bytes.length))
    }), { numRuns: 300 })
  })
})
