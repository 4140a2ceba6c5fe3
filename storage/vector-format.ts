/**
 * Full vectors, packed without loss. The kernel does the same (kernel/vector-format.ts).
 *
 * The components of a vector have few exponents, and often mantissas that end in zeros (pixels, rounded decimals). Each is written
 * as sign, a short code for the exponent, and the part of the mantissa that is used.
 *
 * | offset | bytes | type | name | meaning |
 * |---|---|---|---|---|
 * | 0 | 1 | u8 | exponentBits | bits of an exponent code, 2 to 6 |
 * | 1 | 1 | u8 | mantissaBits | leading bits of the mantissas that are kept, 0 to 23; the others are 0 in all components |
 * | 2 | 1 | u8 | highest | the largest exponent |
 * | 3 | 2 | u16 | exceptions | components whose exponent has no code |
 * | 5 | ceil(dim * width / 8) | bits | components | width = 1 + exponentBits + mantissaBits, low bits first: mantissa, code, sign |
 * | | exceptions | u8[] | exponents | of the exceptions, in the order of the components |
 *
 * Code 0 marks an exception, the last code exponent 0 (zeros), and code c between them the exponent highest - (c - 1).
 */

import { VectorLevelError } from '../floor/errors.js'

const HEADER = 5
const histogram = new Uint32Array(256)
/** The bits of one vector, as words; grown to the largest seen. */
let words = new Uint32Array(1024)
let wordBytes = new Uint8Array(words.buffer)

/** An upper bound of the bytes that `dim` components pack to. */
export function packedByteLength(dim: number): number {
  return HEADER + Math.ceil((dim * 30) / 8) + dim
}

/** Packs f32[dim], given as their bits, into `out` at `at`; returns the offset behind. */
export function packVector(bits: Uint32Array, out: Uint8Array, at: number): number {
  const dim = bits.length
  histogram.fill(0)
  let used = 0
  for (let i = 0; i < dim; i++) {
    const value = bits[i]!
    used |= value
    histogram[(value >>> 23) & 255]!++
  }
  used &= 0x7fffff
  const dropped = used ? 31 - Math.clz32(used & -used) : 23
  let highest = 255
  while (highest > 0 && !histogram[highest]) highest--
  const exponentBits = cheapestExponentBits(dim, highest)
  const mantissaBits = 23 - dropped
  const zeroCode = (1 << exponentBits) - 1
  const width = 1 + exponentBits + mantissaBits
  const byteLength = Math.ceil((dim * width) / 8)
  const firstException = at + HEADER + byteLength
  let exceptionAt = firstException
  reserveWords(dim, width)
  words.fill(0, 0, (byteLength >>> 2) + 2)
  for (let i = 0, bit = 0; i < dim; i++, bit += width) {
    const value = bits[i]!
    const exponent = (value >>> 23) & 255
    let code = highest - exponent + 1
    if (exponent === 0) code = zeroCode
    else if (code >= zeroCode) {
      code = 0
      out[exceptionAt++] = exponent
    }
    const field = ((value & 0x7fffff) >>> dropped) | (code << mantissaBits) | ((value >>> 31) << (width - 1))
    const shift = bit & 31
    words[bit >>> 5]! |= field << shift
    // In two steps, since a shift by 32 is one by 0.
    words[(bit >>> 5) + 1]! |= (field >>> 1) >>> (31 - shift)
  }
  out.set(wordBytes.subarray(0, byteLength), at + HEADER)
  const exceptions = exceptionAt - firstException
  out[at] = exponentBits
  out[at + 1] = mantissaBits
  out[at + 2] = highest
  out[at + 3] = exceptions
  out[at + 4] = exceptions >>> 8
  return exceptionAt
}

interface PackedHeader {
  exponentBits: number
  mantissaBits: number
  highest: number
  /** Offsets of the exponents of exceptions, and behind them. */
  exceptionAt: number
  end: number
}

/** @throws {VectorLevelError} VECTOR_CORRUPTION when the bytes end early or the header is impossible */
export function readHeader(bytes: Uint8Array, at: number, dim: number): PackedHeader {
  const exponentBits = bytes[at]!
  const mantissaBits = bytes[at + 1]!
  const exceptions = bytes[at + 3]! | (bytes[at + 4]! << 8)
  const exceptionAt = at + HEADER + Math.ceil((dim * (1 + exponentBits + mantissaBits)) / 8)
  const end = exceptionAt + exceptions
  if (!(exponentBits >= 2 && exponentBits <= 6 && mantissaBits <= 23) || end > bytes.length || exceptions > dim) {
    throw new VectorLevelError('VECTOR_CORRUPTION',
      `a packed vector of ${dim} dimensions with ${exponentBits} + ${mantissaBits} bits and ${exceptions} exceptions does not fit ${bytes.length - at} bytes`)
  }
  return { exponentBits, mantissaBits, highest: bytes[at + 2]!, exceptionAt, end }
}

/** The offset behind a packed vector. @throws {VectorLevelError} VECTOR_CORRUPTION as unpackVector */
export function packedEnd(bytes: Uint8Array, at: number, dim: number): number {
  return readHeader(bytes, at, dim).end
}

/**
 * Unpacks `dim` components into `bits` at `to`; returns the offset behind.
 *
 * @throws {VectorLevelError} VECTOR_CORRUPTION when the bytes end early or the header is impossible
 */
export function unpackVector(bytes: Uint8Array, at: number, dim: number, bits: Uint32Array, to: number): number {
  const header = readHeader(bytes, at, dim)
  const { exponentBits, mantissaBits, highest, end } = header
  let { exceptionAt } = header
  const width = 1 + exponentBits + mantissaBits
  reserveWords(dim, width)
  wordBytes.set(bytes.subarray(at + HEADER, exceptionAt))
  const zeroCode = (1 << exponentBits) - 1
  const dropped = 23 - mantissaBits
  const mantissaMask = (1 << mantissaBits) - 1
  for (let i = 0, bit = 0; i < dim; i++, bit += width) {
    const shift = bit & 31
    const field = (words[bit >>> 5]! >>> shift) | ((words[(bit >>> 5) + 1]! << 1) << (31 - shift))
    const code = (field >>> mantissaBits) & zeroCode
    let exponent = highest - code + 1
    if (code === zeroCode) exponent = 0
    else if (code === 0) exponent = exceptionAt < end ? bytes[exceptionAt++]! : 0
    bits[to + i] = ((field & mantissaMask) << dropped) | ((exponent & 255) << 23) | ((field >>> (width - 1)) << 31)
  }
  return end
}

function reserveWords(dim: number, width: number): void {
  const count = ((dim * width) >>> 5) + 3
  if (count <= words.length) return
  words = new Uint32Array(count * 2)
  wordBytes = new Uint8Array(words.buffer)
}

function cheapestExponentBits(dim: number, highest: number): number {
  let best = 2
  let bestCost = Infinity
  for (let exponentBits = 2; exponentBits <= 6; exponentBits++) {
    let coded = histogram[0]!
    const codes = (1 << exponentBits) - 2
    for (let exponent = highest; exponent > Math.max(0, highest - codes); exponent--) coded += histogram[exponent]!
    const cost = dim * exponentBits + (dim - coded) * 8
    if (cost < bestCost) {
      best = exponentBits
      bestCost = cost
    }
  }
  return best
}
