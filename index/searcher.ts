import { type CodecName, codecs } from '../codecs/codec.js'
import { vectorByteLength } from '../codecs/f32.js'
import type { Arena } from '../storage/arena.js'
import { readWork, type SearchWork } from './explanation.js'
import type { Kernel } from './kernel.js'
import {
  JOB_BYTES, JOB_EF, JOB_EXACT, JOB_EXPLAINS, JOB_FOUND, JOB_K, JOB_MEASURED, JOB_MISSES, JOB_NEEDS, JOB_PARTIAL, JOB_QUERY, JOB_RESULT, JOB_STOP, STATE_LIVE, STATE_UNCODED
} from './kernel/layout.js'
import type { RecordRows } from './record-rows.js'
import type { Scratch } from './scratch.js'
import { isLink, type Tasks } from './tasks.js'

export interface Found {
  ordinal: number
  distance: number
}

/** Nearest first; exact when every live vector was looked at, partial when it was stopped before its end. */
export interface Nearest {
  found: Found[]
  exact: boolean
  partial: boolean
  /** What it took, when that was asked for. */
  work?: SearchWork
}

/**
 * How much is measured again by full vectors, where codes are approximate: `oversample` times k; or 'auto', as many as it takes, by the errors of codes that
 * are met, to find `recallTarget` of the nearest, and then the beam is widened as well where it is too narrow for them.
 */
export interface Rerank {
  oversample: number | 'auto'
  recallTarget: number
}

/** No target asks for more certainty than that: all of any beam would be measured for it. */
const LEAST_MISSES = 1e-4

export const USUAL_RERANK: Rerank = { oversample: 'auto', recallTarget: 0.99 }

/** What a searcher sees of a graph. */
export interface SearchedGraph {
  readonly ptr: number
  readonly options: { codec: CodecName, dimensions: number }
  readonly records: RecordRows
  readonly live: number
  readonly uncoded: number
  stateOf(ordinal: number): number
  /** Makes a vector the one in the scratch. Shapes: vector f32[dim] as the user gave it. */
  load(vector: Float32Array): void
  /** Makes room for beams of `width`. */
  makeRoom(width: number): void
}

/** A search in the kernel's memory (kernel/layout.ts), for whatever thread does it. */
export class SearchJob {
  readonly ptr: number
  readonly vector: Float32Array
  readonly k: number
  /** Ordinals that had no code when it was asked for, where the kernel passes over them: some have one by now, which it may have been too early for. */
  readonly uncoded: number[]
  readonly #arena: Arena
  readonly #byteLength: number

  constructor(
    arena: Arena, vector: Float32Array, k: number, ef: number, exact: boolean, { oversample, recallTarget }: Rerank, explain: boolean, uncoded: number[]
  ) {
    this.#arena = arena
    this.vector = vector
    this.k = k
    this.uncoded = uncoded
    const queryBytes = vectorByteLength(vector.length)
    this.#byteLength = JOB_BYTES + queryBytes + k * 8
    this.ptr = arena.allocate(this.#byteLength)
    arena.f32.set(vector, (this.ptr + JOB_BYTES) / 4)
    this.#set(JOB_K, k)
    this.#set(JOB_EF, Math.min(ef, 2 ** 31))
    this.#set(JOB_EXACT, exact ? 1 : 0)
    this.#set(JOB_EXPLAINS, explain ? 1 : 0)
    this.#set(JOB_MEASURED, oversample === 'auto' ? 0 : Math.min(Math.ceil(oversample * k), 2 ** 31))
    arena.f32[(this.ptr + JOB_MISSES) / 4] = Math.max(1 - recallTarget, LEAST_MISSES) * k
    this.#set(JOB_QUERY, this.ptr + JOB_BYTES)
    this.#set(JOB_RESULT, this.ptr + JOB_BYTES + queryBytes)
  }

  /** The width of the beam that there was no room for; 0 when the search has come to its end. */
  get needs(): number {
    return this.#get(JOB_NEEDS)
  }

  /** Ends it with what it has found by then. */
  stop(): void {
    this.#set(JOB_STOP, 1)
  }

  read(): Nearest {
    const { u32 } = this.#arena
    const found: Found[] = []
    const at = this.#get(JOB_RESULT) / 4
    for (let i = 0; i < this.#get(JOB_FOUND); i++) {
      const key = u32[at + 2 * i + 1]!
      // The inverse of sortable() in codecs/kernel/f32.ts.
      bits[0] = key & 0x80000000 ? key ^ 0x80000000 : ~key
      found.push({ ordinal: u32[at + 2 * i]! >>> 1, distance: float[0]! })
    }
    const nearest = { found, exact: this.#get(JOB_EXACT) !== 0, partial: this.#get(JOB_PARTIAL) !== 0 }
    return this.#get(JOB_EXPLAINS) ? { ...nearest, work: readWork(this.#arena, this.ptr) } : nearest
  }

  release(): void {
    this.#arena.release(this.ptr, this.#byteLength)
  }

  #get(word: number): number {
    return this.#arena.u32[(this.ptr + word) / 4]!
  }

  #set(word: number, value: number): void {
    this.#arena.u32[(this.ptr + word) / 4] = value
  }
}

const bits = new Uint32Array(1)
const float = new Float32Array(bits.buffer)

/** Searches a graph: its nodes along their edges, and what is not linked yet by scanning. */
export class Searcher {
  readonly #arena: Arena
  readonly #kernel: Kernel
  readonly #scratch: Scratch
  readonly #graph: SearchedGraph
  readonly #tasks: Tasks
  readonly #threads: { read<T>(work: () => T): T }

  constructor(arena: Arena, kernel: Kernel, scratch: Scratch, graph: SearchedGraph, tasks: Tasks, threads: { read<T>(work: () => T): T }) {
    this.#arena = arena
    this.#kernel = kernel
    this.#scratch = scratch
    this.#graph = graph
    this.#tasks = tasks
    this.#threads = threads
  }

  /**
   * The nearest live ordinals: `k` of them, or all when fewer are live. Where removed nodes crowd the beam, it is widened until they are found.
   *
   * Shapes: vector f32[dim] as the user gave it. `ef` is how many candidates are kept, at least k.
   */
  search(vector: Float32Array, k: number, ef: number, rerank: Rerank, explain: boolean): Nearest {
    return this.#find(vector, k, ef, false, rerank, explain)
  }

  /** As search, by looking at every live vector. */
  exact(vector: Float32Array, k: number, explain: boolean): Nearest {
    return this.#find(vector, k, 1, true, USUAL_RERANK, explain)
  }

  /** A search that another thread is to do; `finish` it, or release it. */
  ask(vector: Float32Array, k: number, ef: number, exact: boolean, rerank: Rerank, explain: boolean): SearchJob {
    return new SearchJob(this.#arena, vector, Math.min(k, this.#graph.live), ef, exact, rerank, explain, this.#uncoded())
  }

  /** What a search has found; undefined when it must be done again, with the room that it needs. */
  finish(job: SearchJob): Nearest | undefined {
    const { needs } = job
    if (needs) {
      this.#graph.makeRoom(needs)
      return undefined
    }
    return this.#withUncoded(job, job.read())
  }

  #find(vector: Float32Array, k: number, ef: number, exact: boolean, rerank: Rerank, explain: boolean): Nearest {
    const job = this.ask(vector, k, ef, exact, rerank, explain)
    try {
      for (;;) {
        this.#threads.read(() => this.#kernel.find(this.#graph.ptr, this.#scratch.ptr, job.ptr))
        const nearest = this.finish(job)
        if (nearest) return nearest
      }
    } finally {
      job.release()
    }
  }

  /** Ordinals that the kernel passes over: where codes are exact, those that have none yet. */
  #uncoded(): number[] {
    const ordinals: number[] = []
    if (codecs[this.#graph.options.codec].approximate || !this.#graph.uncoded) return ordinals
    for (let i = 0; i < this.#tasks.length; i++) {
      const { kind, ordinal } = this.#tasks.at(i)!
      if (isLink(kind) && this.#graph.stateOf(ordinal) === STATE_UNCODED) ordinals.push(ordinal)
    }
    return ordinals
  }

  /** What the kernel has found, and what it passed over, by the records. */
  #withUncoded({ vector, k, uncoded }: SearchJob, nearest: Nearest): Nearest {
    if (!uncoded.length) return nearest
    const graph = this.#graph
    const found = [...nearest.found]
    const seen = new Set(found.map(({ ordinal }) => ordinal))
    for (const ordinal of uncoded) {
      const state = graph.stateOf(ordinal)
      if (seen.has(ordinal) || (state !== STATE_UNCODED && state !== STATE_LIVE)) continue
      graph.load(graph.records.given(ordinal))
      this.#kernel.encodeRow(graph.ptr, this.#scratch.ptr, this.#scratch.row)
      graph.load(vector)
      found.push({ ordinal, distance: this.#kernel.distanceTo(graph.ptr, this.#scratch.ptr, this.#scratch.row) })
    }
    found.sort((a, b) => a.distance - b.distance || a.ordinal - b.ordinal)
    return { ...nearest, found: found.slice(0, k) }
  }
}
