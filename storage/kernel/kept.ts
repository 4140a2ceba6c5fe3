/** Rows that have no blocks to addresses, through the table of kept rows. */

import { COUNTS_FAULTS, KEPT_ENTRIES, KEPT_HEAD, KEPT_MASK, KEPT_ROW_BITS, KEPT_SPACE_BITS, MOST_ASKED, SPACE_ID, SPACE_KEPT } from './layout'
import { countsOf, flatAddress, IS_FLAT } from './space'

/**
 * The addresses of those of `count` rows that are kept, which have been asked for once more; counts the others, and says whether there are none. Valid until rows
 * are loaded.
 *
 * Shapes: rows u32[count]; addresses u32[count + 3], written, the last one repeated as padding for groups of four.
 */
export function resolveKept(space: usize, rows: usize, count: u32, addresses: usize): bool {
  let missing: u32 = 0
  for (let i: u32 = 0; i < count; i++) {
    const address = keptAddress(space, load<u32>(rows + (i << 2)))
    missing += u32(!address)
    store<u32>(addresses + (i << 2), <u32>address)
  }
  if (missing) {
    const counts = countsOf(space)
    store<u64>(counts, load<u64>(counts, COUNTS_FAULTS) + missing, COUNTS_FAULTS)
    return false
  }
  const last = load<u32>(addresses + ((count - 1) << 2))
  store<u32>(addresses + (count << 2), last)
  store<u32>(addresses + (count << 2), last, 4)
  store<u32>(addresses + (count << 2), last, 8)
  return true
}

/** Where a row stands; 0 when it is not kept. */
function keptAddress(space: usize, row: u32): usize {
  if (IS_FLAT) return flatAddress(space, row)
  const kept = <usize>load<u32>(space, SPACE_KEPT)
  const entries = <usize>load<u32>(kept, KEPT_ENTRIES)
  const mask = load<u32>(kept, KEPT_MASK)
  const id = load<u32>(space, SPACE_ID)
  for (let at = hashOf(id, row) & mask; ; at = (at + 1) & mask) {
    const head = <usize>atomic.load<u32>(entries + (<usize>at << 2))
    if (!head) return 0
    const first = load<u32>(head)
    if ((first & ((1 << KEPT_ROW_BITS) - 1)) != row || (load<u32>(head, 4) & ((1 << KEPT_SPACE_BITS) - 1)) != id) continue
    if (first >> KEPT_ROW_BITS < <u32>MOST_ASKED) store<u32>(head, first + (1 << KEPT_ROW_BITS))
    return head + KEPT_HEAD
  }
}

/** Where to look for a row first. Source: multiplication by 2^32 / the golden ratio, Knuth, The Art of Computer Programming 3, section 6.4. */
// @ts-ignore: decorator
@inline
function hashOf(id: u32, row: u32): u32 {
  const product = row * 0x9E3779B1 + id * 0x85EBCA6B
  return product ^ (product >> 15)
}
