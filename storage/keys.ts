/**
 * Keys of the LevelDB store.
 *
 * | prefix | then | value |
 * |---|---|---|
 * | b | u32be collection | what its codes are like: checksum, msgpack (src/kept-codes.ts) |
 * | b | u32be collection, u32be version | codebook: likewise |
 * | b | u32be collection, u32be version, u32be block | block of codes (code-block-format.ts) |
 * | c | utf8 name | collection: checksum, msgpack of its options |
 * | k | u32be collection, utf8 key | ordinal, and which of its records (ordinal-format.ts) |
 * | l | u64be sequence | log entry (log-format.ts) |
 * | m | | uuid of the store, sequence and hash up to which the log was trimmed |
 * | r | u32be collection, u32be ordinal | record (record-format.ts) |
 */

import type { CodePlace } from './code-block-format.js'

const CODES = 0x62
const COLLECTION = 0x63
const KEY = 0x6b
const LOG = 0x6c
const META = 0x6d
const RECORD = 0x72

export const META_KEY = Buffer.of(META)

export function collectionKey(name: string): Buffer {
  return Buffer.concat([Buffer.of(COLLECTION), Buffer.from(name)])
}

/** The bounds of all descriptions, of all keys of users, and of all records. */
export const COLLECTION_RANGE = { gte: Buffer.of(COLLECTION), lt: Buffer.of(COLLECTION + 1) }
export const KEY_RANGE = { gte: Buffer.of(KEY), lt: Buffer.of(KEY + 1) }
export const RECORD_RANGE = { gte: Buffer.of(RECORD), lt: Buffer.of(RECORD + 1) }

export function userKey(collection: number, key: Uint8Array): Buffer {
  const bytes = Buffer.allocUnsafe(5 + key.length)
  bytes[0] = KEY
  bytes.writeUInt32BE(collection, 1)
  bytes.set(key, 5)
  return bytes
}

/** The part of a stored key that the user gave. */
export function userPart(stored: Uint8Array): Buffer {
  return Buffer.from(stored.buffer, stored.byteOffset + 5, stored.length - 5)
}

/** What lies behind all keys of a collection. */
export function userKeyEnd(collection: number): Buffer {
  return userKey(collection + 1, new Uint8Array(0))
}

export function logKey(sequence: number): Buffer {
  const bytes = Buffer.allocUnsafe(9)
  bytes[0] = LOG
  bytes.writeBigUInt64BE(BigInt(sequence), 1)
  return bytes
}

export function sequenceOf(stored: Buffer): number {
  return Number(stored.readBigUInt64BE(1))
}

export function recordKey(collection: number, ordinal: number): Buffer {
  const bytes = Buffer.allocUnsafe(9)
  bytes[0] = RECORD
  bytes.writeUInt32BE(collection, 1)
  bytes.writeUInt32BE(ordinal, 5)
  return bytes
}

/** Of what the codes of a collection are like; all of them are behind it, and before that of the next collection. */
export function codesKey(collection: number): Buffer {
  const bytes = Buffer.allocUnsafe(5)
  bytes[0] = CODES
  bytes.writeUInt32BE(collection, 1)
  return bytes
}

/** Of a codebook, of which the collection has had `version` before; all codes that were made with it are behind it, and before the next. */
export function codebookKey(collection: number, version: number): Buffer {
  const bytes = Buffer.allocUnsafe(9)
  bytes.set(codesKey(collection))
  bytes.writeUInt32BE(version, 5)
  return bytes
}

export function codeBlockKey({ collection, version, block }: CodePlace): Buffer {
  const bytes = Buffer.allocUnsafe(13)
  bytes.set(codebookKey(collection, version))
  bytes.writeUInt32BE(block, 9)
  return bytes
}

export function ordinalOf(stored: Buffer): number {
  return stored.readUInt32BE(5)
}
