import { Random } from '../../floor/random.js'
import type { BatchOperation, CollectionOptions } from '../../src/index.js'

export const KILLED: CollectionOptions = { dimensions: 8, metric: 'l2', codec: 'f32', M: 8, efConstruction: 40 }

/** The operation number `i`, always the same for a seed: a put, a deletion, or a batch of up to 12. */
export function operationsOf(seed: number, i: number): BatchOperation<number>[] {
  const random = new Random(Math.imul(seed, 0x9e3779b1) ^ Math.imul(i + 1, 0x85ebca6b))
  const count = random.below(4) ? 1 : 1 + random.below(12)
  return Array.from({ length: count }, () => {
    const key = `k${random.below(400)}`
    if (random.below(4) === 0) return { type: 'del', key }
    return { type: 'put', key, vector: Float32Array.from({ length: 8 }, () => random.normal()), metadata: i }
  })
}
