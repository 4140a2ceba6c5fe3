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
  const capacity = load<u32>(level, LEVEL_CAPACITY)
  const empty = load<u32>(level, LEVEL_EMPTY)
  let count: u32 = 0
  while (count < capacity && neighborAt(level, row, count) != empty) count++
  return count
}

/** Where an id stands in the list; the number of neighbors when it does not. */
export function positionOf(level: usize, row: usize, id: u32): u32 {
  const count = countNeighbors(level, row)
  let position: u32 = 0
  while (position < count && neighborAt(level, row, position) != id) position++
  return position
}

/** Replaces the list by `count` ids. */
export function writeNeighbors(level: usize, row: usize, ids: usize, count: u32): void {
  const capacity = load<u32>(level, LEVEL_CAPACITY)
  const empty = load<u32>(level, LEVEL_EMPTY)
  for (let i: u32 = 0; i < capacity; i++) setNeighbor(level, row, i, i < count ? load<u32>(ids + (i << 2)) : empty)
}
