/**
 * Row numbers to addresses, through the block table of a space.
 *
 * Compiled with FLAT, for benches alone, SPACE_TABLE is the address of the first row, and the others stand behind it: nothing is counted, and nothing can miss.
 */

import {
  BLOCK_HEADER, COUNTS_BYTES, COUNTS_FAULTS, COUNTS_READS, NO_BLOCK, PAGE_BITS, REFERENCED, SPACE_COUNTS, SPACE_DIRTY, SPACE_ID, SPACE_MAGIC, SPACE_REFERENCES, SPACE_ROWS,
  SPACE_ROW_BYTES, SPACE_SHIFT, SPACE_TABLE
} from './layout'

// @ts-ignore: a constant of the build
export const IS_FLAT: i32 = FLAT

/** Times that a set of rows is loaded before it is clear that the cache cannot hold them together. */
export const MOST_TRIES: u32 = 1000

/** Makes a block resident (and throws through the kernel when it cannot). */
// @ts-ignore: decorator
@external('env', 'fault')
declare function fault(spaceId: u32, block: u32): void

/** Makes blocks resident that are not. Shapes: blocks u32[count]. */
// @ts-ignore: decorator
@external('env', 'faultAll')
declare function faultAll(spaceId: u32, blocks: usize, count: u32): void

/** Where the counts of this instance's thread stand behind SPACE_COUNTS. */
let ownCounts: usize = 0

/** Says which thread this instance of the module is for. */
export function setThread(index: u32): void {
  ownCounts = <usize>index * COUNTS_BYTES
}

export function threadIndex(): u32 {
  return <u32>(ownCounts / COUNTS_BYTES)
}

/** What this instance's thread has counted of a space (layout.ts). */
// @ts-ignore: decorator
@inline
export function countsOf(space: usize): usize {
  return <usize>load<u32>(space, SPACE_COUNTS) + ownCounts
}

// @ts-ignore: decorator
@inline
export function countReads(space: usize, count: u32): void {
  if (IS_FLAT) return
  const counts = countsOf(space)
  store<u64>(counts, load<u64>(counts, COUNTS_READS) + count, COUNTS_READS)
}

/** Lists the blocks of `count` rows that are not resident, and counts them; returns how many. Shapes: list u32[count], written. */
function listMissing(space: usize, rows: usize, count: u32, list: usize): u32 {
  const table = <usize>load<u32>(space, SPACE_TABLE)
  let missing: u32 = 0
  for (let i: u32 = 0; i < count; i++) {
    const block = blockOf(space, load<u32>(rows + (i << 2)))
    if (load<u32>(table + (block << 2))) continue
    let known: u32 = 0
    while (known < missing && load<u32>(list + (known << 2)) != block) known++
    if (known < missing) continue
    store<u32>(list + (missing << 2), block)
    missing++
  }
  const counts = countsOf(space)
  store<u64>(counts, load<u64>(counts, COUNTS_FAULTS) + missing, COUNTS_FAULTS)
  return missing
}

function miss(space: usize, block: u32): void {
  const counts = countsOf(space)
  store<u64>(counts, load<u64>(counts, COUNTS_FAULTS) + 1, COUNTS_FAULTS)
  fault(load<u32>(space, SPACE_ID), block)
}

// @ts-ignore: decorator
@inline
export function blockOf(space: usize, row: u32): u32 {
  return <u32>((<u64>row * <u64>load<u32>(space, SPACE_MAGIC)) >> load<u32>(space, SPACE_SHIFT))
}

// @ts-ignore: decorator
@inline
export function flatAddress(space: usize, row: u32): usize {
  return load<u32>(space, SPACE_TABLE) + row * load<u32>(space, SPACE_ROW_BYTES)
}

/** The address of a row; loads its block when it is not resident. Valid until the next fault. */
export function rowAddress(space: usize, row: u32): usize {
  if (IS_FLAT) return flatAddress(space, row)
  const block = blockOf(space, row)
  let frame = load<u32>(load<u32>(space, SPACE_TABLE) + (block << 2))
  countReads(space, 1)
  if (!frame) {
    miss(space, block)
    frame = load<u32>(load<u32>(space, SPACE_TABLE) + (block << 2))
  }
  store<u8>(load<u32>(space, SPACE_REFERENCES) + (frame >> PAGE_BITS), REFERENCED)
  return frame + BLOCK_HEADER + (row - block * load<u32>(space, SPACE_ROWS)) * load<u32>(space, SPACE_ROW_BYTES)
}

/** As rowAddress, for a row that is about to be changed. */
export function dirtyRowAddress(space: usize, row: u32): usize {
  const address = rowAddress(space, row)
  if (!IS_FLAT) store<u8>(load<u32>(space, SPACE_DIRTY) + blockOf(space, row), 1)
  return address
}

/**
 * HOT PATH: the addresses of `count` rows, all resident at once.
 *
 * The first pass has no call in it, which keeps its registers; blocks that miss are loaded by a slow path of its own, after
 * which the pass is run again, since a load may have evicted what was there.
 *
 * Shapes: rows u32[count]; addresses u32[count + 3], written, the last one repeated as padding for groups of four.
 */
export function resolveRows(space: usize, rows: usize, count: u32, addresses: usize): void {
  countReads(space, count)
  for (let tries: u32 = 0; !resolveResident(space, rows, count, addresses); tries++) {
    if (tries == MOST_TRIES) refuse(space)
    loadMissing(space, rows, count, addresses)
  }
}

/** The cache cannot hold what is needed together. */
export function refuse(space: usize): void {
  fault(load<u32>(space, SPACE_ID), NO_BLOCK)
}

/** HOT PATH: as resolveRows, but loads nothing; says whether all are resident. */
// @ts-ignore: decorator
@inline
export function resolveResident(space: usize, rows: usize, count: u32, addresses: usize): bool {
  const table = <usize>load<u32>(space, SPACE_TABLE)
  const references = <usize>load<u32>(space, SPACE_REFERENCES)
  const magic = <u64>load<u32>(space, SPACE_MAGIC)
  const shift = <u64>load<u32>(space, SPACE_SHIFT)
  const perBlock = load<u32>(space, SPACE_ROWS)
  const rowBytes = load<u32>(space, SPACE_ROW_BYTES)
  let missing: u32 = 0
  for (let i: u32 = 0; i < count; i++) {
    const row = load<u32>(rows + (i << 2))
    if (IS_FLAT) {
      store<u32>(addresses + (i << 2), <u32>table + row * rowBytes)
      continue
    }
    const block = <u32>((<u64>row * magic) >> shift)
    const frame = load<u32>(table + (block << 2))
    missing |= u32(frame == 0)
    // Of one that is missing, it is page 0, which is no frame.
    store<u8>(references + (frame >> PAGE_BITS), REFERENCED)
    store<u32>(addresses + (i << 2), frame + BLOCK_HEADER + (row - block * perBlock) * rowBytes)
  }
  if (missing) return false
  const last = load<u32>(addresses + ((count - 1) << 2))
  store<u32>(addresses + (count << 2), last)
  store<u32>(addresses + (count << 2), last, 4)
  store<u32>(addresses + (count << 2), last, 8)
  return true
}

/** Asks for all that miss at once: who does may have to wait for another thread. Shapes: list u32[count], written. */
function loadMissing(space: usize, rows: usize, count: u32, list: usize): void {
  const missing = listMissing(space, rows, count, list)
  if (missing) faultAll(load<u32>(space, SPACE_ID), list, missing)
}
