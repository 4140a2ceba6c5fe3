/** The header of a block (storage/block-format.ts), which stands at the beginning of its frame. */

import { checksum } from './checksum'

const HASHED: u32 = 8

/** Completes the header of a block. */
export function sealBlock(frame: usize, byteLength: u32, place: f64, storeTag: u64): void {
  store<f64>(frame, place, 8)
  store<u64>(frame, storeTag, 16)
  store<u64>(frame, checksum(frame + HASHED, byteLength - HASHED))
}

/** Whether a block is the one that was sealed with these. */
export function isSealed(frame: usize, byteLength: u32, place: f64, storeTag: u64): bool {
  return load<f64>(frame, 8) == place && load<u64>(frame, 16) == storeTag && load<u64>(frame) == checksum(frame + HASHED, byteLength - HASHED)
}
