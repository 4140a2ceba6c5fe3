import fc from 'fast-check'
import { VectorLevelError } from '../../floor/errors.js'
import { loadKernel } from '../../index/kernel.js'
import { Arena } from '../../storage/arena.js'
import { Checksum } from '../../storage/checksum.js'

/** A checksum as a database has it, with the key of its store. */
export function makeChecksum(key = 0n): Checksum {
  const arena = new Arena(2 ** 20)
  return new Checksum(loadKernel('simd', arena.memory, { fault: () => undefined, loadRecords: () => undefined }), arena, key)
}

/** Bits of floats: those of numbers, of denormals, infinities and zeros, and of NaNs with any payload. */
export const floatBits: fc.Arbitrary<number> = fc.oneof(
  fc.nat({ max: 0xffffffff }),
  fc.float().map(value => new Uint32Array(Float32Array.of(value).buffer)[0]),
  fc.float({ min: -10, max: 10, noNaN: true }).map(value => new Uint32Array(Float32Array.of(value).buffer)[0]),
  fc.tuple(fc.constantFrom(0, 0x80000000), fc.constantFrom(0, 1, 0x7fffff, 0x800000, 0x3f800000, 0x7f7fffff, 0x7f800000, 0x7f800001, 0x7fc00000, 0x7fffffff))
    .map(([sign, magnitude]) => (sign | magnitude) >>> 0)
)

/** Whether a function gave a value; anything but VECTOR_CORRUPTION that it throws is thrown on. */
export function decodes(decode: () => unknown): boolean {
  try {
    decode()
    return true
  } catch (error) {
    if (error instanceof VectorLevelError && error.code === 'VECTOR_CORRUPTION') return false
    throw error
  }
}

/** All copies of `bytes` with one bit flipped. */
export function* flips(bytes: Uint8Array): Generator<{ bit: number, flipped: Buffer }> {
  for (let bit = 0; bit < bytes.length * 8; bit++) {
    const flipped = Buffer.from(bytes)
    flipped[bit >> 3] ^= 1 << (bit & 7)
    yield { bit, flipped }
  }
}
