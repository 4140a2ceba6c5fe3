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

/**
 * How far a distance may be from that: a few roundings of the largest terms, where it is computed in 32-bit floats; and where it is one of codes, so much that
 * each of the two vectors may be `rounded` off, before cosine of those of unit length.
 */
export function tolerance(metric: Metric, a: Float32Array, b: Float32Array, rounded = 0): number {
  const both = 2 * rounded
  if (metric === 'cosine') return 4e-6 + 2 * both + both ** 2 / 2
  if (metric === 'dot') return 1e-5 * length(a) * length(b) + 1e-12 + rounded * (length(a) + length(b) + rounded)
  return 1e-5 * (length(a) ** 2 + length(b) ** 2) + 1e-12 + both * (2 * Math.sqrt(distance('l2', a, b)) + both)
}

/** How far a vector that came back is from the one that was put; of metric cosine, of those of unit length. */
export function rounding(metric: Metric, given: Float32Array, found: Float32Array): number {
  const scale = metric === 'cosine' ? 1 / length(given) : 1
  return Math.sqrt(distance('l2', given.map(value => value * scale), found))
}

function length(vector: Float32Array): number {
  let squares = 0
  for (const value of vector) squares += value * value
  return Math.sqrt(squares)
}
