/** xxHash64 with seed 0. Source: Collet, xxHash specification 0.1.1. */

const P1 = 0x9E3779B185EBCA87n
const P2 = 0xC2B2AE3D27D4EB4Fn
const P3 = 0x165667B19E3779F9n
const P4 = 0x85EBCA77C2B2AE63n
const P5 = 0x27D4EB2F165667C5n

function u64(value: bigint): bigint {
  return BigInt.asUintN(64, value)
}

function rotateLeft(value: bigint, by: bigint): bigint {
  return u64(value << by) | (value >> (64n - by))
}

function round(accumulator: bigint, lane: bigint): bigint {
  return u64(rotateLeft(u64(accumulator + lane * P2), 31n) * P1)
}

export function xxHash64(bytes: Uint8Array): bigint {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const length = bytes.length
  let at = 0
  let hash = P5
  if (length >= 32) {
    const accumulators = [u64(P1 + P2), P2, 0n, u64(-P1)]
    for (; at + 32 <= length; at += 32) {
      for (let lane = 0; lane < 4; lane++) accumulators[lane] = round(accumulators[lane], view.getBigUint64(at + 8 * lane, true))
    }
    const [a, b, c, d] = accumulators
    hash = u64(rotateLeft(a, 1n) + rotateLeft(b, 7n) + rotateLeft(c, 12n) + rotateLeft(d, 18n))
    for (const accumulator of accumulators) hash = u64((hash ^ round(0n, accumulator)) * P1 + P4)
  }
  hash = u64(hash + BigInt(length))
  for (; at + 8 <= length; at += 8) hash = u64(rotateLeft(hash ^ round(0n, view.getBigUint64(at, true)), 27n) * P1 + P4)
  for (; at + 4 <= length; at += 4) hash = u64(rotateLeft(hash ^ u64(BigInt(view.getUint32(at, true)) * P1), 23n) * P2 + P3)
  for (; at < length; at++) hash = u64(rotateLeft(hash ^ u64(BigInt(view.getUint8(at)) * P5), 11n) * P1)
  hash = u64((hash ^ (hash >> 33n)) * P2)
  hash = u64((hash ^ (hash >> 29n)) * P3)
  return hash ^ (hash >> 32n)
}
