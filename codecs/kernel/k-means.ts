/**
 * k-means of the parts of vectors.
 *
 * The number of centers is a multiple of LANES. All is a function of points and seed: sums are made in the order of the points, in f64.
 *
 * Source: Lloyd 1982; the first centers as Arthur, Vassilvitskii 2007 (k-means++), section 2.2.
 */

import {
  CLUSTERED_TOGETHER, CLUSTERING_AT, CLUSTERING_CENTERS, CLUSTERING_CHOSEN, CLUSTERING_COUNT, CLUSTERING_DIM, CLUSTERING_DRAWN, CLUSTERING_K, CLUSTERING_LEFT,
  CLUSTERING_NEAREST, CLUSTERING_POINTS, CLUSTERING_SUMS, LANES
} from './layout'

/** A number from 0 to 1, of 53 bits; moves the state on. Source: Steele, Lea, Flood 2014 (SplitMix). */
function draw(state: usize): f64 {
  const next = load<u64>(state) + 0x9E3779B97F4A7C15
  store<u64>(state, next)
  let z = (next ^ (next >> 30)) * 0xBF58476D1CE4E5B9
  z = (z ^ (z >> 27)) * 0x94D049BB133111EB
  z ^= z >> 31
  return <f64>(z >> 11) * (1.0 / 9007199254740992.0)
}

// @ts-ignore: decorator
@inline
function centerAt(centers: usize, dim: u32, index: u32): usize {
  return centers + (((index / LANES) * dim * LANES + index % LANES) << 2)
}

function setCenter(centers: usize, dim: u32, index: u32, point: usize): void {
  const at = centerAt(centers, dim, index)
  for (let i: u32 = 0; i < dim; i++) store<f32>(at + i * (LANES * 4), load<f32>(point + (i << 2)))
}

/**
 * Goes on with a clustering (layout.ts), for about a millisecond; it is done when no moves are left. For threads: whose graph and scratch it is does not matter.
 */
export function cluster(graph: usize, scratch: usize, clustering: usize): void {
  if (load<u32>(clustering, CLUSTERING_CHOSEN) < load<u32>(clustering, CLUSTERING_K)) chooseCenters(clustering)
  else if (load<u32>(clustering, CLUSTERING_LEFT)) moveCenters(clustering)
}

/** Chooses first centers among the points: each with a chance that grows with its distance from those before. */
function chooseCenters(clustering: usize): void {
  const count = load<u32>(clustering, CLUSTERING_COUNT)
  const dim = load<u32>(clustering, CLUSTERING_DIM)
  const k = load<u32>(clustering, CLUSTERING_K)
  const points = <usize>load<u32>(clustering, CLUSTERING_POINTS)
  const centers = <usize>load<u32>(clustering, CLUSTERING_CENTERS)
  const nearest = <usize>load<u32>(clustering, CLUSTERING_NEAREST)
  const state = clustering + CLUSTERING_DRAWN
  const pointBytes = <usize>dim << 2
  let index = load<u32>(clustering, CLUSTERING_CHOSEN)
  if (!index) {
    setCenter(centers, dim, 0, points + <usize>(draw(state) * <f64>count) * pointBytes)
    for (let i: u32 = 0; i < count; i++) store<f32>(nearest + (i << 2), Infinity)
    index = 1
  }
  const end = min(k, index + 1 + CLUSTERED_TOGETHER / (count * dim))
  for (; index < end; index++) {
    const center = centerAt(centers, dim, index - 1)
    let sum: f64 = 0
    for (let i: u32 = 0; i < count; i++) {
      const point = points + <usize>i * pointBytes
      let distance: f32 = 0
      for (let j: u32 = 0; j < dim; j++) {
        const difference = load<f32>(point + (j << 2)) - load<f32>(center + j * (LANES * 4))
        distance += difference * difference
      }
      const least = min(distance, load<f32>(nearest + (i << 2)))
      store<f32>(nearest + (i << 2), least)
      sum += least
    }
    let left = draw(state) * sum
    let chosen: u32 = 0
    // Where all points are centers already, any one does.
    while (chosen < count - 1 && left >= <f64>load<f32>(nearest + (chosen << 2))) left -= <f64>load<f32>(nearest + (chosen++ << 2))
    setCenter(centers, dim, index, points + <usize>chosen * pointBytes)
  }
  store<u32>(clustering, index, CLUSTERING_CHOSEN)
}

/** Moves each center to the middle of the points that are nearest to it. */
function moveCenters(clustering: usize): void {
  const count = load<u32>(clustering, CLUSTERING_COUNT)
  const dim = load<u32>(clustering, CLUSTERING_DIM)
  const k = load<u32>(clustering, CLUSTERING_K)
  const points = <usize>load<u32>(clustering, CLUSTERING_POINTS)
  const centers = <usize>load<u32>(clustering, CLUSTERING_CENTERS)
  const sums = <usize>load<u32>(clustering, CLUSTERING_SUMS)
  const sumBytes = <usize>(dim + 1) << 3
  let at = load<u32>(clustering, CLUSTERING_AT)
  if (!at) memory.fill(sums, 0, <usize>k * sumBytes)
  const end = min(count, at + 1 + CLUSTERED_TOGETHER / dim * LANES / k)
  for (; at < end; at++) {
    const point = points + <usize>at * (<usize>dim << 2)
    const sum = sums + <usize>nearestCenter(point, dim, k, centers) * sumBytes
    store<f64>(sum, load<f64>(sum) + 1)
    for (let j: u32 = 0; j < dim; j++) {
      const to = sum + ((j + 1) << 3)
      store<f64>(to, load<f64>(to) + <f64>load<f32>(point + (j << 2)))
    }
  }
  store<u32>(clustering, at == count ? 0 : at, CLUSTERING_AT)
  if (at < count) return
  for (let index: u32 = 0; index < k; index++) {
    const sum = sums + <usize>index * sumBytes
    const members = load<f64>(sum)
    // A center that no point is nearest to stays where it is.
    if (!members) continue
    const center = centerAt(centers, dim, index)
    for (let j: u32 = 0; j < dim; j++) store<f32>(center + j * (LANES * 4), <f32>(load<f64>(sum + ((j + 1) << 3)) / members))
  }
  store<u32>(clustering, load<u32>(clustering, CLUSTERING_LEFT) - 1, CLUSTERING_LEFT)
}

/** HOT PATH: the nearest of `k` centers, LANES at a time; of equally near ones the first. */
export function nearestCenter(point: usize, dim: u32, k: u32, centers: usize): u32 {
  let best = f32x4.splat(Infinity)
  let bests = i32x4.splat(0)
  let center = centers
  for (let index: u32 = 0; index < k; index += LANES) {
    let a = f32x4.splat(0), b = a, c = a, d = a
    for (let j: u32 = 0; j < dim; j++, center += LANES * 4) {
      const x = v128.load32_splat(point + (j << 2))
      const da = f32x4.sub(x, v128.load(center)), db = f32x4.sub(x, v128.load(center, 16))
      const dc = f32x4.sub(x, v128.load(center, 32)), dd = f32x4.sub(x, v128.load(center, 48))
      a = f32x4.add(a, f32x4.mul(da, da))
      b = f32x4.add(b, f32x4.mul(db, db))
      c = f32x4.add(c, f32x4.mul(dc, dc))
      d = f32x4.add(d, f32x4.mul(dd, dd))
    }
    const first = i32x4.splat(index)
    let is = f32x4.lt(a, best)
    best = v128.bitselect(a, best, is)
    bests = v128.bitselect(i32x4.add(first, i32x4(0, 1, 2, 3)), bests, is)
    is = f32x4.lt(b, best)
    best = v128.bitselect(b, best, is)
    bests = v128.bitselect(i32x4.add(first, i32x4(4, 5, 6, 7)), bests, is)
    is = f32x4.lt(c, best)
    best = v128.bitselect(c, best, is)
    bests = v128.bitselect(i32x4.add(first, i32x4(8, 9, 10, 11)), bests, is)
    is = f32x4.lt(d, best)
    best = v128.bitselect(d, best, is)
    bests = v128.bitselect(i32x4.add(first, i32x4(12, 13, 14, 15)), bests, is)
  }
  let nearest = <u32>i32x4.extract_lane(bests, 0)
  let least = f32x4.extract_lane(best, 0)
  let lane = f32x4.extract_lane(best, 1)
  let index = <u32>i32x4.extract_lane(bests, 1)
  if (lane < least || (lane == least && index < nearest)) {
    least = lane
    nearest = index
  }
  lane = f32x4.extract_lane(best, 2)
  index = <u32>i32x4.extract_lane(bests, 2)
  if (lane < least || (lane == least && index < nearest)) {
    least = lane
    nearest = index
  }
  lane = f32x4.extract_lane(best, 3)
  index = <u32>i32x4.extract_lane(bests, 3)
  return lane < least || (lane == least && index < nearest) ? index : nearest
}
