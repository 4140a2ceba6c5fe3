import type { Slices } from '../floor/slices.js'
import { f32 } from './f32.js'
import { sq8 } from './sq8.js'

export type Metric = 'l2' | 'cosine' | 'dot'
export type CodecName = 'f32' | 'sq8'

/** What training found out about the data; stored with the index, needed to encode and to compare. */
export interface Codebook {
  /** Steps of a code per unit of a component. */
  inverseScale: number
  /** f32[dim]: the value of level 0. */
  offsets: Float32Array
}

/** How vectors are held where they are searched. */
export interface Codec {
  readonly name: CodecName
  /** Which arithmetic of the kernel compares codes: SCORER_F32 or SCORER_SQ8 (index/kernel/layout.ts). */
  readonly scorer: number
  /** Whether distances between codes are approximate, so that the nearest candidates are measured again by full vectors. */
  readonly approximate: boolean
  /** Vectors that must be there before a codebook is trained; until then search is exact. 0: there is nothing to train. */
  readonly trainingCount: number
  rowBytes(dimensions: number): number
  /** A codebook for data like `sample`: f32[dim] each, unit vectors for cosine. A function of its arguments alone. */
  train(sample: Float32Array[], dimensions: number, metric: Metric): Slices<Codebook | undefined>
  /** The vector that a row stands for. Shapes: f32[dim], as it is compared: a unit vector for cosine, but for rounding. */
  decode(row: Uint8Array, codebook: Codebook, dimensions: number): Float32Array
}

export const codecs: Record<CodecName, Codec> = { f32, sq8 }
