import type { Arena } from '../storage/arena.js'
import {
  RERANKED, SCAN, SCRATCH_ADDRESSES, SCRATCH_BEAM, SCRATCH_BEAM_CAPACITY, SCRATCH_BYTES, SCRATCH_CANDIDATES,
  SCRATCH_DISTANCES, SCRATCH_HOPS, SCRATCH_IDS, SCRATCH_KEYS, SCRATCH_LEFT, SCRATCH_LEVELS, SCRATCH_QUERY, SCRATCH_RESULT, SCRATCH_ROW, SCRATCH_ROWS,
  SCRATCH_SELECTED, SCRATCH_VISITED, SCRATCH_VISITED_BYTES, WIDTH_MOST
} from './kernel/layout.js'

/** What a graph asks of the scratch it is searched or changed with. */
export interface ScratchNeeds {
  vectorBytes: number
  rowBytes: number
  /** Of a loaded query. */
  queryBytes: number
  M: number
  /** Entries of the beam and of the result. */
  ef: number
  /** Ids to mark as visited: ordinals, or slots. */
  ids: number
}

/** The working memory of one searcher: its buffers grow to what is asked of them, and are never shared by two threads. */
export class Scratch {
  /** Address of the descriptor (kernel/layout.ts). */
  readonly ptr: number
  readonly #arena: Arena
  readonly #byteLengths = new Map<number, number>()
  #width = 0

  constructor(arena: Arena) {
    this.#arena = arena
    this.ptr = arena.allocate(SCRATCH_BYTES, 'scratch')
  }

  ensure({ vectorBytes, rowBytes, queryBytes, M, ef, ids }: ScratchNeeds): void {
    const candidates = Math.max(4 * M + 4, ef + 4, RERANKED)
    const round = Math.max((WIDTH_MOST + 1) * 2 * M, SCAN, candidates) + 16
    this.#ensure(SCRATCH_QUERY, vectorBytes + 16)
    this.#ensure(SCRATCH_LEVELS, queryBytes + 1024)
    this.#ensure(SCRATCH_ROW, rowBytes + 64)
    this.#ensure(SCRATCH_IDS, round * 4)
    this.#ensure(SCRATCH_ROWS, round * 4)
    this.#ensure(SCRATCH_ADDRESSES, round * 4)
    this.#ensure(SCRATCH_KEYS, round * 4)
    this.#ensure(SCRATCH_SELECTED, (2 * M + 4) * 4)
    this.#ensure(SCRATCH_CANDIDATES, candidates * 8)
    this.#ensure(SCRATCH_LEFT, candidates * 8)
    this.#ensure(SCRATCH_RESULT, (ef + 2) * 8)
    this.#ensure(SCRATCH_BEAM, (ef + 2) * 8)
    this.#ensure(SCRATCH_VISITED, ids + 8)
    this.#width = Math.max(this.#width, ef)
    this.#set(SCRATCH_BEAM_CAPACITY, this.#width)
    this.#set(SCRATCH_VISITED_BYTES, this.#byteLengths.get(SCRATCH_VISITED)!)
  }

  get query(): number {
    return this.#get(SCRATCH_QUERY)
  }

  /** A buffer for one row of codes. */
  get row(): number {
    return this.#get(SCRATCH_ROW)
  }

  get result(): number {
    return this.#get(SCRATCH_RESULT)
  }

  /** Distances computed and nodes expanded since the scratch was made, modulo 2^32. */
  get counters(): { distances: number, hops: number } {
    return { distances: this.#get(SCRATCH_DISTANCES), hops: this.#get(SCRATCH_HOPS) }
  }

  #ensure(word: number, byteLength: number): void {
    const have = this.#byteLengths.get(word) ?? 0
    if (have >= byteLength) return
    // Doubled, so that a growing collection does not allocate at every step.
    const grown = Math.max(byteLength, have * 2)
    // Before the old one is given back: when there is no room, it must still stand.
    const ptr = this.#arena.allocate(grown, 'scratch')
    if (have) this.#arena.release(this.#get(word), have, 'scratch')
    this.#set(word, ptr)
    this.#byteLengths.set(word, grown)
  }

  #get(word: number): number {
    return this.#arena.u32[(this.ptr + word) / 4]!
  }

  #set(word: number, value: number): void {
    this.#arena.u32[(this.ptr + word) / 4] = value
  }
}
