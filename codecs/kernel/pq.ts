/**
 * Product quantisation: each part of a vector is the number of its nearest centroid, of 16 (4 bits, two in a byte, the even part in the low half) or of
 * 256 (a byte).
 *
 * A loaded query is a table a part, u8[part][centroid]: the distance of that part to each centroid, in whole units above the least. A stored row is loaded
 * by copying the tables of its centroids. So every comparison is a sum of table entries, and linking, which compares rows with rows, costs what a search does.
 *
 * Source: Jegou, Douze, Schmid 2011, section III; tables of bytes as Andre, Kermarrec, Le Scouarnec 2017 (Quick ADC), section 3.
 */

import {
  CODEBOOK_CENTERS, CODEBOOK_CENTROIDS, CODEBOOK_KEY_UNIT, CODEBOOK_ORDER, CODEBOOK_PARTS, CODEBOOK_STARTS, CODEBOOK_SYMMETRIC, FAST_BYTES, FAST_ROWS,
  LANES, MOST_ENTRY, MOST_SUM
} from './layout'
import { nearestCenter } from './k-means'
import { touch } from './lanes'

/** The address of the centroids of a part. */
// @ts-ignore: decorator
@inline
function centersOf(codebook: usize, start: u32): usize {
  return <usize>load<u32>(codebook, CODEBOOK_CENTERS) + <usize>start * <usize>load<u32>(codebook, CODEBOOK_CENTROIDS) * 4
}

/** Brings the components of a vector into the order in which parts take them. Shapes: vector, ordered f32[dim]. */
function putInOrder(codebook: usize, vector: usize, ordered: usize): void {
  const order = <usize>load<u32>(codebook, CODEBOOK_ORDER)
  const dim = startOf(codebook, load<u32>(codebook, CODEBOOK_PARTS))
  for (let i: u32 = 0; i < dim; i++) store<f32>(ordered + (i << 2), load<f32>(vector + (<usize>load<u32>(order + (i << 2)) << 2)))
}

/** The place of the first component of a part. */
// @ts-ignore: decorator
@inline
function startOf(codebook: usize, part: u32): u32 {
  return load<u32>(<usize>load<u32>(codebook, CODEBOOK_STARTS) + (<usize>part << 2))
}

/** Writes the distances of a part's components to LANES centroids: squared L2, or negated products. */
// @ts-ignore: decorator
@inline
function measureLanes(point: usize, count: u32, centers: usize, isDot: bool, distances: usize): void {
  let a = f32x4.splat(0), b = a, c = a, d = a
  let center = centers
  for (let i: u32 = 0; i < count; i++, center += LANES * 4) {
    const x = v128.load32_splat(point + (i << 2))
    const p = v128.load(center), q = v128.load(center, 16), r = v128.load(center, 32), s = v128.load(center, 48)
    if (isDot) {
      a = f32x4.sub(a, f32x4.mul(x, p))
      b = f32x4.sub(b, f32x4.mul(x, q))
      c = f32x4.sub(c, f32x4.mul(x, r))
      d = f32x4.sub(d, f32x4.mul(x, s))
    } else {
      const dp = f32x4.sub(x, p), dq = f32x4.sub(x, q), dr = f32x4.sub(x, r), ds = f32x4.sub(x, s)
      a = f32x4.add(a, f32x4.mul(dp, dp))
      b = f32x4.add(b, f32x4.mul(dq, dq))
      c = f32x4.add(c, f32x4.mul(dr, dr))
      d = f32x4.add(d, f32x4.mul(ds, ds))
    }
  }
  v128.store(distances, a)
  v128.store(distances, b, 16)
  v128.store(distances, c, 32)
  v128.store(distances, d, 48)
}

/** Writes the distances of a part's components to all its centroids. Shapes: distances f32[centroids]. */
function measurePart(codebook: usize, point: usize, part: u32, isDot: bool, distances: usize): void {
  const start = startOf(codebook, part)
  const count = startOf(codebook, part + 1) - start
  const centroids = load<u32>(codebook, CODEBOOK_CENTROIDS)
  let centers = centersOf(codebook, start)
  for (let i: u32 = 0; i < centroids; i += LANES) {
    measureLanes(point, count, centers, isDot, distances + (i << 2))
    centers += <usize>count * (LANES * 4)
  }
}

/** Writes the distances of a part's centroid to all of them. Shapes: point f32[part's components], for its own use; distances f32[centroids]. */
function measureCentroid(codebook: usize, part: u32, index: u32, isDot: bool, point: usize, distances: usize): void {
  const start = startOf(codebook, part)
  const count = startOf(codebook, part + 1) - start
  const center = centersOf(codebook, start) + ((index / LANES * count * LANES + index % LANES) << 2)
  for (let i: u32 = 0; i < count; i++) store<f32>(point + (i << 2), load<f32>(center + i * (LANES * 4)))
  measurePart(codebook, point, part, isDot, distances)
}

function leastOf(values: usize, count: u32): f32 {
  let low = v128.load(values)
  for (let i: u32 = 4; i < count; i += 4) low = f32x4.min(low, v128.load(values + (i << 2)))
  return min(min(f32x4.extract_lane(low, 0), f32x4.extract_lane(low, 1)), min(f32x4.extract_lane(low, 2), f32x4.extract_lane(low, 3)))
}

function mostOf(values: usize, count: u32): f32 {
  let high = v128.load(values)
  for (let i: u32 = 4; i < count; i += 4) high = f32x4.max(high, v128.load(values + (i << 2)))
  return max(max(f32x4.extract_lane(high, 0), f32x4.extract_lane(high, 1)), max(f32x4.extract_lane(high, 2), f32x4.extract_lane(high, 3)))
}

/** Takes the least off distances. */
function subtract(distances: usize, count: u32, least: f32): void {
  for (let i: u32 = 0; i < count; i += 4) v128.store(distances + (i << 2), f32x4.sub(v128.load(distances + (i << 2)), f32x4.splat(least)))
}

/** Makes entries of tables of distances, the least of which is 0. Shapes: distances f32[count]; entries u8[count], written; count is a multiple of 16. */
function roundEntries(distances: usize, count: usize, unit: f32, entries: usize): void {
  const inverse = f32x4.splat(unit > 0 ? 1 / unit : 0)
  for (let i: usize = 0; i < count; i += 16) {
    const at = distances + (i << 2)
    const a = i32x4.trunc_sat_f32x4_u(f32x4.nearest(f32x4.mul(v128.load(at), inverse)))
    const b = i32x4.trunc_sat_f32x4_u(f32x4.nearest(f32x4.mul(v128.load(at, 16), inverse)))
    const c = i32x4.trunc_sat_f32x4_u(f32x4.nearest(f32x4.mul(v128.load(at, 32), inverse)))
    const d = i32x4.trunc_sat_f32x4_u(f32x4.nearest(f32x4.mul(v128.load(at, 48), inverse)))
    v128.store(entries + i, i8x16.narrow_i16x8_u(i16x8.narrow_i32x4_u(a, b), i16x8.narrow_i32x4_u(c, d)))
  }
}

/** What an entry counts for, so that none overflows, nor a sum of one of each part: the widest part has `widest`, all together `sum`. */
// @ts-ignore: decorator
@inline
function unitFor(widest: f32, sum: f64, parts: u32): f32 {
  return max(widest / <f32>MOST_ENTRY, <f32>(sum / <f64>(MOST_SUM - parts)))
}

/**
 * Completes a codebook whose centroids stand: tables of the distances between those of each part, and the unit of the keys of rows.
 *
 * Shapes: buffer f32[centroids + parts + dim], for its own use.
 */
export function completePq(codebook: usize, isDot: bool, buffer: usize): void {
  const parts = load<u32>(codebook, CODEBOOK_PARTS)
  const centroids = load<u32>(codebook, CODEBOOK_CENTROIDS)
  const leasts = buffer + (<usize>centroids << 2)
  const point = leasts + (<usize>parts << 2)
  let widest: f32 = 0
  let sum: f64 = 0
  for (let part: u32 = 0; part < parts; part++) {
    let least: f32 = Infinity
    let most: f32 = -Infinity
    for (let i: u32 = 0; i < centroids; i++) {
      measureCentroid(codebook, part, i, isDot, point, buffer)
      least = min(least, leastOf(buffer, centroids))
      most = max(most, mostOf(buffer, centroids))
    }
    store<f32>(leasts + (<usize>part << 2), least)
    widest = max(widest, most - least)
    sum += <f64>(most - least)
  }
  const unit = unitFor(widest, sum, parts)
  store<f32>(codebook, unit, CODEBOOK_KEY_UNIT)
  let entries = <usize>load<u32>(codebook, CODEBOOK_SYMMETRIC)
  for (let part: u32 = 0; part < parts; part++) {
    for (let i: u32 = 0; i < centroids; i++, entries += centroids) {
      measureCentroid(codebook, part, i, isDot, point, buffer)
      subtract(buffer, centroids, load<f32>(leasts + (<usize>part << 2)))
      roundEntries(buffer, centroids, unit, entries)
    }
  }
}

/**
 * Encodes one vector.
 *
 * Shapes: vector f32[dim]; row u8[], a byte or half a byte a part, written; ordered f32[dim], for its own use.
 */
export function encodePq(codebook: usize, vector: usize, row: usize, ordered: usize): void {
  const parts = load<u32>(codebook, CODEBOOK_PARTS)
  const centroids = load<u32>(codebook, CODEBOOK_CENTROIDS)
  putInOrder(codebook, vector, ordered)
  for (let part: u32 = 0; part < parts; part++) {
    const start = startOf(codebook, part)
    const nearest = nearestCenter(ordered + (<usize>start << 2), startOf(codebook, part + 1) - start, centroids, centersOf(codebook, start))
    if (centroids > <u32>LANES) store<u8>(row + part, nearest)
    else if (part & 1) store<u8>(row + (part >> 1), <u32>load<u8>(row + (part >> 1)) | (nearest << 4))
    else store<u8>(row + (part >> 1), nearest)
  }
}

/** Bytes of the tables of a loaded query: those of 4-bit codes are there for whole groups of FAST_BYTES. */
// @ts-ignore: decorator
@inline
function tableBytes(parts: u32, centroids: u32): usize {
  return (centroids > <u32>LANES ? <usize>parts : (<usize>parts + (2 * FAST_BYTES - 1)) & ~(2 * FAST_BYTES - 1)) * <usize>centroids
}

/** What is behind the last part counts as nothing. */
function endTables(parts: u32, centroids: u32, query: usize): void {
  const end = <usize>parts * <usize>centroids
  memory.fill(query + end, 0, tableBytes(parts, centroids) - end)
}

/**
 * Makes a vector the query; writes the base and the unit of its keys, f32[2], at `scale`, for distances that are sums of the parts'.
 *
 * Shapes: vector f32[dim]; query u8[tables], written, and f32[parts][centroids] and f32[dim] behind, for its own use.
 */
export function loadPq(codebook: usize, vector: usize, isDot: bool, query: usize, scale: usize): void {
  const parts = load<u32>(codebook, CODEBOOK_PARTS)
  const centroids = load<u32>(codebook, CODEBOOK_CENTROIDS)
  const floats = (query + tableBytes(parts, centroids) + 15) & ~15
  const count = <usize>parts * <usize>centroids
  const ordered = floats + (count << 2)
  putInOrder(codebook, vector, ordered)
  let base: f32 = 0
  let widest: f32 = 0
  let sum: f64 = 0
  for (let part: u32 = 0; part < parts; part++) {
    const at = floats + <usize>part * <usize>centroids * 4
    measurePart(codebook, ordered + (<usize>startOf(codebook, part) << 2), part, isDot, at)
    const least = leastOf(at, centroids)
    const width = mostOf(at, centroids) - least
    subtract(at, centroids, least)
    base += least
    sum += <f64>width
    widest = max(widest, width)
  }
  const unit = unitFor(widest, sum, parts)
  roundEntries(floats, count, unit, query)
  endTables(parts, centroids, query)
  store<f32>(scale, base)
  store<f32>(scale, unit, 4)
}

/** Makes a row the query; its keys have the codebook's unit, whichever row it is. Shapes: query u8[tables], written. */
export function loadPqRow(codebook: usize, row: usize, query: usize): void {
  const parts = load<u32>(codebook, CODEBOOK_PARTS)
  const centroids = load<u32>(codebook, CODEBOOK_CENTROIDS)
  let symmetric = <usize>load<u32>(codebook, CODEBOOK_SYMMETRIC)
  if (centroids > <u32>LANES) {
    for (let part: usize = 0; part < parts; part++, symmetric += 65536) memory.copy(query + (part << 8), symmetric + (<usize>load<u8>(row + part) << 8), 256)
    return
  }
  let to = query
  for (let part: u32 = 0; part < parts; part += 2, symmetric += 512, to += 32) {
    const pair = <usize>load<u8>(row + (part >> 1))
    v128.store(to, v128.load(symmetric + ((pair & 15) << 4)))
    // NOTE: behind the last part stand a table of zeros, and room for it (codecs/pq.ts).
    v128.store(to, v128.load(symmetric + 256 + ((pair >> 4) << 4)), 16)
  }
  endTables(parts, centroids, query)
}

/** HOT PATH: keys of `count` rows of bytes for the loaded query. Shapes: addresses u32[count + 3]; keys u32[count + 3], written. */
export function scorePq8(query: usize, parts: u32, addresses: usize, count: u32, keys: usize): void {
  const end = query + (<usize>parts << 8)
  for (let i: u32 = 0; i < count; i += 4) {
    let a = <usize>load<u32>(addresses + (i << 2))
    let b = <usize>load<u32>(addresses + (i << 2), 4)
    let c = <usize>load<u32>(addresses + (i << 2), 8)
    let d = <usize>load<u32>(addresses + (i << 2), 12)
    if (i + 4 < count) store<u32>(keys + (i << 2), touch(addresses + (i << 2) + 16, max<u32>(parts, 4)))
    let sa: u32 = 0, sb: u32 = 0, sc: u32 = 0, sd: u32 = 0
    for (let table = query; table < end; table += 256) {
      sa += load<u8>(table + load<u8>(a))
      sb += load<u8>(table + load<u8>(b))
      sc += load<u8>(table + load<u8>(c))
      sd += load<u8>(table + load<u8>(d))
      a++; b++; c++; d++
    }
    store<u32>(keys + (i << 2), sa)
    store<u32>(keys + (i << 2), sb, 4)
    store<u32>(keys + (i << 2), sc, 8)
    store<u32>(keys + (i << 2), sd, 12)
  }
}

// @ts-ignore: decorator
@inline
function low(a: v128, b: v128): v128 {
  return v128.shuffle<i8>(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23)
}

// @ts-ignore: decorator
@inline
function high(a: v128, b: v128): v128 {
  return v128.shuffle<i8>(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31)
}

// @ts-ignore: decorator
@inline
function lookUp(table: usize, codes: v128): v128 {
  // @ts-ignore: a constant of the build
  return RELAXED ? i8x16.relaxed_swizzle(v128.load(table), codes) : i8x16.swizzle(v128.load(table), codes)
}

/**
 * HOT PATH: keys of `count` rows of 4-bit codes for the loaded query, FAST_ROWS at a time: bytes of 16 rows are turned around so that each register has
 * one byte of all rows, whose halves are looked up in 16-byte tables by one instruction. Rows may stand anywhere.
 *
 * Shapes: query u8[tables], and 256 bytes behind for its own use; addresses u32[count]; keys u32[count + 15], written. Up to 15 bytes behind each row are read.
 */
export function scorePq4(query: usize, parts: u32, addresses: usize, count: u32, keys: usize): void {
  const last = count - 1
  const turned = query + tableBytes(parts, LANES)
  const rowBytes = (parts + 1) >> 1
  for (let i: u32 = 0; i < count; i += FAST_ROWS) {
    const to = keys + (i << 2)
    let from = addresses + (i << 2)
    if (i + FAST_ROWS > count) {
      // Where rows are missing the last one counts again; the list stands where its keys come.
      for (let j: u32 = 0; j < <u32>FAST_ROWS; j++) store<u32>(to + (j << 2), load<u32>(addresses + (min(i + j, last) << 2)))
      from = to
    }
    scoreSixteen(query, turned, rowBytes, from, to)
  }
}

function scoreSixteen(query: usize, turned: usize, rowBytes: u32, addresses: usize, keys: usize): void {
  const a0 = <usize>load<u32>(addresses, 0), a1 = <usize>load<u32>(addresses, 4), a2 = <usize>load<u32>(addresses, 8), a3 = <usize>load<u32>(addresses, 12)
  const a4 = <usize>load<u32>(addresses, 16), a5 = <usize>load<u32>(addresses, 20), a6 = <usize>load<u32>(addresses, 24), a7 = <usize>load<u32>(addresses, 28)
  const a8 = <usize>load<u32>(addresses, 32), a9 = <usize>load<u32>(addresses, 36), aa = <usize>load<u32>(addresses, 40), ab = <usize>load<u32>(addresses, 44)
  const ac = <usize>load<u32>(addresses, 48), ad = <usize>load<u32>(addresses, 52), ae = <usize>load<u32>(addresses, 56), af = <usize>load<u32>(addresses, 60)
  // Sums of the rows of odd number; and of all, where those of odd number count 256 times.
  let odd = i16x8.splat(0)
  let all = i16x8.splat(0)
  let table = query
  for (let o: usize = 0; o < rowBytes; o += FAST_BYTES) {
    // Four rounds, each of which interleaves register r with register r + 8, turn 16 x 16 bytes around.
    let x0 = v128.load(a0 + o), x1 = v128.load(a1 + o), x2 = v128.load(a2 + o), x3 = v128.load(a3 + o)
    let x4 = v128.load(a4 + o), x5 = v128.load(a5 + o), x6 = v128.load(a6 + o), x7 = v128.load(a7 + o)
    let x8 = v128.load(a8 + o), x9 = v128.load(a9 + o), xa = v128.load(aa + o), xb = v128.load(ab + o)
    let xc = v128.load(ac + o), xd = v128.load(ad + o), xe = v128.load(ae + o), xf = v128.load(af + o)
    let y0 = low(x0, x8), y1 = high(x0, x8), y2 = low(x1, x9), y3 = high(x1, x9), y4 = low(x2, xa), y5 = high(x2, xa), y6 = low(x3, xb), y7 = high(x3, xb)
    let y8 = low(x4, xc), y9 = high(x4, xc), ya = low(x5, xd), yb = high(x5, xd), yc = low(x6, xe), yd = high(x6, xe), ye = low(x7, xf), yf = high(x7, xf)
    x0 = low(y0, y8); x1 = high(y0, y8); x2 = low(y1, y9); x3 = high(y1, y9); x4 = low(y2, ya); x5 = high(y2, ya); x6 = low(y3, yb); x7 = high(y3, yb)
    x8 = low(y4, yc); x9 = high(y4, yc); xa = low(y5, yd); xb = high(y5, yd); xc = low(y6, ye); xd = high(y6, ye); xe = low(y7, yf); xf = high(y7, yf)
    y0 = low(x0, x8); y1 = high(x0, x8); y2 = low(x1, x9); y3 = high(x1, x9); y4 = low(x2, xa); y5 = high(x2, xa); y6 = low(x3, xb); y7 = high(x3, xb)
    y8 = low(x4, xc); y9 = high(x4, xc); ya = low(x5, xd); yb = high(x5, xd); yc = low(x6, xe); yd = high(x6, xe); ye = low(x7, xf); yf = high(x7, xf)
    // They are more than there are registers, so they go through memory, which keeps the loop below short.
    v128.store(turned, low(y0, y8), 0); v128.store(turned, high(y0, y8), 16); v128.store(turned, low(y1, y9), 32); v128.store(turned, high(y1, y9), 48)
    v128.store(turned, low(y2, ya), 64); v128.store(turned, high(y2, ya), 80); v128.store(turned, low(y3, yb), 96); v128.store(turned, high(y3, yb), 112)
    v128.store(turned, low(y4, yc), 128); v128.store(turned, high(y4, yc), 144); v128.store(turned, low(y5, yd), 160); v128.store(turned, high(y5, yd), 176)
    v128.store(turned, low(y6, ye), 192); v128.store(turned, high(y6, ye), 208); v128.store(turned, low(y7, yf), 224); v128.store(turned, high(y7, yf), 240)
    const end = turned + (min<usize>(FAST_BYTES, rowBytes - o) << 4)
    for (let at = turned; at < end; at += 16, table += 32) {
      const codes = v128.load(at)
      const first = lookUp(table, v128.and(codes, i8x16.splat(15)))
      const second = lookUp(table + 16, i8x16.shr_u(codes, 4))
      all = i16x8.add(all, i16x8.add(first, second))
      odd = i16x8.add(odd, i16x8.add(i16x8.shr_u(first, 8), i16x8.shr_u(second, 8)))
    }
  }
  const even = i16x8.sub(all, i16x8.shl(odd, 8))
  const near = v128.shuffle<i16>(even, odd, 0, 8, 1, 9, 2, 10, 3, 11)
  const far = v128.shuffle<i16>(even, odd, 4, 12, 5, 13, 6, 14, 7, 15)
  v128.store(keys, i32x4.extend_low_i16x8_u(near))
  v128.store(keys, i32x4.extend_high_i16x8_u(near), 16)
  v128.store(keys, i32x4.extend_low_i16x8_u(far), 32)
  v128.store(keys, i32x4.extend_high_i16x8_u(far), 48)
}
