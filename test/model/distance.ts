import type { Metric } from '../../src/index.js'

/** Distances in 64-bit floats, by their definitions. */
export function distance(metric: Metric, a: Float32Array, b: Float32Array): number {
  let products = 0
  let squares = 0
  for (let i = 0; i < a.length; i++) {
    products += a[i]! * b[i]!
    squares += (a[i]! - b[i]!) ** 2
  }
  if (metric === 'l2') return squares
  return metric === 'dot' ? -products : 1 - products / (length(a) * length(b))
}

/** How far a distance computed in 32-bit floats may be from that: a few roundings of the largest terms. */
export function tolerance(metric: Metric, a: Float32Array, b: Float32Array): number {
  if (metric === 'cosine') return 4e-6
  return 1e-5 * (metric === 'l2' ? length(a) ** 2 + length(b) ** 2 : length(a) * length(b)) + 1e-12
}

function length(vector: Float32Array): number {
  let squares = 0
  for (const value of vector) squares += value * value
  return Math.sqrt(squares)
}
