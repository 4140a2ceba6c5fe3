/**
 * A log entry: the operations of one commit, which is whole or absent.
 *
 * | offset | bytes | type | name | meaning |
 * |---|---|---|---|---|
 * | 0 | 8 | u64 | hash | of the bytes from 8, seeded with the hash of the entry before: the log is a chain |
 * | 8 | 8 | u64 | sequence | of the first operation |
 * | 16 | 4 | u32 | count | operations |
 * | 20 | 1 | u8 | synced | 1 when the commit was on stable storage before it was acknowledged |
 * | 21 | 13 each | | | u8 type (1 put, 2 del, 3 rewrite), u32 collection, u32 ordinal (NONE for del), u32 previous (NONE if none) |
 */

import { VectorLevelError } from '../floor/errors.js'
import type { Checksum } from './checksum.js'

const HEADER = 21
const OPERATION_BYTES = 13
export const NONE = 0xffffffff
const PUT = 1
const DEL = 2
const REWRITE = 3

export interface LogOperation {
  collection: number
  /** Of the record that it wrote; NONE for a deletion. */
  ordinal: number
  /** Of the record that it replaced or deleted; NONE if there was none. */
  previous: number
  /**
   * The record had the ordinal before: it was written anew with other metadata, and its vector is what it was. All entries before this one were on
   * stable storage then.
   */
  rewrite?: true
}

export interface LogEntry {
  sequence: number
  hash: bigint
  /** Whether the commit was on stable storage before it was acknowledged: only others may be missing after a power cut. */
  synced: boolean
  operations: LogOperation[]
}

export function encodeLogEntry(
  checksum: Checksum, previousHash: bigint, sequence: number, operations: LogOperation[], synced: boolean
): { bytes: Buffer, hash: bigint } {
  const bytes = Buffer.allocUnsafe(HEADER + operations.length * OPERATION_BYTES)
  bytes.writeBigUInt64LE(BigInt(sequence), 8)
  bytes.writeUInt32LE(operations.length, 16)
  bytes[20] = synced ? 1 : 0
  let at = HEADER
  for (const { collection, ordinal, previous, rewrite } of operations) {
    bytes[at] = rewrite ? REWRITE : ordinal === NONE ? DEL : PUT
    bytes.writeUInt32LE(collection, at + 1)
    bytes.writeUInt32LE(ordinal, at + 5)
    bytes.writeUInt32LE(previous, at + 9)
    at += OPERATION_BYTES
  }
  const hash = checksum.hash(previousHash, bytes.subarray(8))
  bytes.writeBigUInt64LE(hash, 0)
  return { bytes, hash }
}

/** What an entry says, whether or not it is sound; no operations when its length does not fit. */
export function readLogEntry(bytes: Buffer): Omit<LogEntry, 'sequence'> {
  const operations: LogOperation[] = []
  if (bytes.length < HEADER) return { hash: 0n, synced: false, operations }
  if (bytes.length === HEADER + bytes.readUInt32LE(16) * OPERATION_BYTES) {
    for (let at = HEADER; at < bytes.length; at += OPERATION_BYTES) {
      const operation: LogOperation = { collection: bytes.readUInt32LE(at + 1), ordinal: bytes.readUInt32LE(at + 5), previous: bytes.readUInt32LE(at + 9) }
      if (bytes[at] === REWRITE) operation.rewrite = true
      operations.push(operation)
    }
  }
  return { hash: bytes.readBigUInt64LE(0), synced: bytes[20] === 1, operations }
}

/** @throws {VectorLevelError} VECTOR_CORRUPTION when the entry is damaged or does not continue the chain */
export function decodeLogEntry(checksum: Checksum, previousHash: bigint, sequence: number, bytes: Buffer): LogEntry {
  const { hash, synced, operations } = readLogEntry(bytes)
  if (bytes.length !== HEADER + operations.length * OPERATION_BYTES || hash !== checksum.hash(previousHash, bytes.subarray(8)) ||
    bytes.readBigUInt64LE(8) !== BigInt(sequence)) {
    throw new VectorLevelError('VECTOR_CORRUPTION', `the log entry of sequence ${sequence} (${bytes.length} bytes) does not continue the log's chain of hashes`)
  }
  return { sequence, hash, synced, operations }
}
