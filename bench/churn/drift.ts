import type { Matrix } from '../data/fbin-file.js'
import type { Random } from '../data/random.js'
import { Ranker } from '../data/ranker.js'
import { kMeans } from './k-means.js'

const clusterCount = 10
/** Whether the first half takes the largest, the second largest, ... cluster: so both halves are about as large. */
const firstHalf = [true, false, false, true, true, false, false, true, true, false]

/** All rows: first those of one half of ten clusters, mixed, then those of the other half. */
export function byHalvesOfClusters(base: Matrix, random: Random): Uint32Array {
  const clusters = kMeans(base, clusterCount, random)
  const counts = new Uint32Array(clusterCount)
  for (const cluster of clusters) counts[cluster]++
  const bySize = Array.from(counts.keys()).sort((a, b) => counts[b] - counts[a])
  const late = bySize.filter((_, place) => !firstHalf[place])
  return orderBy(Float64Array.from(clusters, (cluster) => Number(late.includes(cluster)) + random.uniform()))
}

/** All rows by where they lie along a random direction. */
export function byProjection(base: Matrix, random: Random): Uint32Array {
  const direction = Float32Array.from({ length: base.dim }, () => random.gauss())
  const rows = Uint32Array.from({ length: base.count }, (_, row) => row)
  return orderBy(new Ranker(base, 'cosine').rank(direction, rows))
}

/** Rows by their ranks; equal ones by number. */
function orderBy(ranks: Float64Array): Uint32Array {
  return Uint32Array.from(ranks.keys()).sort((a, b) => ranks[a] - ranks[b] || a - b)
}
