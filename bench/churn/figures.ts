import type { Codec } from '../macro/engine.js'
import type { IndexState } from './engine.js'
import type { PolicyName } from './policies.js'

/** One engine and one policy on one data set. */
export interface ChurnRow {
  dataset: string
  policy: PolicyName
  count: number
  dim: number
  metric: string
  engine: string
  version: string
  codec: Codec
  M: number
  efConstruction: number
  ef: number
  k: number
  /** The part of the vectors that each round changed. */
  share: number
  queries: number
  /** By which calls the library deletes and updates. */
  note?: string
  /** The load, then each round, as far as it came. */
  rounds: ChurnRound[]
  end?: ChurnEnd
  /** Why it came no further. */
  error?: string
}

/** What was found after the load or a round. */
export interface ChurnRound extends Found {
  /** Of one operation, with its share of the settling; absent where there were none. */
  insertUs?: number
  updateUs?: number
  deleteUs?: number
}

export interface Found {
  recall: number
  /** The share of the queries that gave fewer than k results. */
  short: number
  qps: number
  /** All files; for a library that holds its index in memory those that it saves. */
  bytesOnDisk: number
  /** Only ours says this. */
  state?: IndexState
}

export interface ChurnEnd {
  /** The same vectors in a new index. */
  fresh: Found
  /** After the library was told to give back space; absent when it has no such call. */
  compacted?: Found
}

/** What single operations cost us in a steady state. */
export interface ChurnCosts {
  dataset: string
  count: number
  callers: number
  /** Medians of one operation, with its share of the linking. */
  insertUs: number
  updateUs: number
  deleteUs: number
  /** Median of the blocks that one delete changes. */
  dirtyBlocks: number
}
