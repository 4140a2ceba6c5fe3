/**
 * A record: what the user gave under a key.
 *
 * | offset | bytes | type | name | meaning |
 * |---|---|---|---|---|
 * | 0 | 8 | u64 | checksum | of the bytes from 8, seeded with collection << 32 or ordinal, so that a record out of place is noticed |
 * | 8 | 6 | u48 | sequence | of the first operation of the commit that wrote it |
 * | 14 | 2 | u16 | keyBytes | |
 * | 16 | | | vector | packed (vector-format.ts) |
 * | | keyBytes | utf8 | key | |
 * | | | msgpack | metadata | to the end; nothing for undefined |
 */

import { VectorLevelError } from '../floor/errors.js'
import type { Checksum } from './checksum.js'
import { packedByteLength, packVector, unpackVector } from './vector-format.js'

const HEADER = 16
/** Where records are encoded; grown to the largest. */
let room = Buffer.alloc(0)

export interface RecordTail {
  sequence: number
  key: Uint8Array
  metadata: Uint8Array
}

/** The seed that binds a record to its place. */
function seedOf(collection: number, ordinal: number): bigint {
  return (BigInt(collection) << 32n) | BigInt(ordinal)
}

/** Valid until: the next call. */
export function encodeRecord(
  checksum: Checksum, collection: number, ordinal: number, sequence: number, vector: Uint32Array, key: Uint8Array, metadata: Uint8Array
): Buffer {
  const most = HEADER + packedByteLength(vector.length) + key.length + metadata.length
  if (room.length < most) room = Buffer.allocUnsafeSlow(most)
  const record = room
  record.writeUIntLE(sequence, 8, 6)
  record.writeUInt16LE(key.length, 14)
  let at = packVector(vector, record, HEADER)
  record.set(key, at)
  at += key.length
  record.set(metadata, at)
  at += metadata.length
  record.writeBigUInt64LE(checksum.hash(seedOf(collection, ordinal), record.subarray(8, at)), 0)
  return record.subarray(0, at)
}

/**
 * The same record under another ordinal.
 *
 * @throws {VectorLevelError} VECTOR_CORRUPTION when the checksum does not fit
 */
export function moveRecord(checksum: Checksum, collection: number, from: number, to: number, record: Buffer): Buffer {
  checkRecord(checksum, collection, from, record)
  const moved = Buffer.from(record)
  moved.writeBigUInt64LE(checksum.hash(seedOf(collection, to), moved.subarray(8)), 0)
  return moved
}

/** The sequence of a record, checked or not. */
export function recordSequence(record: Buffer): number {
  return record.readUIntLE(8, 6)
}

function checkRecord(checksum: Checksum, collection: number, ordinal: number, record: Buffer): void {
  if (record.length < HEADER || record.readBigUInt64LE(0) !== checksum.hash(seedOf(collection, ordinal), record.subarray(8))) {
    throw new VectorLevelError('VECTOR_CORRUPTION', `the record of ordinal ${ordinal} in collection ${collection} (${record.length} bytes) fails its checksum`)
  }
}

/**
 * Decodes a record: its vector's bits into `vector` at `to`, its other parts as views of `record`.
 *
 * @throws {VectorLevelError} VECTOR_CORRUPTION when the checksum or the lengths do not fit
 */
export function decodeRecord(
  checksum: Checksum, collection: number, ordinal: number, record: Buffer, dim: number, vector: Uint32Array, to: number
): RecordTail {
  checkRecord(checksum, collection, ordinal, record)
  const keyAt = unpackVector(record, HEADER, dim, vector, to)
  const metadataAt = keyAt + record.readUInt16LE(14)
  if (metadataAt > record.length) {
    throw new VectorLevelError('VECTOR_CORRUPTION', `the key of the record of ordinal ${ordinal} ends at ${metadataAt} of ${record.length} bytes`)
  }
  return { sequence: recordSequence(record), key: record.subarray(keyAt, metadataAt), metadata: record.subarray(metadataAt) }
}
