import type { Codebook, Codec, Metric } from './codec.js'

const LEVELS = 255
/** Window widths tried, as shares of the widest. */
const WIDTHS = [1, 0.9, 0.8, 0.7, 0.6, 0.5, 0.45, 0.4, 0.35, 0.3, 0.25, 0.2]
/** Components looked at when a width is judged. */
const JUDGED = 200_000
const HEADROOM = 1.05

/**
 * Scalar quantisation to 8 bits: one scale for all dimensions, so that distances between codes are distances between vectors.
 *
 * A window of 256 levels lies over the values. All dimensions share its place, but one whose values leave the common window gets
 * it shifted as little as needed (some embeddings have a few dimensions far from zero). For dot products the window is centred on
 * zero, so that a product of codes is a product of values. The width is the one with the least squared error on the sample.
 */
export const sq8: Codec = {
  name: 'sq8',
  scorer: 1,
  approximate: true,
  trainingCount: 2000,
  rowBytes: dimensions => dimensions + 4,
  train(sample, dimensions, metric) {
    const low = new Float64Array(dimensions).fill(Infinity)
    const high = new Float64Array(dimensions).fill(-Infinity)
    for (const vector of sample) {
      for (let i = 0; i < dimensions; i++) {
        const value = vector[i]!
        if (value < low[i]!) low[i] = value
        if (value > high[i]!) high[i] = value
      }
    }
    const least = low.reduce((a, b) => Math.min(a, b), Infinity)
    const most = high.reduce((a, b) => Math.max(a, b), -Infinity)
    const widest = metric === 'dot' ? 2 * Math.max(-least, most) : most - least
    if (!(widest > 0)) return { inverseScale: LEVELS, offsets: new Float32Array(dimensions).fill(Number.isFinite(least) ? least - 0.5 : 0) }
    let best: Codebook | undefined
    let bestError = Infinity
    for (const width of WIDTHS) {
      const codebook = layWindow(widest * width * (width === 1 ? 1 : HEADROOM), low, high, (least + most) / 2, metric)
      const error = squaredError(codebook, sample, dimensions)
      if (error < bestError) {
        best = codebook
        bestError = error
      }
    }
    return best
  }
}

function layWindow(width: number, low: Float64Array, high: Float64Array, middle: number, metric: Metric): Codebook {
  const scale = width / LEVELS
  const offsets = new Float32Array(low.length)
  for (let i = 0; i < offsets.length; i++) {
    if (metric === 'dot') {
      offsets[i] = -128 * scale
      continue
    }
    let offset = middle - width / 2
    // A dimension wider than the window cannot be held by shifting it: its middle is.
    if (high[i]! - low[i]! > width) offset = (high[i]! + low[i]! - width) / 2
    else if (low[i]! < offset) offset = low[i]!
    else if (high[i]! > offset + width) offset = high[i]! - width
    offsets[i] = offset
  }
  return { inverseScale: 1 / scale, offsets }
}

function squaredError({ inverseScale, offsets }: Codebook, sample: Float32Array[], dimensions: number): number {
  const step = Math.max(1, Math.floor((sample.length * dimensions) / JUDGED))
  let sum = 0
  for (let at = 0; at < sample.length; at += step) {
    const vector = sample[at]!
    for (let i = 0; i < dimensions; i++) {
      const level = Math.min(LEVELS, Math.max(0, Math.round((vector[i]! - offsets[i]!) * inverseScale)))
      const error = vector[i]! - offsets[i]! - level / inverseScale
      sum += error * error
    }
  }
  return sum
}
