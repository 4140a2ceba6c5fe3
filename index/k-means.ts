import type { KMeans, KMeansNeeds } from '../codecs/codec.js'
import type { Arena } from '../storage/arena.js'
import type { Kernel } from './kernel.js'

/** Moves of the centers: more change them little. */
const MOVES = 8

/** k-means in the kernel (codecs/kernel/k-means.ts), step by step, in memory that is taken at once: training must not fail for want of it. */
export function kernelKMeans(arena: Arena, kernel: Kernel, most: KMeansNeeds): KMeans {
  const lengths = [most.count * most.dim * 4, most.k * most.dim * 4, most.count * 4, most.k * (most.dim + 1) * 8, 8].map(bytes => Math.ceil(bytes / 64) * 64)
  const first = arena.allocate(lengths.reduce((a, b) => a + b))
  const [points, centers, nearest, sums, state] = lengths.map((_, i) => lengths.slice(0, i).reduce((a, b) => a + b, first)) as [number, number, number, number, number]
  return function* (values, dim, k, seed) {
    const count = values.length / dim
    if (!count) return new Float32Array(k * dim)
    arena.f32.set(values, points / 4)
    arena.u32.set([seed, 0], state / 4)
    kernel.seedCenters(points, count, dim, k, state, centers, nearest)
    yield
    for (let i = 0; i < MOVES; i++) {
      kernel.moveCenters(points, count, dim, k, centers, sums)
      yield
    }
    return arena.f32.slice(centers / 4, centers / 4 + k * dim)
  }
}

/** Where nothing is trained. */
export const NO_K_MEANS: KMeans = () => {
  throw new Error('this codec needs no k-means')
}
