/** The neighbors in a row of a level: ids of LEVEL_STRIDE bytes, the first empty one ends the list; protected ones stand first. */

import { LEVEL_CAPACITY, LEVEL_EMPTY, LEVEL_HEADER, LEVEL_STRIDE } from './layout'

// @ts-ignore: decorator
@inline
export function neighborAt(level: usize, row: usize, index: u32): u32 {
  return load<u32>(row + load<u32>(level, LEVEL_HEADER) + index * load<u32>(level, LEVEL_STRIDE)) & load<u32>(level, LEVEL_EMPTY)
}

// @ts-ignore: decorator
@inline
export function setNeighbor(level: usize, row: usize, index: u32, id: u32): void {
  const at = row + load<u32>(level, LEVEL_HEADER) + index * load<u32>(level, LEVEL_STRIDE)
  if (load<u32>(level, LEVEL_STRIDE) == 3) {
    store<u16>(at, id)
    store<u8>(at, id >> 16, 2)
  } else {
    store<u32>(at, id)
  }
}

export function countNeighbors(level: usize, row: usize): u32 {
  return countBefore(level, row, load<u32>(level, LEVEL_EMPTY))
}

/** Where an id stands in the list; the number of neighbors when it does not. */
export function positionOf(level: usize, row: usize, id: u32): u32 {
  return countBefore(level, row, id)
}

export function hasNeighbor(level: usize, row: usize, id: u32): bool {
  const position = countBefore(level, row, id)
  return position < load<u32>(level, LEVEL_CAPACITY) && neighborAt(level, row, position) == id
}

/** HOT PATH: neighbors before an id, or all. */
function countBefore(level: usize, row: usize, id: u32): u32 {
  const capacity = load<u32>(level, LEVEL_CAPACITY)
  const stride = <usize>load<u32>(level, LEVEL_STRIDE)
  const empty = load<u32>(level, LEVEL_EMPTY)
  let at = row + <usize>load<u32>(level, LEVEL_HEADER)
  let count: u32 = 0
  for (; count < capacity; count++, at += stride) {
    const neighbor = load<u32>(at) & empty
    if (neighbor == id || neighbor == empty) break
  }
  return count
}

/** Copies the list; returns how many it has. Shapes: ids u32[capacity], written. */
export function copyNeighbors(level: usize, row: usize, ids: usize): u32 {
  const capacity = load<u32>(level, LEVEL_CAPACITY)
  const stride = <usize>load<u32>(level, LEVEL_STRIDE)
  const empty = load<u32>(level, LEVEL_EMPTY)
  let at = row + <usize>load<u32>(level, LEVEL_HEADER)
  let count: u32 = 0
  for (; count < capacity; count++, at += stride) {
    const neighbor = load<u32>(at) & empty
    if (neighbor == empty) break
    store<u32>(ids + (count << 2), neighbor)
  }
  return count
}

/** Replaces the list by `count` ids. */
export function writeNeighbors(level: usize, row: usize, ids: usize, count: u32): void {
  const capacity = load<u32>(level, LEVEL_CAPACITY)
  const empty = load<u32>(level, LEVEL_EMPTY)
  for (let i: u32 = 0; i < capacity; i++) setNeighbor(level, row, i, i < count ? load<u32>(ids + (i << 2)) : empty)
}
