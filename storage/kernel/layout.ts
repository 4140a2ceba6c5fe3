/**
 * The words of a space descriptor in kernel memory. This file is read by both compilers, so that there is one layout.
 *
 * A space is a sequence of equally wide rows, cut into blocks; a block that is resident stands in a frame.
 *
 * | offset | name | meaning |
 * |---|---|---|
 * | 0 | TABLE | ptr of u32[capacity]: block number -> frame ptr, 0 when not resident |
 * | 4 | REFERENCES | ptr of u8[pages of the memory]: CLOCK reference counts, where the frame begins; the same of all spaces |
 * | 8 | DIRTY | ptr of u8[capacity]: 1 when the frame differs from the block on disk, 2 while it is being written |
 * | 12 | CAPACITY | blocks that the two arrays have room for |
 * | 16 | ROW_BYTES | bytes of a row |
 * | 20 | ROWS | rows of a block |
 * | 24 | MAGIC | block = (row * MAGIC) >> SHIFT, for row < 2^28 |
 * | 28 | SHIFT | |
 * | 32 | ID | number of the space among those of the database |
 * | 36 | COUNTS | ptr of what each thread counts (COUNTS_BYTES each, a cache line of its own): u64 reads of rows, u64 faults |
 * | 40 | KEPT | ptr of the table of kept rows, where rows have no blocks |
 */
export const SPACE_TABLE = 0
export const SPACE_REFERENCES = 4
export const SPACE_DIRTY = 8
export const SPACE_CAPACITY = 12
export const SPACE_ROW_BYTES = 16
export const SPACE_ROWS = 20
export const SPACE_MAGIC = 24
export const SPACE_SHIFT = 28
export const SPACE_ID = 32
export const SPACE_COUNTS = 36
export const SPACE_KEPT = 40
export const SPACE_BYTES = 64

/**
 * The table of rows that have no blocks: u32[MASK + 1] addresses of their heads, 0 for none; by linear probing from the row's hash on.
 *
 * A head is followed by the row, and both are aligned to 8 bytes:
 *
 * | offset | bits | meaning |
 * |---|---|---|
 * | 0 | 0..27 | row |
 * | 0 | 28..31 | how often it was asked for, at most MOST_ASKED |
 * | 4 | 0..15 | space |
 * | 4 | 16..31 | bytes of head and row, in units of 8 |
 */
export const KEPT_ENTRIES = 0
export const KEPT_MASK = 4
export const KEPT_BYTES = 8
export const KEPT_HEAD = 8
export const KEPT_ROW_BITS = 28
export const KEPT_SPACE_BITS = 16
export const MOST_ASKED = 3

/** Of a thread's counts. */
export const COUNTS_READS = 0
export const COUNTS_FAULTS = 8
export const COUNTS_BYTES = 64

/** Bytes of a page of LMDB, and of the smallest frame. */
export const PAGE_BYTES = 4096
export const PAGE_BITS = 12

/** Bytes before the first row of a block. */
export const BLOCK_HEADER = 24

/** What the kernel writes into REFERENCES on every access; a block that was loaded and not yet used has 1. */
export const REFERENCED = 3

/** The number of no block: a fault on it says that the cache cannot hold what is needed together. */
export const NO_BLOCK = 0xffffffff
