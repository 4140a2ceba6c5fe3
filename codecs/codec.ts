import type { Slices } from '../floor/slices.js'
import { f32 } from './f32.js'
import { pq, pq8 } from './pq.js'
import { sq8 } from './sq8.js'

export type Metric = 'l2' | 'cosine' | 'dot'
export type CodecName = 'f32' | 'sq8' | 'pq' | 'pq8'

/** A codec, and the bytes of its codes where they can be chosen. */
export interface CodecChoice {
  codec: CodecName
  codeBytes?: number
}

/** What a codec must know of the vectors that it encodes. */
export interface CodecShape {
  dimensions: number
  metric: Metric
  /** Bytes of a code, where they can be chosen. */
  codeBytes?: number
}

/** What training found out about the data; stored with the index, needed to encode and to compare. What the numbers mean is the codec's own. */
export interface Codebook {
  readonly values: Float32Array
}

/** Points whose centers are sought. Shapes: points f32[count][dim]. */
export interface Cluster {
  points: Float32Array
  dim: number
  seed: number
}

/**
 * `k` centers of each of `count` clusters, which are asked for one after the other: by k-means, a function of points and seed.
 *
 * Shapes: k is a multiple of 16; returns f32[k / 16][dim][16] of each.
 */
export type KMeans = (count: number, k: number, clusterAt: (index: number) => Cluster) => Slices<Float32Array[]>

/** The largest of what k-means is asked for. */
export interface KMeansNeeds {
  count: number
  dim: number
  k: number
}

/** How vectors are held where they are searched. */
export interface Codec {
  readonly name: CodecName
  /** Which arithmetic of the kernel compares codes: SCORER_... (index/kernel/layout.ts). The log names the codec by it. */
  readonly scorer: number
  /** Whether distances between codes are approximate, so that the nearest candidates are measured again by full vectors. */
  readonly approximate: boolean
  /** Vectors that must be there before a codebook is trained; until then search is exact. 0: there is nothing to train. */
  readonly trainingCount: number
  /** The bytes of a code unless others are asked for, and the most that can be; undefined where they are given by the dimensions. */
  readonly codeBytes?: { usual(dimensions: number): number, most(dimensions: number): number }
  rowBytes(shape: CodecShape): number
  /** Bytes of the loaded form of a query, in kernel memory, with what loading it takes. */
  queryBytes(shape: CodecShape): number
  /** What training asks of k-means, at most; undefined where it does without. */
  kMeansNeeds?(shape: CodecShape): KMeansNeeds
  /** The width to which a beam is widened where the errors of codes call for it, at most; undefined where they never do. */
  readonly widest?: number
  /** A codebook for data like `sample`: f32[dim] each, unit vectors for cosine. A function of its arguments alone. */
  train(sample: Float32Array[], shape: CodecShape, kMeans: KMeans): Slices<Codebook | undefined>
  /** The vector that a row stands for. Shapes: f32[dim], as it is compared: a unit vector for cosine, but for rounding. */
  decode(row: Uint8Array, codebook: Codebook, shape: CodecShape): Float32Array
  /** Bytes of a codebook as the kernel reads it. */
  tableBytes(shape: CodecShape): number
  /**
   * Lays a codebook out for the kernel (codecs/kernel/layout.ts), which completes it. Shapes: tables u8[tableBytes], a view of kernel memory that begins at an
   * address of 64.
   */
  place(codebook: Codebook, shape: CodecShape, tables: Uint8Array): void
}

export const codecs: Record<CodecName, Codec> = { f32, sq8, pq, pq8 }

/** The codec that the log names by a number; undefined where that is none. */
export function codecOf(scorer: number): CodecName | undefined {
  return Object.values(codecs).find(codec => codec.scorer === scorer)?.name
}

/** The choice alone, of what has more. */
export function choiceOf({ codec, codeBytes }: CodecChoice): CodecChoice {
  return { codec, ...(codeBytes !== undefined && { codeBytes }) }
}

/** The same with another choice. */
export function withChoice<T extends CodecChoice>(options: T, choice: CodecChoice): T {
  const { codeBytes: _, ...rest } = options
  return { ...rest, ...choiceOf(choice) } as T
}

export function isSameChoice(a: CodecChoice, b: CodecChoice): boolean {
  return a.codec === b.codec && a.codeBytes === b.codeBytes
}
