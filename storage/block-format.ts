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

/** What this needs of the kernel. */
export interface BlockKernel {
  sealBlock(frame: number, byteLength: number, place: number, storeTag: bigint): void
  isSealed(frame: number, byteLength: number, place: number, storeTag: bigint): boolean | number
}

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
