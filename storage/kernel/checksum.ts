/** xxHash64 with seed 0 of `byteLength` bytes. Source: Collet, xxHash specification 0.1.1. */

const P1: u64 = 0x9E3779B185EBCA87
const P2: u64 = 0xC2B2AE3D27D4EB4F
const P3: u64 = 0x165667B19E3779F9
const P4: u64 = 0x85EBCA77C2B2AE63
const P5: u64 = 0x27D4EB2F165667C5

// @ts-ignore: decorator
@inline
function round(accumulator: u64, lane: u64): u64 {
  return rotl<u64>(accumulator + lane * P2, 31) * P1
}

// @ts-ignore: decorator
@inline
function merge(hash: u64, accumulator: u64): u64 {
  return (hash ^ round(0, accumulator)) * P1 + P4
}

export function checksum(ptr: usize, byteLength: u32): u64 {
  let p = ptr
  const end = ptr + byteLength
  let hash: u64
  if (byteLength >= 32) {
    let a = P1 + P2, b = P2, c: u64 = 0, d: u64 = 0 - P1
    const limit = end - 32
    do {
      a = round(a, load<u64>(p))
      b = round(b, load<u64>(p, 8))
      c = round(c, load<u64>(p, 16))
      d = round(d, load<u64>(p, 24))
      p += 32
    } while (p <= limit)
    hash = rotl<u64>(a, 1) + rotl<u64>(b, 7) + rotl<u64>(c, 12) + rotl<u64>(d, 18)
    hash = merge(merge(merge(merge(hash, a), b), c), d)
  } else {
    hash = P5
  }
  hash += byteLength
  for (; p + 8 <= end; p += 8) hash = rotl<u64>(hash ^ round(0, load<u64>(p)), 27) * P1 + P4
  if (p + 4 <= end) {
    hash = rotl<u64>(hash ^ <u64>load<u32>(p) * P1, 23) * P2 + P3
    p += 4
  }
  for (; p < end; p++) hash = rotl<u64>(hash ^ <u64>load<u8>(p) * P5, 11) * P1
  hash ^= hash >> 33
  hash *= P2
  hash ^= hash >> 29
  hash *= P3
  return hash ^ (hash >> 32)
}
