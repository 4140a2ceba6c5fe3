/**
 * A record: what the user gave under a key.
 *
 * | offset | bytes | type | name | meaning |
 * |---|---|---|---|---|
 * | 0 | 8 | u64 | checksum | of the bytes from 8, seeded with collection << 32 or ordinal, so that a record out of place is noticed |
 * | 8 | 6 | u48 | sequence | of the first operation of the commit that wrote it |
 * | 14 | 2 | u16 | keyBytes | the highest bit: there is no vector, its code stands for it |
 * | 16 | | | vector | packed (vector-format.ts); or nothing |
 * | | keyBytes | utf8 | key | |
 * | | | msgpack | metadata | to the end; nothing for undefined |
 */

import { VectorLevelError } from '../floor/errors.js'
import type { Checksum } from './checksum.js'
import { packedByteLength, packedEnd, packVector, unpackVector } from './vector-format.js'

const HEADER = 16
const CODED = 0x8000
/** Where records are encoded; grown to the largest. */
let room = Buffer.alloc(0)

export interface RecordTail {
  sequence: number
  /** Whether it has no vector: its code is all that is left of it. */
  coded: boolean
  key: Uint8Array
  metadata: Uint8Array
}

/** The seed that binds a record to its place. */
function seedOf(collection: number, ordinal: number): bigint {
  return (BigInt(collection) << 32n) | BigInt(ordinal)
}

/** Without a `vector` it is one whose code stands for it. Shapes: vector u32[dim], its bits. Valid until: the next call. */
export function encodeRecord(
  checksum: Checksum, collection: number, ordinal: number, sequence: number, vector: Uint32Array | undefined, key: Uint8Array, metadata: Uint8Array,
  pack = packVector
): Buffer {
  const most = HEADER + (vector ? packedByteLength(vector.length) : 0) + key.length + metadata.length
  if (room.length < most) room = Buffer.allocUnsafeSlow(most)
  const record = room
  record.writeUIntLE(sequence, 8, 6)
  record.writeUInt16LE(key.length | (vector ? 0 : CODED), 14)
  let at = vector ? pack(vector, record, HEADER) : HEADER
  record.set(key, at)
  at += key.length
  record.set(metadata, at)
  at += metadata.length
  return sealed(checksum, collection, ordinal, record.subarray(0, at))
}

function sealed(checksum: Checksum, collection: number, ordinal: number, record: Buffer): Buffer {
  record.writeBigUInt64LE(checksum.hash(seedOf(collection, ordinal), record.subarray(8)), 0)
  return record
}

/**
 * The same record under another ordinal.
 *
 * @throws {VectorLevelError} VECTOR_CORRUPTION when the checksum does not fit
 */
export function moveRecord(checksum: Checksum, collection: number, from: number, to: number, record: Buffer): Buffer {
  checkRecord(checksum, collection, from, record)
  return sealed(checksum, collection, to, Buffer.from(record))
}

/**
 * The same record without its vector; undefined when it has none. Shapes: `dim` is that of the vector.
 *
 * @throws {VectorLevelError} VECTOR_CORRUPTION when the checksum or the lengths do not fit
 */
export function dropVector(checksum: Checksum, collection: number, ordinal: number, record: Buffer, dim: number): Buffer | undefined {
  checkRecord(checksum, collection, ordinal, record)
  if (isCoded(record)) return undefined
  const rest = record.subarray(packedEnd(record, HEADER, dim))
  const dropped = Buffer.allocUnsafe(HEADER + rest.length)
  dropped.set(record.subarray(0, HEADER))
  dropped.set(rest, HEADER)
  dropped.writeUInt16LE(record.readUInt16LE(14) | CODED, 14)
  return sealed(checksum, collection, ordinal, dropped)
}

function isCoded(record: Buffer): boolean {
  return (record.readUInt16LE(14) & CODED) !== 0
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
 * Decodes a record: its vector's bits, if it has one, into `vector` at `to`, its other parts as views of `record`.
 *
 * @throws {VectorLevelError} VECTOR_CORRUPTION when the checksum or the lengths do not fit
 */
export function decodeRecord(
  checksum: Checksum, collection: number, ordinal: number, record: Buffer, dim: number, vector: Uint32Array, to: number
): RecordTail {
  return openRecord(checksum, collection, ordinal, record, at => unpackVector(record, at, dim, vector, to))
}

/**
 * The same, where `unpack` takes the vector that begins at an offset of `record`, and returns the offset behind.
 *
 * @throws {VectorLevelError} VECTOR_CORRUPTION when the checksum or the lengths do not fit
 */
export function openRecord(checksum: Checksum, collection: number, ordinal: number, record: Buffer, unpack: (at: number) => number): RecordTail {
  checkRecord(checksum, collection, ordinal, record)
  const coded = isCoded(record)
  const keyAt = coded ? HEADER : unpack(HEADER)
  const metadataAt = keyAt + (record.readUInt16LE(14) & ~CODED)
  if (metadataAt > record.length) {
    throw new VectorLevelError('VECTOR_CORRUPTION', `the key of the record of ordinal ${ordinal} ends at ${metadataAt} of ${record.length} bytes`)
  }
  return { sequence: recordSequence(record), coded, key: record.subarray(keyAt, metadataAt), metadata: record.subarray(metadataAt) }
}
