/**
 * A beam: u64[count] sorted ascending, each `key << 32 | id << 1 | expanded`.
 *
 * One sorted array instead of two heaps: the worst is last, the nearest unexpanded is found by a cursor, and insertion is a
 * binary search and a block move. Ids have 31 bits.
 */

// @ts-ignore: decorator
@inline
export function entryOf(key: u32, id: u32): u64 {
  return (<u64>key << 32) | (<u64>id << 1)
}

// @ts-ignore: decorator
@inline
export function keyOf(entry: u64): u32 {
  return <u32>(entry >> 32)
}

// @ts-ignore: decorator
@inline
export function idOf(entry: u64): u32 {
  return (<u32>entry) >> 1
}

/** Where `entry` belongs among the first `count` of the beam. */
// @ts-ignore: decorator
@inline
export function positionIn(beam: usize, count: u32, entry: u64): u32 {
  let low: u32 = 0
  let high = count
  while (low < high) {
    const middle = (low + high) >> 1
    if (load<u64>(beam + (<usize>middle << 3)) < entry) low = middle + 1
    else high = middle
  }
  return low
}

/** Puts `entry` at `position`; what would be the entry after `capacity` falls off. Returns the new count. */
// @ts-ignore: decorator
@inline
export function insertAt(beam: usize, count: u32, capacity: u32, position: u32, entry: u64): u32 {
  const kept = min(count, capacity - 1)
  const at = beam + (<usize>position << 3)
  memory.copy(at + 8, at, <usize>(kept - position) << 3)
  store<u64>(at, entry)
  return kept + 1
}

/** Inserts into a list of the `capacity` smallest, when it belongs there. Returns the new count. */
export function insertSorted(list: usize, count: u32, capacity: u32, entry: u64): u32 {
  if (count == capacity && entry >= load<u64>(list + (<usize>(count - 1) << 3))) return count
  return insertAt(list, count, capacity, positionIn(list, count, entry), entry)
}
