import { VectorLevelError } from '../floor/errors.js'
import type { Checksum } from './checksum.js'

const HEADER = 8

/** A small value with its checksum (u64) before it, seeded with what it is. */
export function seal(checksum: Checksum, seed: bigint, value: Uint8Array): Buffer {
  const bytes = Buffer.allocUnsafe(HEADER + value.length)
  bytes.set(value, HEADER)
  bytes.writeBigUInt64LE(checksum.hash(seed, value), 0)
  return bytes
}

/** @throws {VectorLevelError} VECTOR_CORRUPTION when the checksum does not fit */
export function unseal(checksum: Checksum, seed: bigint, bytes: Buffer, what: string): Buffer {
  if (bytes.length < HEADER || bytes.readBigUInt64LE(0) !== checksum.hash(seed, bytes.subarray(HEADER))) {
    throw new VectorLevelError('VECTOR_CORRUPTION', `${what} (${bytes.length} bytes) fails its checksum`)
  }
  return bytes.subarray(HEADER)
}
