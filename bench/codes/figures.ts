import type { CodecName, Metric } from '../../src/index.js'

/** How a store holds its vectors. */
export interface Variant {
  codec: CodecName
  /** Where the codec lets one choose. */
  codeBytes?: number
  /** 'codes' where full vectors are dropped. */
  store?: 'codes'
}

/** The width that users have unless they ask for another. */
export const usualEf = 64

/** Recall and speed of one width, all of whose candidates are measured again, or as many as the errors of codes call for. */
export interface CodesPoint {
  ef: number
  oversample: number | 'auto'
  recall: number
  qps: number
  p50Us: number
  /** Blocks that a query has to load. */
  misses: number
}

/** Searches within a cache of one size. */
export interface CodesSweep {
  cacheBytes: number
  points: CodesPoint[]
}

export interface CodesRow extends Variant {
  dataset: string
  count: number
  dim: number
  metric: Metric
  M: number
  efConstruction: number
  k: number
  rowBytes: number
  seconds: number
  /** Of LMDB and LevelDB, compacted. */
  indexBytes: number
  recordBytes: number
  sweeps: CodesSweep[]
}
