/**
 * Distances between full vectors, rounded to f32 at every step.
 *
 * The kernel adds component i to lane i mod 4, and the lanes as (0 + 2) + (1 + 3). Sums of floats depend on their order, so this does too.
 */

const { fround } = Math
const bits = new Uint32Array(1)
const float = new Float32Array(bits.buffer)

function sumOfLanes(lanes: number[]): number {
  return fround(fround(lanes[0] + lanes[2]) + fround(lanes[1] + lanes[3]))
}

/** The squared Euclidean distance. */
export function squaredL2(a: Float32Array, b: Float32Array): number {
  const lanes = [0, 0, 0, 0]
  for (let i = 0; i < a.length; i++) {
    const difference = fround(a[i] - b[i])
    lanes[i % 4] = fround(lanes[i % 4] + fround(difference * difference))
  }
  return sumOfLanes(lanes)
}

/** bias - a . b: with bias 1 the cosine distance of unit vectors, with bias 0 the negated inner product. */
export function biasedDot(a: Float32Array, b: Float32Array, bias: number): number {
  const lanes = [0, 0, 0, 0]
  for (let i = 0; i < a.length; i++) lanes[i % 4] = fround(lanes[i % 4] + fround(a[i] * b[i]))
  return fround(bias - sumOfLanes(lanes))
}

/** The u32 that sorts like a float: the sign bit flipped for positive ones, all bits for negative ones. */
export function sortable(value: number): number {
  float[0] = value
  return (bits[0] & 0x80000000 ? ~bits[0] : bits[0] | 0x80000000) >>> 0
}

/** The inverse of sortable. */
export function fromSortable(key: number): number {
  bits[0] = key & 0x80000000 ? key ^ 0x80000000 : ~key
  return float[0]
}

/** Scales a vector to unit length in place; returns its length before, which is summed in f64, again in four lanes. */
export function normalize(vector: Float32Array): number {
  const lanes = [0, 0, 0, 0]
  for (let i = 0; i < vector.length; i++) lanes[i % 4] += vector[i] * vector[i]
  const length = Math.sqrt((lanes[0] + lanes[2]) + (lanes[1] + lanes[3]))
  if (length === 0) return length
  const inverse = 1 / length
  for (let i = 0; i < vector.length; i++) vector[i] *= inverse
  return length
}
