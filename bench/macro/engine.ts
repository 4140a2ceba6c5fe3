import type { CodecName } from '../../src/index.js'
import type { Metric } from '../data/dataset.js'
import type { Matrix } from '../data/fbin-file.js'

export type Codec = CodecName

/** What every engine is told to build. */
export interface IndexTask {
  /** An empty folder of the engine's own. */
  directory: string
  dim: number
  count: number
  metric: Metric
  codec: Codec
  M: number
  efConstruction: number
}

/**
 * One library behind one shape; a module exports it as `engine`.
 *
 * `V` is the vector that the library takes, `R` is what its search returns.
 */
export interface Engine<V = unknown, R = unknown> {
  /**
   * What a user, who holds a Float32Array, has to do to each vector first; absent when the library takes it as it is.
   * `preparedName` says what the result is.
   */
  prepare?(vector: Float32Array): V
  preparedName?: string
  build(task: IndexTask): Promise<Builder<V>>
  open(task: IndexTask): Promise<Searcher<V, R>>
}

export interface Block extends Matrix {
  /** Ordinal of the block's first row. */
  first: number
}

export interface Builder<V> {
  /** Adds a block of rows; `vectors` are the same rows, one by one and prepared. */
  add(block: Block, vectors: V[]): Promise<void> | void
  /** Does what must be done before a search finds all rows fast; counted as building. */
  finish(): Promise<void> | void
  /** Writes what is not yet on disk and lets go of the files. */
  close(): Promise<void> | void
}

export interface Searcher<V, R> {
  setEf(ef: number): Promise<void> | void
  /** HOT PATH: what is timed; the library's fastest documented call for one query. */
  search(query: V, k: number): R
  /** Turns a result into base rows, nearest first; not timed. */
  ordinalsOf(result: R): number[]
  close(): Promise<void> | void
}
