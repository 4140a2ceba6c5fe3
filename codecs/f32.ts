import type { Codec } from './codec.js'

/** Bytes of a full vector's row: whole groups of four floats. */
export function vectorByteLength(dimensions: number): number {
  return Math.ceil(dimensions / 4) * 16
}

/** Full vectors: exact, 4 bytes a component. */
export const f32: Codec = {
  name: 'f32',
  scorer: 0,
  approximate: false,
  trainingCount: 0,
  rowBytes: ({ dimensions }) => vectorByteLength(dimensions),
  queryBytes: () => 0,
  *train() { return undefined },
  decode: (row, _codebook, { dimensions }) => new Float32Array(row.slice(0, 4 * dimensions).buffer),
  tableBytes: () => 0,
  place() {}
}
