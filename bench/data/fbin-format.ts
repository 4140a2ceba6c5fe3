/**
 * The .fbin and .ibin formats of big-ann-benchmarks: a matrix, row after row.
 *
 * | offset | bytes           | type              | name   | meaning                               |
 * |--------|-----------------|-------------------|--------|---------------------------------------|
 * | 0      | 4               | u32               | count  | rows                                  |
 * | 4      | 4               | u32               | dim    | components a row                      |
 * | 8      | count * dim * 4 | f32[] (i32[] in .ibin) | values | row 0, row 1, ...; little-endian |
 *
 * NOTE: values are moved between file and typed array as they are: little-endian hosts only.
 */

export const headerByteLength = 8
const componentByteLength = 4

export interface Shape {
  count: number
  dim: number
}

export function encodeHeader({ count, dim }: Shape): Uint8Array {
  const header = new DataView(new ArrayBuffer(headerByteLength))
  header.setUint32(0, count, true)
  header.setUint32(4, dim, true)
  return new Uint8Array(header.buffer)
}

/**
 * Reads the shape, and refuses a file whose length does not fit it.
 *
 * @throws {Error} when the file is damaged or of another format
 */
export function decodeHeader(header: Uint8Array, fileByteLength: number): Shape {
  if (header.byteLength < headerByteLength) throw new Error(`header of ${header.byteLength} bytes, expected 8`)
  const view = new DataView(header.buffer, header.byteOffset, headerByteLength)
  const shape = { count: view.getUint32(0, true), dim: view.getUint32(4, true) }
  const expected = offsetOfRow(shape.count, shape.dim)
  if (fileByteLength !== expected) {
    throw new Error(`file of ${fileByteLength} bytes, expected ${expected} for ${shape.count} x ${shape.dim}`)
  }
  return shape
}

export function offsetOfRow(row: number, dim: number): number {
  return headerByteLength + row * dim * componentByteLength
}
