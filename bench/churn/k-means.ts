import { rowOf, type Matrix } from '../data/fbin-file.js'
import type { Random } from '../data/random.js'
import { Ranker } from '../data/ranker.js'

const iterations = 10

/**
 * The cluster of each row, by squared Euclidean distance.
 *
 * Source: Lloyd 1982; begins at random rows.
 */
export function kMeans(base: Matrix, k: number, random: Random): Uint8Array {
  const clusters = new Uint8Array(base.count)
  const rows = Uint32Array.from(clusters.keys())
  const ranker = new Ranker(base, 'l2')
  const centers = Array.from({ length: k }, () => rowOf(base, Math.floor(random.uniform() * base.count)).slice())
  for (let iteration = 0; iteration < iterations; iteration++) {
    assign(clusters, centers, (center) => ranker.rank(center, rows))
    centers.forEach((center, cluster) => move(center, base, clusters, cluster))
  }
  return clusters
}

/** Each row to the nearest center; what ranks leave out, the norm of the center, is added. */
function assign(clusters: Uint8Array, centers: Float32Array[], ranksOf: (center: Float32Array) => Float64Array): void {
  const best = new Float64Array(clusters.length).fill(Infinity)
  centers.forEach((center, cluster) => {
    const norm = center.reduce((sum, x) => sum + x * x, 0)
    ranksOf(center).forEach((rank, row) => {
      if (rank + norm >= best[row]) return
      best[row] = rank + norm
      clusters[row] = cluster
    })
  })
}

/** Moves a center to the mean of its rows; it stays where it has none. */
function move(center: Float32Array, base: Matrix, clusters: Uint8Array, cluster: number): void {
  const sums = new Float64Array(center.length)
  let count = 0
  for (let row = 0; row < base.count; row++) {
    if (clusters[row] !== cluster) continue
    count++
    const start = row * base.dim
    for (let i = 0; i < sums.length; i++) sums[i] += base.values[start + i]
  }
  if (count > 0) center.set(sums.map((sum) => sum / count))
}
