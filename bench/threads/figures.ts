import type { Codec } from '../macro/engine.js'
import type { Part } from './parts.js'

/** What all figures stand for. */
export interface Subject {
  engine: string
  version: string
  dataset: string
  count: number
  codec: Codec
  M: number
  efConstruction: number
  /** Of the store, beside the calling thread; absent for engines that have none. */
  workers?: number
}

export interface Latency {
  p50Us: number
  p99Us: number
}

/** Recall@10 at a width of the beam. */
export interface RecallAt {
  ef: number
  recall: number
}

/** A bulk load: batches of 1,000, one after the other. */
export interface BuildFigures {
  durability: 'strict' | 'relaxed' | 'in memory'
  /** Until all whole batches are linked; and until a checkpoint of that is written. */
  seconds: number
  checkpointSeconds: number
  cpuSeconds: number
  recalls: RecallAt[]
}

/** Linking alone, in memory. */
export interface LinkFigures {
  /** Vectors that were linked. */
  linked: number
  seconds: number
  cpuSeconds: number
  /** Hash of all that the graph is: the same for any number of workers. */
  graph: string
}

/** Searches of an idle store, over all queries, medians over the rounds. */
export interface SearchFigures {
  ef: number
  recall: number
  /** One after the other; and each after a pause, when all threads have gone to sleep. */
  sync: Latency
  search: Latency
  syncAfterPause: Latency
  searchAfterPause: Latency
  /** A second: of a searchSync loop, and of so many callers of search(). */
  syncQps: number
  callers: number
  callersQps: number
}

export interface Delay {
  p50: number
  p99: number
  p999: number
  max: number
}

/** An event loop on which vectors are inserted, and searches answered. */
export interface LoopFigures {
  /** Vectors of a call, and callers that each wait for their last call. */
  batch: number
  callers: number
  vectorsPerSecond: number
  /** As monitorEventLoopDelay has it at a resolution of 1 ms, which is part of each figure. */
  delayMs: Delay
  /** The same of this process before it had anything to do: what the machine does by itself. */
  delayAtRestMs: Delay
  searches: number
  ef: number
  /** Of a sample of the searches, among what was written when they began. */
  recallMeanwhile: number
  recallAfter: number
  /** From the call on. */
  search: Latency
  /** From the moment on at which it was due. */
  searchFromDue: Latency
}

/** Searches alone, and among writes; and what was wrong with them. */
export interface MixedFigures {
  callers: number
  seconds: number
  ef: number
  readOnly: MixedSearches
  mixed: MixedSearches
  writes: number
  write: Latency
  checked: Checked
}

export interface MixedSearches extends Latency {
  searches: number
  qps: number
  /** Of a sample, among what was certainly there. */
  recall: number
}

/** Results, and how many of them no order of the writes explains. */
export interface Checked {
  searches: number
  /** Searches that looked at everything, whose results had to be complete. */
  exact: number
  duplicate: number
  /** Records that were deleted or replaced before the search began, or written after it ended. */
  wrong: number
  /** Distances that are no distance of the key's vectors. */
  misplaced: number
  /** Results out of order, or fewer than there must be. */
  malformed: number
  /** Records nearer than what an exact search found, that were certainly there. */
  missed: number
}

export type BuildRow = Subject & BuildFigures
export type LinkRow = Subject & LinkFigures
export type SearchRow = Subject & SearchFigures
export type LoopRow = Subject & LoopFigures
export type MixedRow = Subject & MixedFigures

/** What the parts have measured. */
export interface ThreadsResults extends Record<Part, unknown[]> {
  build: BuildRow[]
  link: LinkRow[]
  search: SearchRow[]
  loop: LoopRow[]
  mixed: MixedRow[]
}

export function noThreadsResults(): ThreadsResults {
  return { build: [], link: [], search: [], loop: [], mixed: [] }
}
