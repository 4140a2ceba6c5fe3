import type { KMeans } from '../codecs/codec.js'
import type { Arena } from '../storage/arena.js'
import type { Kernel } from './kernel.js'

/** Moves of the centers: more change them little. */
const MOVES = 8

/** k-means in the kernel (codecs/kernel/k-means.ts), step by step. */
export function kernelKMeans(arena: Arena, kernel: Kernel): KMeans {
  return function* (points, dim, k, seed) {
    const count = points.length / dim
    const byteLength = { points: points.byteLength, centers: k * dim * 4, nearest: count * 4, sums: k * (dim + 1) * 8, state: 8 }
    const ends: number[] = []
    const at = (bytes: number): number => {
      const start = ends[ends.length - 1] ?? 0
      ends.push(start + Math.ceil(bytes / 64) * 64)
      return start
    }
    const offsets = { points: at(byteLength.points), centers: at(byteLength.centers), nearest: at(byteLength.nearest), sums: at(byteLength.sums), state: at(byteLength.state) }
    const total = ends[ends.length - 1]!
    const ptr = arena.allocate(total)
    try {
      arena.f32.set(points, (ptr + offsets.points) / 4)
      arena.u32[(ptr + offsets.state) / 4] = seed
      kernel.seedCenters(ptr + offsets.points, count, dim, k, ptr + offsets.state, ptr + offsets.centers, ptr + offsets.nearest)
      yield
      for (let i = 0; i < MOVES; i++) {
        kernel.moveCenters(ptr + offsets.points, count, dim, k, ptr + offsets.centers, ptr + offsets.sums)
        yield
      }
      const centers = (ptr + offsets.centers) / 4
      return arena.f32.slice(centers, centers + k * dim)
    } finally {
      arena.release(ptr, total)
    }
  }
}
