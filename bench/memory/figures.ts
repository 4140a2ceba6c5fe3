import type { CacheKind } from '../../src/index.js'

/** Bytes of a process by kind: its own (the heap and what threads share), and pages of files that the system could take back. */
export interface Held {
  own: number
  files: number
}

/** What a store takes. */
export interface Store {
  dataset: string
  count: number
  dim: number
  M: number
  efConstruction: number
  /** Of the index on disk, without free pages. */
  indexBytes: number
}

/** Searches of one kind of workload. */
export interface Load {
  qps: number
  p50Us: number
  p99Us: number
  hitRatio: number
  /** The same of blocks alone, without records, which have none. */
  blockHitRatio?: number
  blocksRead: number
  /** Blocks read a query, by what they hold. */
  reads: Record<CacheKind, number>
}

/** Searches within a cache of one size. */
export interface LadderRung {
  /** Of the index; undefined where everything is in memory. */
  share?: number
  cacheBytes: number
  recall: number
  /** Over keys and distances of all results. */
  results: string
  uniform: Load
  zipf: Load
  /** Before the store was opened, and at most since then. */
  before: Held
  most: Held
}

export interface LadderRow extends Store {
  ef: number
  k: number
  rungs: LadderRung[]
}

/** Hit ratios with a tenth of the blocks in memory, after compaction and after as many inserts again as half of what was there. */
export interface InsertsRow extends Store {
  inserted: number
  compacted: Load
  afterInserts: Load
}

/** Loading with a cache of a share of the final index. */
export interface LoadRow extends Store {
  share?: number
  /** Whether it was compacted each time that it had doubled. */
  doublings?: boolean
  cacheBytes: number
  /** What it came to, or why it came to no end. */
  loaded?: Loaded
  failure?: string
}

export interface Loaded {
  seconds: number
  cpuSeconds: number
  before: Held
  most: Held
}

/** From opening on, as queries come one after the other. */
export interface ColdRow extends Store {
  /** Whether the system's cache of files was emptied before. */
  dropped: boolean
  openMs: number
  firstMs: number
  /** Until searches were nine tenths as fast as they became. */
  warmSeconds: number
  warmQps: number
}

/** The same searches, in the kernel alone and with everything in memory, by the kernel as it is and by one whose rows stand in flat arrays. */
export interface PagingRow extends Store {
  ef: number
  k: number
  pagedQps: number
  flatQps: number
  /** Of each pair of rounds, what was reached of the flat arrays' QPS; ascending. */
  ratios: number[]
}

/** What a process with a store goes through within a limit, in this order. */
export const limitsSteps = ['load', 'search', 'changes', 'compact', 'reopen'] as const
export type LimitsStep = (typeof limitsSteps)[number]

/** Bytes of a group of processes; files can be taken back, the rest cannot. */
export interface GroupHeld {
  anonymous: number
  files: number
  /** The system's own, for these processes. */
  kernel: number
}

/** A process with a store that may hold so much memory and no more. */
export interface LimitsRow extends Store {
  share: number
  cacheBytes: number
  workers: number
  /** Before the store is opened; and beside that and the cache. */
  baseBytes: number
  allowanceBytes: number
  limitBytes: number
  /** Those that ended, with the most that was held of each kind. */
  steps: { step: LimitsStep; seconds: number; most: GroupHeld }[]
  /** At most, files and all; how often the limit was met, and what could be given back was; and processes killed. */
  mostBytes: number
  met: number
  killed: number
  failure?: string
}

export interface MemoryResults {
  ladder: LadderRow[]
  inserts: InsertsRow[]
  load: LoadRow[]
  cold: ColdRow[]
  paging: PagingRow[]
  limits: LimitsRow[]
}

export function noMemoryResults(): MemoryResults {
  return { ladder: [], inserts: [], load: [], cold: [], paging: [], limits: [] }
}
