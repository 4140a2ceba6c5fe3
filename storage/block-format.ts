/**
 * A block: rows of one space, as LMDB holds them. Its value is PAGE_SLACK bytes less than its frame.
 *
 * | offset | bytes | type | name | meaning |
 * |---|---|---|---|---|
 * | 0 | 8 | u64 | checksum | xxHash64 of the bytes from 8 |
 * | 8 | 8 | f64 | place | its key in LMDB (kind, collection, number): a block out of place is noticed |
 * | 16 | 8 | u64 | store | first bytes of the store's uuid: so is one of another store |
 * | 24 | | | rows | |
 */

import type { Arena } from './arena.js'
import type { Checksum } from './checksum.js'

const COLLECTION_UNIT = 2 ** 31
const KIND_UNIT = 2 ** 28

/** The kinds of spaces that LMDB holds. */
export const KIND_CODES = 0
export const KIND_BASE = 1
export const KIND_UPPER = 2
export const KIND_STATES = 3
export const KIND_RECODES = 4

/** The key of a block: ordered by collection, kind, number. */
export function placeOf(collection: number, kind: number, block: number): number {
  return collection * COLLECTION_UNIT + kind * KIND_UNIT + block
}

/** Completes the header of a block in kernel memory. */
export function sealBlock(arena: Arena, checksum: Checksum, frame: number, byteLength: number, place: number, store: bigint): void {
  const view = new DataView(arena.bytes.buffer, frame, byteLength)
  view.setFloat64(8, place, true)
  view.setBigUint64(16, store, true)
  view.setBigUint64(0, checksum.ofMemory(frame + 8, byteLength - 8), true)
}

/** Whether the block in kernel memory is the one that was written there by this store. */
export function isSealed({ f64, u64 }: Arena, checksum: Checksum, frame: number, byteLength: number, place: number, store: bigint): boolean {
  return f64[frame / 8 + 1] === place && u64[frame / 8 + 2] === store && u64[frame / 8] === checksum.ofMemory(frame + 8, byteLength - 8)
}
