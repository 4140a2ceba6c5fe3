/**
 * 8-bit codes: a row is `dim` bytes, each a level 0..255 less 128, followed by one u32 that depends on them (codecs/kernel/sq8.ts).
 *
 * Between two codes the distance is told by its definition; the kernel's way to it, a loaded query and its base, by the formula there.
 */

/** The level that stands in a byte of a row. */
function levelIn(byte: number): number {
  return byte ^ 0x80
}

/** The byte of a row as the signed number that it is: its level less 128. */
function signedIn(byte: number): number {
  return levelIn(byte) - 128
}

function roundHalfToEven(value: number): number {
  const floor = Math.floor(value)
  if (value - floor !== 0.5) return Math.round(value)
  return floor % 2 === 0 ? floor : floor + 1
}

/** The row of a vector. Shapes: vector, offsets f32[dim] or more; returns u8[dim + 4]. */
export function encode(vector: Float32Array, offsets: Float32Array, inverse: number, dim: number, signed: boolean): Uint8Array {
  const row = new Uint8Array(dim + 4)
  let constant = 0
  for (let i = 0; i < dim; i++) {
    const steps = roundHalfToEven(Math.fround(Math.fround(vector[i] - offsets[i]) * Math.fround(inverse)))
    const level = Number.isNaN(steps) ? 0 : Math.min(255, Math.max(0, steps))
    row[i] = levelIn(level)
    constant += signed ? 256 * (level - 128) : level * level
  }
  new DataView(row.buffer).setUint32(dim, constant, true)
  return row
}

/** The key of two rows: the sum of squared differences of levels, or for dot 2^31 less twice the product. */
export function distanceOfCodes(a: Uint8Array, b: Uint8Array, dim: number, signed: boolean): number {
  let sum = 0
  for (let i = 0; i < dim; i++) sum += signed ? -2 * signedIn(a[i]) * signedIn(b[i]) : (levelIn(a[i]) - levelIn(b[i])) ** 2
  return (signed ? 2 ** 31 + sum : sum) >>> 0
}

/** The levels of a row as the query of `scoreCode`, and its base. */
export function loadCode(row: Uint8Array, dim: number, signed: boolean): { levels: Uint8Array, base: number } {
  const levels = row.slice(0, dim).map(levelIn)
  const sum = levels.reduce((total, level) => total + level, 0)
  return { levels, base: signed ? 2 ** 31 : (constantOf(row, dim) - 256 * sum) >>> 0 }
}

/** base(query) + constant(row) - 2 * sum(level * signed byte), modulo 2^32. */
export function scoreCode(levels: Uint8Array, base: number, row: Uint8Array, dim: number): number {
  let sum = 0
  for (let i = 0; i < dim; i++) sum += levels[i] * signedIn(row[i])
  return (base + constantOf(row, dim) - 2 * sum) >>> 0
}

function constantOf(row: Uint8Array, dim: number): number {
  return new DataView(row.buffer, row.byteOffset).getUint32(dim, true)
}
