import type { Metric } from './codec.js'

/** The distance of two vectors, one at a time and in 64-bit floats. Units: 1 - cosine, squared L2, or the negated product; lower is nearer. */
export function distanceBetween(metric: Metric, a: Float32Array, b: Float32Array): number {
  let product = 0
  let aa = 0
  let bb = 0
  for (let i = 0; i < a.length; i++) {
    product += a[i]! * b[i]!
    aa += a[i]! * a[i]!
    bb += b[i]! * b[i]!
  }
  if (metric === 'dot') return -product
  if (metric === 'cosine') return 1 - product / Math.sqrt(aa * bb)
  let squared = 0
  for (let i = 0; i < a.length; i++) squared += (a[i]! - b[i]!) ** 2
  return squared
}
