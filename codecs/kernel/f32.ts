/**
 * Distances over full float vectors: rows of f32, four rows side by side so that one load of the query serves four and
 * their cache misses overlap. Row bytes are a multiple of 16, padded with zeros.
 */

import { hsum4f, touch } from './lanes'

/** Rows up to this long are touched ahead; in longer ones the processor's own prefetching does as well. */
const TOUCHED: usize = 640

/** Maps a float to a u32 that sorts like it, negative values included. */
// @ts-ignore: decorator
@inline
export function sortable(value: f32): u32 {
  const bits = reinterpret<u32>(value)
  return bits ^ (<u32>(<i32>bits >> 31) | 0x80000000)
}

/** The inverse of sortable. */
// @ts-ignore: decorator
@inline
export function unsortable(key: u32): f32 {
  return reinterpret<f32>(key & 0x80000000 ? key ^ 0x80000000 : ~key)
}

/**
 * HOT PATH: squared L2 of the query to `count` rows, as sortable keys.
 *
 * Shapes: query f32[dim]; addresses u32[count + 3], the tail is overwritten; keys u32[count + 3], written.
 */
export function scoreL2(query: usize, rowBytes: usize, addresses: usize, count: u32, keys: usize): void {
  const ahead = rowBytes <= TOUCHED
  for (let i: u32 = 0; i < count; i += 4) {
    let a = <usize>load<u32>(addresses + (i << 2))
    let b = <usize>load<u32>(addresses + (i << 2), 4)
    let c = <usize>load<u32>(addresses + (i << 2), 8)
    let d = <usize>load<u32>(addresses + (i << 2), 12)
    if (ahead && i + 4 < count) store<u32>(keys + (i << 2), touch(addresses + (i << 2) + 16, rowBytes))
    let sa = f32x4.splat(0), sb = sa, sc = sa, sd = sa
    let q = query
    const end = query + rowBytes
    while (q < end) {
      const x = v128.load(q)
      const da = f32x4.sub(x, v128.load(a))
      const db = f32x4.sub(x, v128.load(b))
      const dc = f32x4.sub(x, v128.load(c))
      const dd = f32x4.sub(x, v128.load(d))
      sa = f32x4.add(sa, f32x4.mul(da, da))
      sb = f32x4.add(sb, f32x4.mul(db, db))
      sc = f32x4.add(sc, f32x4.mul(dc, dc))
      sd = f32x4.add(sd, f32x4.mul(dd, dd))
      q += 16; a += 16; b += 16; c += 16; d += 16
    }
    const sum = hsum4f(sa, sb, sc, sd)
    // Squares are not negative, so that their bits sort as they are; the sign bit keeps one mapping for all metrics.
    v128.store(keys + (i << 2), v128.or(sum, i32x4.splat(0x80000000)))
  }
}

/** HOT PATH: `bias - query . row` for `count` rows, as sortable keys. Shapes as in scoreL2. */
export function scoreDot(query: usize, rowBytes: usize, bias: f32, addresses: usize, count: u32, keys: usize): void {
  const ahead = rowBytes <= TOUCHED
  for (let i: u32 = 0; i < count; i += 4) {
    let a = <usize>load<u32>(addresses + (i << 2))
    let b = <usize>load<u32>(addresses + (i << 2), 4)
    let c = <usize>load<u32>(addresses + (i << 2), 8)
    let d = <usize>load<u32>(addresses + (i << 2), 12)
    if (ahead && i + 4 < count) store<u32>(keys + (i << 2), touch(addresses + (i << 2) + 16, rowBytes))
    let sa = f32x4.splat(0), sb = sa, sc = sa, sd = sa
    let q = query
    const end = query + rowBytes
    while (q < end) {
      const x = v128.load(q)
      sa = f32x4.add(sa, f32x4.mul(x, v128.load(a)))
      sb = f32x4.add(sb, f32x4.mul(x, v128.load(b)))
      sc = f32x4.add(sc, f32x4.mul(x, v128.load(c)))
      sd = f32x4.add(sd, f32x4.mul(x, v128.load(d)))
      q += 16; a += 16; b += 16; c += 16; d += 16
    }
    const value = f32x4.sub(f32x4.splat(bias), hsum4f(sa, sb, sc, sd))
    const flip = v128.or(i32x4.shr_s(value, 31), i32x4.splat(0x80000000))
    v128.store(keys + (i << 2), v128.xor(value, flip))
  }
}

/** Scales a vector to unit length in place; returns its length before. Shapes: vector f32[byteLength / 4], 16-byte multiple. */
export function normalize(vector: usize, byteLength: usize): f64 {
  let even = f64x2.splat(0), odd = even
  const end = vector + byteLength
  for (let p = vector; p < end; p += 16) {
    const x = v128.load(p)
    const low = f64x2.promote_low_f32x4(x)
    const high = f64x2.promote_low_f32x4(v128.shuffle<i64>(x, x, 1, 1))
    even = f64x2.add(even, f64x2.mul(low, low))
    odd = f64x2.add(odd, f64x2.mul(high, high))
  }
  const sum = f64x2.add(even, odd)
  const length = Math.sqrt(f64x2.extract_lane(sum, 0) + f64x2.extract_lane(sum, 1))
  if (length > 0) {
    const inverse = f64x2.splat(1 / length)
    for (let p = vector; p < end; p += 16) {
      const x = v128.load(p)
      const low = f32x4.demote_f64x2_zero(f64x2.mul(f64x2.promote_low_f32x4(x), inverse))
      const high = f32x4.demote_f64x2_zero(f64x2.mul(f64x2.promote_low_f32x4(v128.shuffle<i64>(x, x, 1, 1)), inverse))
      v128.store(p, v128.shuffle<i64>(low, high, 0, 2))
    }
  }
  return length
}
