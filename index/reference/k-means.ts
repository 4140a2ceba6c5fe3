/** k-means (codecs/kernel/k-means.ts), point by point. */

const { fround } = Math
const MASK = 2n ** 64n - 1n

/** A number from 0 to 1, and the next state. */
function draw(state: bigint): { value: number, next: bigint } {
  const next = (state + 0x9E3779B97F4A7C15n) & MASK
  let z = ((next ^ (next >> 30n)) * 0xBF58476D1CE4E5B9n) & MASK
  z = ((z ^ (z >> 27n)) * 0x94D049BB133111EBn) & MASK
  return { value: Number((z ^ (z >> 31n)) >> 11n) / 2 ** 53, next }
}

function distanceBetween(a: Float32Array, b: Float32Array): number {
  let sum = 0
  for (let i = 0; i < a.length; i++) {
    const difference = fround(a[i] - b[i])
    sum = fround(sum + fround(difference * difference))
  }
  return sum
}

/** Points that become the first centers; and the state behind the draws. */
export function seedCenters(points: Float32Array[], k: number, seed: bigint): { centers: Float32Array[], state: bigint } {
  let state = seed
  const drawn = (): number => {
    const { value, next } = draw(state)
    state = next
    return value
  }
  const centers = [points[Math.floor(drawn() * points.length)]]
  const nearest = points.map(() => Infinity)
  while (centers.length < k) {
    let sum = 0
    for (const [i, point] of points.entries()) {
      nearest[i] = Math.min(nearest[i], distanceBetween(point, centers[centers.length - 1]))
      sum += nearest[i]
    }
    let left = drawn() * sum
    let chosen = 0
    while (chosen < points.length - 1 && left >= nearest[chosen]) left -= nearest[chosen++]
    centers.push(points[chosen])
  }
  return { centers, state }
}

/** The middles of the points that are nearest to each center. */
export function moveCenters(points: Float32Array[], centers: Float32Array[]): Float32Array[] {
  const sums = centers.map(center => ({ members: 0, sum: new Float64Array(center.length) }))
  for (const point of points) {
    const distances = centers.map(center => distanceBetween(point, center))
    const nearest = sums[distances.indexOf(distances.reduce((least, distance) => (distance < least ? distance : least)))]
    nearest.members++
    for (let i = 0; i < point.length; i++) nearest.sum[i] += point[i]
  }
  return centers.map((center, i) => {
    const { members, sum } = sums[i]
    return members ? Float32Array.from(sum, value => value / members) : center
  })
}
