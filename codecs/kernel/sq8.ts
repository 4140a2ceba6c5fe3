/**
 * 8-bit scalar codes and their integer distances.
 *
 * A row is `dim` bytes followed by one u32. A component x is held as the level a = round((x - offset) / scale) in 0..255,
 * stored as the signed byte a - 128 so that both instruction sets can multiply it; the u32 is the part of the distance that
 * depends on the row alone. With b the stored (signed) byte and a the query's (unsigned) level, every metric is
 *
 *     key = base(query) + constant(row) - 2 * sum(a * b)
 *
 *   l2, cosine (unit vectors):  constant = sum(level^2),    base = sum(a^2) - 256 * sum(a)     key = sum((a - level)^2)
 *   dot (offset = -128 scale):  constant = 256 * sum(b),    base = 2^31                        key = 2^31 - 2 * sum((a - 128) * b)
 *
 * All arithmetic is modulo 2^32 and exact for up to 65,536 dimensions, so the relaxed and the plain build agree to the bit.
 *
 * A loaded query is, in the plain build, i16[dim] levels; in the relaxed build the low nibbles u8[dim] and the high nibbles
 * u8[dim], each padded with zeros to a multiple of 16, so that what a row holds behind its last component is multiplied by zero.
 */

import { hsum4, touch } from './lanes'

// @ts-ignore: decorator
@inline
function padded(dim: u32): usize {
  return (<usize>dim + 15) & ~15
}

/** HOT PATH: keys of `count` rows for the loaded query. Shapes: addresses u32[count + 3]; keys u32[count + 3], written. */
export function scoreSq8(query: usize, base: u32, dim: u32, addresses: usize, count: u32, keys: usize): void {
  const length = padded(dim)
  for (let i: u32 = 0; i < count; i += 4) {
    const a = <usize>load<u32>(addresses + (i << 2))
    const b = <usize>load<u32>(addresses + (i << 2), 4)
    const c = <usize>load<u32>(addresses + (i << 2), 8)
    const d = <usize>load<u32>(addresses + (i << 2), 12)
    if (i + 4 < count) store<u32>(keys + (i << 2), touch(addresses + (i << 2) + 16, dim + 4))
    let sa = i32x4.splat(0), sb = sa, sc = sa, sd = sa
    // @ts-ignore: a constant of the build
    if (RELAXED) {
      let ha = sa, hb = sa, hc = sa, hd = sa
      for (let o: usize = 0; o < length; o += 16) {
        const low = v128.load(query + o)
        const high = v128.load(query + length + o)
        const xa = v128.load(a + o), xb = v128.load(b + o), xc = v128.load(c + o), xd = v128.load(d + o)
        sa = i32x4.relaxed_dot_i8x16_i7x16_add_s(xa, low, sa)
        sb = i32x4.relaxed_dot_i8x16_i7x16_add_s(xb, low, sb)
        sc = i32x4.relaxed_dot_i8x16_i7x16_add_s(xc, low, sc)
        sd = i32x4.relaxed_dot_i8x16_i7x16_add_s(xd, low, sd)
        ha = i32x4.relaxed_dot_i8x16_i7x16_add_s(xa, high, ha)
        hb = i32x4.relaxed_dot_i8x16_i7x16_add_s(xb, high, hb)
        hc = i32x4.relaxed_dot_i8x16_i7x16_add_s(xc, high, hc)
        hd = i32x4.relaxed_dot_i8x16_i7x16_add_s(xd, high, hd)
      }
      sa = i32x4.add(sa, i32x4.shl(ha, 4))
      sb = i32x4.add(sb, i32x4.shl(hb, 4))
      sc = i32x4.add(sc, i32x4.shl(hc, 4))
      sd = i32x4.add(sd, i32x4.shl(hd, 4))
    } else {
      for (let o: usize = 0; o < length; o += 16) {
        const low = v128.load(query + (o << 1))
        const high = v128.load(query + (o << 1), 16)
        sa = i32x4.add(sa, i32x4.dot_i16x8_s(low, v128.load_ext<i8>(a + o)))
        sb = i32x4.add(sb, i32x4.dot_i16x8_s(low, v128.load_ext<i8>(b + o)))
        sc = i32x4.add(sc, i32x4.dot_i16x8_s(low, v128.load_ext<i8>(c + o)))
        sd = i32x4.add(sd, i32x4.dot_i16x8_s(low, v128.load_ext<i8>(d + o)))
        sa = i32x4.add(sa, i32x4.dot_i16x8_s(high, v128.load_ext<i8>(a + o, 8)))
        sb = i32x4.add(sb, i32x4.dot_i16x8_s(high, v128.load_ext<i8>(b + o, 8)))
        sc = i32x4.add(sc, i32x4.dot_i16x8_s(high, v128.load_ext<i8>(c + o, 8)))
        sd = i32x4.add(sd, i32x4.dot_i16x8_s(high, v128.load_ext<i8>(d + o, 8)))
      }
    }
    const constants = i32x4.replace_lane(i32x4.replace_lane(i32x4.replace_lane(i32x4.splat(
      load<i32>(a + dim)), 1, load<i32>(b + dim)), 2, load<i32>(c + dim)), 3, load<i32>(d + dim))
    const twice = i32x4.shl(hsum4(sa, sb, sc, sd), 1)
    v128.store(keys + (i << 2), i32x4.sub(i32x4.add(i32x4.splat(base), constants), twice))
  }
}

/** Loads a row as the query; returns its base. `signed` chooses the dot metric. Shapes: query u8[2 * padded(dim)], written. */
export function loadSq8(row: usize, dim: u32, signed: bool, query: usize): u32 {
  const length = padded(dim)
  const whole = <usize>dim & ~15
  let sum: u32 = 0
  let sums = i32x4.splat(0)
  const bias = i8x16.splat(-128)
  for (let o: usize = 0; o < whole; o += 16) {
    const levels = v128.xor(v128.load(row + o), bias)
    sums = i32x4.add(sums, i32x4.extadd_pairwise_i16x8_u(i16x8.extadd_pairwise_i8x16_u(levels)))
    storeLevels(query, length, o, levels)
  }
  if (whole < length) {
    let last = i8x16.splat(0)
    // The row ends within these 16 bytes; what follows belongs to others and must count as zero.
    const tail = query + (length << 1)
    v128.store(tail, last)
    for (let o = whole; o < dim; o++) store<u8>(tail + (o - whole), load<u8>(row + o) ^ 0x80)
    last = v128.load(tail)
    sums = i32x4.add(sums, i32x4.extadd_pairwise_i16x8_u(i16x8.extadd_pairwise_i8x16_u(last)))
    storeLevels(query, length, whole, last)
  }
  sum = i32x4.extract_lane(sums, 0) + i32x4.extract_lane(sums, 1) + i32x4.extract_lane(sums, 2) + i32x4.extract_lane(sums, 3)
  return signed ? 0x80000000 : load<u32>(row + dim) - (sum << 8)
}

// @ts-ignore: decorator
@inline
function storeLevels(query: usize, length: usize, o: usize, levels: v128): void {
  // @ts-ignore: a constant of the build
  if (RELAXED) {
    const nibble = i8x16.splat(15)
    v128.store(query + o, v128.and(levels, nibble))
    v128.store(query + length + o, v128.and(i16x8.shr_u(levels, 4), nibble))
  } else {
    v128.store(query + (o << 1), i16x8.extend_low_i8x16_u(levels))
    v128.store(query + (o << 1), i16x8.extend_high_i8x16_u(levels), 16)
  }
}

/**
 * Encodes one vector.
 *
 * Shapes: vector f32[dim], offsets f32[dim], both readable to a multiple of 4; row u8[dim + 4], written.
 */
export function encodeSq8(vector: usize, offsets: usize, inverse: f32, dim: u32, signed: bool, row: usize): void {
  let constant: i32 = 0
  const scale = f32x4.splat(inverse)
  for (let o: u32 = 0; o < dim; o += 4) {
    const x = f32x4.mul(f32x4.sub(v128.load(vector + (o << 2)), v128.load(offsets + (o << 2))), scale)
    const level = i32x4.min_s(i32x4.max_s(i32x4.trunc_sat_f32x4_s(f32x4.nearest(x)), i32x4.splat(0)), i32x4.splat(255))
    const left = min<u32>(dim - o, 4)
    let a = i32x4.extract_lane(level, 0)
    store<u8>(row + o, a - 128)
    constant += signed ? (a - 128) << 8 : a * a
    if (left > 1) {
      a = i32x4.extract_lane(level, 1)
      store<u8>(row + o, a - 128, 1)
      constant += signed ? (a - 128) << 8 : a * a
    }
    if (left > 2) {
      a = i32x4.extract_lane(level, 2)
      store<u8>(row + o, a - 128, 2)
      constant += signed ? (a - 128) << 8 : a * a
    }
    if (left > 3) {
      a = i32x4.extract_lane(level, 3)
      store<u8>(row + o, a - 128, 3)
      constant += signed ? (a - 128) << 8 : a * a
    }
  }
  store<i32>(row + dim, constant)
}
