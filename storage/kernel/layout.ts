/**
 * The words of a space descriptor in kernel memory. This file is read by both compilers, so that there is one layout.
 *
 * A space is a sequence of equally wide rows, cut into blocks; a block that is resident stands in a frame.
 *
 * | offset | name | meaning |
 * |---|---|---|
 * | 0 | TABLE | ptr of u32[capacity]: block number -> frame ptr, 0 when not resident |
 * | 4 | REFERENCES | ptr of u8[capacity]: CLOCK reference counts |
 * | 8 | DIRTY | ptr of u8[capacity]: 1 when the frame differs from the block on disk, 2 while it is being written |
 * | 12 | CAPACITY | blocks that the three arrays have room for |
 * | 16 | ROW_BYTES | bytes of a row |
 * | 20 | ROWS | rows of a block |
 * | 24 | MAGIC | block = (row * MAGIC) >> SHIFT, for row < 2^28 |
 * | 28 | SHIFT | |
 * | 32 | ID | number of the space among those of the database |
 * | 36 | COUNTS | ptr of what each thread counts (COUNTS_BYTES each, a cache line of its own): u64 reads of rows, u64 faults |
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
export const SPACE_BYTES = 64

/** Of a thread's counts. */
export const COUNTS_READS = 0
export const COUNTS_FAULTS = 8
export const COUNTS_BYTES = 64

/** Bytes of a page of LMDB, and of the smallest frame. */
export const PAGE_BYTES = 4096

/** Bytes before the first row of a block. */
export const BLOCK_HEADER = 24

/** What the kernel writes into REFERENCES on every access; a block that was loaded and not yet used again has 1. */
export const REFERENCED = 3

/** The number of no block: a fault on it says that the cache cannot hold what is needed together. */
export const NO_BLOCK = 0xffffffff
