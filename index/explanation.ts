import type { Arena } from '../storage/arena.js'
import {
  JOB_DISTANCES, JOB_FAULTS, JOB_HOPS, JOB_IN_GRAPH, JOB_IN_RERANK, JOB_IN_SCAN, JOB_READS, JOB_RERANKED, JOB_THREAD, JOB_WIDENED, JOB_WIDTH
} from './kernel/layout.js'

/** What the kernel did for a search. */
export interface SearchWork {
  /** Which thread did it: a worker, or the calling one. */
  by: 'worker' | 'caller'
  /** How often it was asked where a row is, and how many blocks had to be loaded for it. */
  blockAccesses: number
  blocksRead: number
  /** Distances by codes; and by full vectors, of the nearest or of what has no code yet. */
  distances: number
  reranked: number
  /** Nodes whose neighbors were looked at. */
  hops: number
  /** Candidates that the last beam could hold, 0 when there was none; and how often it was widened. */
  width: number
  widened: number
  /** Microseconds along the edges of the graph; with full vectors; and with what is scanned, because it is not linked yet, or all of it. */
  graph: number
  rerank: number
  scan: number
}

/** Of a job that asked for it. Shapes: `ptr` as in kernel/layout.ts. */
export function readWork({ u32, f64 }: Arena, ptr: number): SearchWork {
  const count = (word: number): number => u32[(ptr + word) / 4]!
  const micros = (word: number): number => f64[(ptr + word) / 8]!
  return {
    by: count(JOB_THREAD) ? 'worker' : 'caller',
    blockAccesses: count(JOB_READS), blocksRead: count(JOB_FAULTS),
    distances: count(JOB_DISTANCES), reranked: count(JOB_RERANKED), hops: count(JOB_HOPS), width: count(JOB_WIDTH), widened: count(JOB_WIDENED),
    graph: micros(JOB_IN_GRAPH), rerank: micros(JOB_IN_RERANK), scan: micros(JOB_IN_SCAN)
  }
}
