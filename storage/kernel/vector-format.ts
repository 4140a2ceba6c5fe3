/** Full vectors, packed and unpacked: vector-format.ts tells how. Eight components are as many bytes as one is bits wide. */

const HEADER: usize = 5
const MANTISSA: i32 = 0x7fffff

/**
 * HOT PATH: unpacks a vector whose header is sound.
 *
 * Shapes: packed, its bytes and 16 more that may be read; vector f32[dim], written, padded with zeros to whole groups of four.
 */
export function unpackVector(packed: usize, dim: u32, vector: usize): void {
  const exponentBits = <u32>load<u8>(packed)
  const mantissaBits = <u32>load<u8>(packed, 1)
  const above = <i32>load<u8>(packed, 2) + 1
  const fields = packed + HEADER
  const width = 1 + exponentBits + mantissaBits
  // What is above a field is not masked yet.
  for (let i: u32 = 0, bit: u32 = 0; i < dim; i++, bit += width) {
    store<u32>(vector + (<usize>i << 2), <u32>(load<u64>(fields + (bit >> 3)) >> <u64>(bit & 7)))
  }
  for (let i = dim; i & 3; i++) store<u32>(vector + (<usize>i << 2), 0)
  const exceptions = fields + ((<usize>dim * width + 7) >> 3)
  readFields(vector, dim, exponentBits, mantissaBits, above, exceptions, exceptions + <usize>load<u16>(packed, 3))
  for (let i = dim; i & 3; i++) store<u32>(vector + (<usize>i << 2), 0)
}

/** Makes components of their fields, in place. */
function readFields(vector: usize, dim: u32, exponentBits: u32, mantissaBits: u32, above: i32, from: usize, end: usize): void {
  const zeroCode = i32x4.splat((1 << exponentBits) - 1)
  const mantissas = i32x4.splat((1 << mantissaBits) - 1)
  const highest = i32x4.splat(above)
  const dropped = 23 - mantissaBits
  const unused = 31 - exponentBits - mantissaBits
  let exceptionAt = from
  // Exceptions of 64 components are seen to together: they come at random, where a processor guesses wrong.
  for (let first: u32 = 0; first < dim; first += 64) {
    const most = min(first + 64, dim)
    let exceptions: u64 = 0
    for (let i = first; i < most; i += 4) {
      const fields = v128.load(vector + (<usize>i << 2))
      const code = v128.and(i32x4.shr_u(fields, mantissaBits), zeroCode)
      const exponent = v128.andnot(i32x4.shl(i32x4.sub(highest, code), 23), i32x4.eq(code, zeroCode))
      const rest = v128.or(i32x4.shl(v128.and(fields, mantissas), dropped), v128.and(i32x4.shl(fields, unused), i32x4.splat(0x80000000)))
      v128.store(vector + (<usize>i << 2), v128.or(rest, v128.and(exponent, i32x4.splat(0x7f800000))))
      exceptions |= <u64>i32x4.bitmask(i32x4.eq(code, i32x4.splat(0))) << <u64>(i - first)
    }
    if (first + 64 > dim) exceptions &= (<u64>1 << <u64>(dim - first)) - 1
    exceptionAt = readExceptions(exceptions, vector + (<usize>first << 2), exceptionAt, end)
  }
}

/** Gives the components of a set their exponents; returns the address of the next. */
function readExceptions(components: u64, vector: usize, from: usize, end: usize): usize {
  let at = from
  for (let left = components; left; left &= left - 1) {
    const to = vector + (<usize>ctz<u64>(left) << 2)
    store<u32>(to, (load<u32>(to) & 0x807fffff) | (at < end ? <u32>load<u8>(at++) << 23 : 0))
  }
  return at
}

/**
 * Packs a vector; returns the address behind.
 *
 * Shapes: vector f32[dim], padded with zeros to whole groups of four; packed, room for what it may pack to and 16 bytes more.
 */
export function packVector(vector: usize, dim: u32, packed: usize): usize {
  const end = vector + (<usize>((dim + 3) & ~3) << 2)
  const exponents = i32x4.splat(255)
  let used = i32x4.splat(0)
  let most = used
  for (let at = vector; at < end; at += 16) {
    const bits = v128.load(at)
    used = v128.or(used, bits)
    most = i32x4.max_u(most, v128.and(i32x4.shr_u(bits, 23), exponents))
  }
  const mantissas = (i32x4.extract_lane(used, 0) | i32x4.extract_lane(used, 1) | i32x4.extract_lane(used, 2) | i32x4.extract_lane(used, 3)) & MANTISSA
  const dropped = mantissas ? ctz(mantissas) : 23
  const highest = max(max(i32x4.extract_lane(most, 0), i32x4.extract_lane(most, 1)), max(i32x4.extract_lane(most, 2), i32x4.extract_lane(most, 3)))
  const exponentBits = cheapestExponentBits(vector, end, dim, highest)
  const mantissaBits: i32 = 23 - dropped
  const exceptionAt = writeFields(vector, dim, packed + HEADER, exponentBits, mantissaBits, highest)
  const behind = writeExceptions(vector, dim, exceptionAt, highest - (1 << exponentBits) + 2)
  store<u8>(packed, exponentBits)
  store<u8>(packed, mantissaBits, 1)
  store<u8>(packed, highest, 2)
  store<u16>(packed, <u16>(behind - exceptionAt), 3)
  return behind
}

/** Writes components; returns the address behind. */
function writeFields(vector: usize, dim: u32, to: usize, exponentBits: i32, mantissaBits: i32, highest: i32): usize {
  const width = 1 + exponentBits + mantissaBits
  const dropped = 23 - mantissaBits
  const zeroCode = i32x4.splat((1 << exponentBits) - 1)
  const above = i32x4.splat(highest + 1)
  const odd = (width & 1) << 2
  let at = to
  let begin = 0
  for (let i: u32 = 0; i < dim; i += 4) {
    const bits = v128.load(vector + (<usize>i << 2))
    const exponent = v128.and(i32x4.shr_u(bits, 23), i32x4.splat(255))
    const near = i32x4.sub(above, exponent)
    const code = v128.bitselect(zeroCode, v128.and(near, i32x4.lt_s(near, zeroCode)), i32x4.eq(exponent, i32x4.splat(0)))
    const mantissa = i32x4.shr_u(v128.and(bits, i32x4.splat(MANTISSA)), dropped)
    let fields = v128.or(v128.or(mantissa, i32x4.shl(code, mantissaBits)), i32x4.shl(i32x4.shr_u(bits, 31), width - 1))
    if (i + 4 > dim) fields = v128.and(fields, i32x4.lt_s(i32x4(0, 1, 2, 3), i32x4.splat(dim - i)))
    const pairs = v128.or(v128.and(fields, i64x2.splat(0xffffffff)), i64x2.shl(i64x2.shr_u(fields, 32), width))
    // Two components, and what comes before them in their first byte, are no more than 64 bits.
    const low = (<u64>i64x2.extract_lane(pairs, 0) << begin) | (begin ? <u64>load<u8>(at) : 0)
    const next = begin + 2 * width
    store<u64>(at, low)
    store<u64>(at + (next >> 3), (low >> (next & 56)) | (<u64>i64x2.extract_lane(pairs, 1) << (next & 7)))
    at += begin ? (width + 1) >> 1 : width >> 1
    begin = odd - begin
  }
  return to + ((<usize>dim * width + 7) >> 3)
}

/** Writes the exponents that have no code: those up to `most`, but 0. Returns the address behind. */
function writeExceptions(vector: usize, dim: u32, to: usize, most: i32): usize {
  const zero = i32x4.splat(0)
  const coded = i32x4.splat(most)
  let at = to
  for (let first: u32 = 0; first < dim; first += 64) {
    const behind = min(first + 64, dim)
    let exceptions: u64 = 0
    for (let i = first; i < behind; i += 4) {
      const exponent = v128.and(i32x4.shr_u(v128.load(vector + (<usize>i << 2)), 23), i32x4.splat(255))
      exceptions |= <u64>i32x4.bitmask(v128.andnot(i32x4.le_s(exponent, coded), i32x4.eq(exponent, zero))) << <u64>(i - first)
    }
    for (; exceptions; exceptions &= exceptions - 1) {
      store<u8>(at++, load<u32>(vector + (<usize>(first + <u32>ctz<u64>(exceptions)) << 2)) >> 23)
    }
  }
  return at
}

function cheapestExponentBits(vector: usize, end: usize, dim: u32, highest: i32): i32 {
  const zero = i32x4.splat(0)
  // Each counts the exponents above what so many bits have codes for.
  const l2 = i32x4.splat(max(0, highest - 2)), l3 = i32x4.splat(max(0, highest - 6)), l4 = i32x4.splat(max(0, highest - 14))
  const l5 = i32x4.splat(max(0, highest - 30)), l6 = i32x4.splat(max(0, highest - 62))
  let zeros = zero, c2 = zero, c3 = zero, c4 = zero, c5 = zero, c6 = zero
  for (let at = vector; at < end; at += 16) {
    const exponent = v128.and(i32x4.shr_u(v128.load(at), 23), i32x4.splat(255))
    zeros = i32x4.sub(zeros, i32x4.eq(exponent, zero))
    c2 = i32x4.sub(c2, i32x4.gt_s(exponent, l2))
    c3 = i32x4.sub(c3, i32x4.gt_s(exponent, l3))
    c4 = i32x4.sub(c4, i32x4.gt_s(exponent, l4))
    c5 = i32x4.sub(c5, i32x4.gt_s(exponent, l5))
    c6 = i32x4.sub(c6, i32x4.gt_s(exponent, l6))
  }
  const others = dim - (sumOf(zeros) - (<u32>((end - vector) >> 2) - dim))
  let best = 2
  let cost = dim * 2 + (others - sumOf(c2)) * 8
  const cost3 = dim * 3 + (others - sumOf(c3)) * 8
  if (cost3 < cost) { best = 3; cost = cost3 }
  const cost4 = dim * 4 + (others - sumOf(c4)) * 8
  if (cost4 < cost) { best = 4; cost = cost4 }
  const cost5 = dim * 5 + (others - sumOf(c5)) * 8
  if (cost5 < cost) { best = 5; cost = cost5 }
  return dim * 6 + (others - sumOf(c6)) * 8 < cost ? 6 : best
}

// @ts-ignore: decorator
@inline
function sumOf(counts: v128): u32 {
  return i32x4.extract_lane(counts, 0) + i32x4.extract_lane(counts, 1) + i32x4.extract_lane(counts, 2) + i32x4.extract_lane(counts, 3)
}
