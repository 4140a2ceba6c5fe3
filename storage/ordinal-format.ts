/**
 * The ordinal that a key leads to, and which of the records that had it over time.
 *
 * | offset | bytes | type | name | meaning |
 * |---|---|---|---|---|
 * | 0 | 3 | u24 | ordinal | |
 * | 3 | 1 | u8 | tag | low byte of the record's sequence |
 * | 4 | 4 | u32 | checksum | low half of the hash of the key, seeded with collection << 32 or the four bytes before |
 *
 * An older record of the ordinal passes its own checksum, and may even be one of the same key. It is noticed by its tag, but for one in 256.
 */

import { VectorLevelError } from '../floor/errors.js'
import type { Checksum } from './checksum.js'

const BYTES = 8

export interface TaggedOrdinal {
  ordinal: number
  tag: number
}

/** The tag of a record that was written at a sequence. */
export function tagOf(sequence: number): number {
  return sequence % 256
}

function sumOf(checksum: Checksum, collection: number, key: Uint8Array, word: number): number {
  return Number(BigInt.asUintN(32, checksum.hash((BigInt(collection) << 32n) | BigInt(word), key)))
}

export function encodeOrdinal(checksum: Checksum, collection: number, key: Uint8Array, { ordinal, tag }: TaggedOrdinal): Buffer {
  const value = Buffer.allocUnsafe(BYTES)
  value.writeUIntLE(ordinal, 0, 3)
  value.writeUInt8(tag, 3)
  value.writeUInt32LE(sumOf(checksum, collection, key, value.readUInt32LE(0)), 4)
  return value
}

/** @throws {VectorLevelError} VECTOR_CORRUPTION when the value is not what was written for the key */
export function decodeOrdinal(checksum: Checksum, collection: number, key: Uint8Array, value: Buffer): TaggedOrdinal {
  if (value.length !== BYTES || value.readUInt32LE(4) !== sumOf(checksum, collection, key, value.readUInt32LE(0))) {
    throw new VectorLevelError('VECTOR_CORRUPTION',
      `the ordinal of key '${Buffer.from(key).toString()}' in collection ${collection} (${value.length} bytes) fails its checksum`)
  }
  return { ordinal: value.readUIntLE(0, 3), tag: value[3]! }
}
