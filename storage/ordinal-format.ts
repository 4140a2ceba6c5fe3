/**
 * The ordinal that a key leads to.
 *
 * | offset | bytes | type | name | meaning |
 * |---|---|---|---|---|
 * | 0 | 4 | u32 | ordinal | |
 * | 4 | 4 | u32 | checksum | low half of the hash of the key, seeded with collection << 32 or ordinal |
 */

import { VectorLevelError } from '../floor/errors.js'
import type { Checksum } from './checksum.js'

const BYTES = 8

function sumOf(checksum: Checksum, collection: number, key: Uint8Array, ordinal: number): number {
  return Number(BigInt.asUintN(32, checksum.hash((BigInt(collection) << 32n) | BigInt(ordinal), key)))
}

export function encodeOrdinal(checksum: Checksum, collection: number, key: Uint8Array, ordinal: number): Buffer {
  const value = Buffer.allocUnsafe(BYTES)
  value.writeUInt32LE(ordinal, 0)
  value.writeUInt32LE(sumOf(checksum, collection, key, ordinal), 4)
  return value
}

/** @throws {VectorLevelError} VECTOR_CORRUPTION when the value is not what was written for the key */
export function decodeOrdinal(checksum: Checksum, collection: number, key: Uint8Array, value: Buffer): number {
  const ordinal = value.length === BYTES ? value.readUInt32LE(0) : 0
  if (value.length !== BYTES || value.readUInt32LE(4) !== sumOf(checksum, collection, key, ordinal)) {
    throw new VectorLevelError('VECTOR_CORRUPTION',
      `the ordinal of key '${Buffer.from(key).toString()}' in collection ${collection} (${value.length} bytes) fails its checksum`)
  }
  return ordinal
}
