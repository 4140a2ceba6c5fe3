import { Random } from '../../floor/random.js'

/** A vector of normal components. */
export function normalVector(random: Random, dimensions: number): Float32Array {
  return Float32Array.from({ length: dimensions }, () => random.normal())
}

export function normalVectors(seed: number, count: number, dimensions: number): Float32Array[] {
  const random = new Random(seed)
  return Array.from({ length: count }, () => normalVector(random, dimensions))
}

/** Vectors around centres, as real data lie. */
export function clusteredVectors(seed: number, count: number, dimensions: number, clusters: number): Float32Array[] {
  const random = new Random(seed)
  const centres = Array.from({ length: clusters }, () => normalVector(random, dimensions))
  return Array.from({ length: count }, () => {
    const centre = centres[random.below(clusters)]!
    return centre.map(value => value + 0.4 * random.normal())
  })
}
