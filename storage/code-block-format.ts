/**
 * A block of codes of a collection that keeps nothing else of its vectors, as LevelDB holds it: the rows of a frame, without what is left over in it.
 *
 * | offset | bytes | type | name | meaning |
 * |---|---|---|---|---|
 * | 0 | 8 | u64 | checksum | of the bytes from 8, seeded with its place, so that a block out of place is noticed |
 * | 8 | 1 | u8 | writing | how often it had been written by then (src/writings.ts): an older one that shows through is noticed |
 * | 9 | | | rows | |
 */

import type { Checksum } from './checksum.js'
import { seal, unseal } from './sealed.js'

/** A block of the codes that were made with the codebook of a version. */
export interface CodePlace {
  collection: number
  version: number
  block: number
}

function seedOf({ collection, version, block }: CodePlace): bigint {
  return BigInt.asUintN(64, (BigInt(collection) << 44n) ^ (BigInt(version) << 28n) ^ BigInt(block))
}

export interface CodeBlock {
  writing: number
  rows: Uint8Array
}

export function encodeCodeBlock(checksum: Checksum, place: CodePlace, { writing, rows }: CodeBlock): Buffer {
  const value = Buffer.allocUnsafe(1 + rows.length)
  value[0] = writing
  value.set(rows, 1)
  return seal(checksum, seedOf(place), value)
}

/** @throws {VectorLevelError} VECTOR_CORRUPTION when it is not what was written there; the message begins with `what` */
export function decodeCodeBlock(checksum: Checksum, place: CodePlace, bytes: Buffer, what: string): CodeBlock {
  const value = unseal(checksum, seedOf(place), bytes, what)
  return { writing: value[0]!, rows: value.subarray(1) }
}
