/**
 * A log entry: the operations of one commit, which is whole or absent.
 *
 * | offset | bytes | type | name | meaning |
 * |---|---|---|---|---|
 * | 0 | 8 | u64 | hash | of the bytes from 8, seeded with the hash of the entry before: the log is a chain |
 * | 8 | 8 | u64 | sequence | of the first operation |
 * | 16 | 4 | u32 | count | operations |
 * | 20 | 1 | u8 | synced | 1 when the commit was on stable storage before it was acknowledged |
 * | 21 | 13 each | | | u8 type, u32 collection, two u32 |
 *
 * Types: 1 put, 2 del, 3 rewrite: ordinal (NONE for del), previous (NONE if none). 4 recode: number of the codec, bytes of a code (0 where they cannot be
 * chosen). 5 recoded: NONE, NONE.
 */

import { VectorLevelError } from '../floor/errors.js'
import type { Checksum } from './checksum.js'

const HEADER = 21
const OPERATION_BYTES = 13
export const NONE = 0xffffffff
const PUT = 1
const DEL = 2
const REWRITE = 3
const RECODE = 4
const RECODED = 5

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
  /** No record is written: codes of another codec are to be made; `codeBytes` is 0 where the codec leaves no choice. */
  recode?: { codec: number, codeBytes: number }
  /** Nor here: those codes are all there, and used from here on. */
  recoded?: true
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
  for (const operation of operations) {
    const { collection, ordinal, previous, recode } = operation
    bytes[at] = typeOf(operation)
    bytes.writeUInt32LE(collection, at + 1)
    bytes.writeUInt32LE(recode ? recode.codec : ordinal, at + 5)
    bytes.writeUInt32LE(recode ? recode.codeBytes : previous, at + 9)
    at += OPERATION_BYTES
  }
  const hash = checksum.hash(previousHash, bytes.subarray(8))
  bytes.writeBigUInt64LE(hash, 0)
  return { bytes, hash }
}

function typeOf({ ordinal, rewrite, recode, recoded }: LogOperation): number {
  if (recode) return RECODE
  if (recoded) return RECODED
  return rewrite ? REWRITE : ordinal === NONE ? DEL : PUT
}

function readOperation(bytes: Buffer, at: number): LogOperation {
  const [type, collection, first, second] = [bytes[at], bytes.readUInt32LE(at + 1), bytes.readUInt32LE(at + 5), bytes.readUInt32LE(at + 9)]
  if (type === RECODE) return { collection, ordinal: NONE, previous: NONE, recode: { codec: first, codeBytes: second } }
  if (type === RECODED) return { collection, ordinal: NONE, previous: NONE, recoded: true }
  return { collection, ordinal: first, previous: second, ...(type === REWRITE && { rewrite: true }) }
}

/** What an entry says, whether or not it is sound; no operations when its length does not fit. */
export function readLogEntry(bytes: Buffer): Omit<LogEntry, 'sequence'> {
  const operations: LogOperation[] = []
  if (bytes.length < HEADER) return { hash: 0n, synced: false, operations }
  if (bytes.length === HEADER + bytes.readUInt32LE(16) * OPERATION_BYTES) {
    for (let at = HEADER; at < bytes.length; at += OPERATION_BYTES) operations.push(readOperation(bytes, at))
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
