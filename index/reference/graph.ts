import { CODEBOOK_INVERSE_SCALE, CODEBOOK_KEY_ORIGIN, CODEBOOK_KEY_UNIT, CODEBOOK_OFFSETS } from '../../codecs/kernel/layout.js'
import {
  GRAPH_BASE, GRAPH_CODEBOOK, GRAPH_CODES, GRAPH_DIM, GRAPH_EF_CONSTRUCTION, GRAPH_ENTRY, GRAPH_GHOSTS,
  GRAPH_LEVELS, GRAPH_LIVE, GRAPH_M, GRAPH_METRIC, GRAPH_ORDINALS, GRAPH_RECORDS, GRAPH_RERANKS, GRAPH_SCORER, GRAPH_SEED, GRAPH_SLOTS, GRAPH_STATES,
  GRAPH_TASKS, GRAPH_TASKS_END, GRAPH_TASKS_FIRST, GRAPH_UPPER,
  GRAPH_VECTOR_BYTES, GRAPH_WIDEST, LEVEL_CAPACITY, LEVEL_EMPTY, LEVEL_HEADER, LEVEL_SPACE, LEVEL_STRIDE, METRIC_COSINE, METRIC_DOT, METRIC_L2,
  ROW_BELOW, ROW_LEFT, ROW_ORDINAL, ROW_PROTECTED, ROW_SLOT, SCORER_F32, SCORER_SQ8, STATE_GHOST, STATE_LIVE, STATE_UNCODED, TASK_BITS, TASK_REMOVE
} from '../kernel/layout.js'
import { biasedDot, fromSortable, sortable, squaredL2 } from './distances.js'
import type { Memory } from './memory.js'
import { PqBook, type Tables } from './pq.js'
import type { Rows } from './space.js'
import { distanceOfCodes, encode } from './sq8.js'

/** A row of codes, copied: f32[] full vectors, or u8[] of the other codecs. */
export type Code = Float32Array | Uint8Array
/** What rows are compared with: a code, or what a vector is loaded to. */
export type Query = Code | Tables

/** What is stored of a node at one level: the ids of its neighbors, the first `protectedCount` of them protected. */
export interface Node {
  protectedCount: number
  neighbors: number[]
}

/** Level 0, whose ids are ordinals, or all upper levels, whose ids are slots. */
export interface Level {
  readonly isUpper: boolean
  readonly space: number
  readonly header: number
  readonly stride: number
  readonly empty: number
  /** Neighbors of a node, at most. */
  readonly capacity: number
}

/** A graph in kernel memory: its descriptor (kernel/layout.ts), its rows, and the distances between its codes. */
export class GraphRows {
  readonly memory: Memory
  readonly rows: Rows
  readonly base: Level
  readonly upper: Level
  readonly M: number
  readonly efConstruction: number
  readonly seed: bigint
  readonly dim: number
  readonly vectorBytes: number
  readonly codes: number
  readonly states: number
  readonly records: number
  readonly isQuantised: boolean
  /** Whether the nearest by their codes are measured again by full vectors. */
  readonly reranks: boolean
  /** The width to which beams are widened for the errors of codes, at most. */
  readonly widest: number
  readonly metric: number
  readonly #scorer: number
  readonly #codebook: number
  readonly #ptr: number

  constructor(memory: Memory, rows: Rows, ptr: number) {
    this.memory = memory
    this.rows = rows
    this.#ptr = ptr
    this.base = readLevel(memory, ptr + GRAPH_BASE, false)
    this.upper = readLevel(memory, ptr + GRAPH_UPPER, true)
    this.M = memory.u32(ptr + GRAPH_M)
    this.efConstruction = memory.u32(ptr + GRAPH_EF_CONSTRUCTION)
    this.seed = memory.u64(ptr + GRAPH_SEED)
    this.dim = memory.u32(ptr + GRAPH_DIM)
    this.vectorBytes = memory.u32(ptr + GRAPH_VECTOR_BYTES)
    this.codes = memory.u32(ptr + GRAPH_CODES)
    this.states = memory.u32(ptr + GRAPH_STATES)
    this.records = memory.u32(ptr + GRAPH_RECORDS)
    this.#scorer = memory.u32(ptr + GRAPH_SCORER)
    this.#codebook = memory.u32(ptr + GRAPH_CODEBOOK)
    this.isQuantised = this.#scorer !== SCORER_F32
    this.reranks = memory.u32(ptr + GRAPH_RERANKS) !== 0
    this.widest = memory.u32(ptr + GRAPH_WIDEST)
    this.metric = memory.u32(ptr + GRAPH_METRIC)
  }

  /** Those of which reads are counted. */
  get spaces(): number[] {
    return [this.codes, this.states, this.records, this.base.space, this.upper.space]
  }

  get slots(): number {
    return this.memory.u32(this.#ptr + GRAPH_SLOTS)
  }

  set slots(count: number) {
    this.memory.setU32(this.#ptr + GRAPH_SLOTS, count)
  }

  /** The slot of the entry point, and its level: 0 when the graph is empty. */
  get entry(): { slot: number, level: number } {
    return { slot: this.memory.u32(this.#ptr + GRAPH_ENTRY), level: this.memory.u32(this.#ptr + GRAPH_LEVELS) }
  }

  set entry({ slot, level }: { slot: number, level: number }) {
    this.memory.setU32(this.#ptr + GRAPH_ENTRY, slot)
    this.memory.setU32(this.#ptr + GRAPH_LEVELS, level)
  }

  /** Ordinals that searches find, and those that were ever given out. */
  get live(): number {
    return this.memory.u32(this.#ptr + GRAPH_LIVE)
  }

  get ordinals(): number {
    return this.memory.u32(this.#ptr + GRAPH_ORDINALS)
  }

  /** The ordinals that are still to be linked. */
  get unlinked(): number[] {
    const ordinals: number[] = []
    const tasks = this.memory.u32(this.#ptr + GRAPH_TASKS)
    for (let i = this.memory.u32(this.#ptr + GRAPH_TASKS_FIRST); i < this.memory.u32(this.#ptr + GRAPH_TASKS_END); i++) {
      const task = this.memory.u32(tasks + 4 * i)
      if ((task & ((1 << TASK_BITS) - 1)) < TASK_REMOVE) ordinals.push(task >>> TASK_BITS)
    }
    return ordinals
  }

  isLive(ordinal: number): boolean {
    return this.#stateOf(ordinal) === STATE_LIVE
  }

  /** Whether scans look at an ordinal: where codes are the full vectors, it must have one. */
  isScored(ordinal: number): boolean {
    return this.isLive(ordinal) || (this.isQuantised && this.#stateOf(ordinal) === STATE_UNCODED)
  }

  isGhost(ordinal: number): boolean {
    return this.memory.u32(this.#ptr + GRAPH_GHOSTS) !== 0 && this.#stateOf(ordinal) === STATE_GHOST
  }

  #stateOf(ordinal: number): number {
    return this.memory.u8(this.rows.address(this.states, ordinal))
  }

  /** Whether an ordinal has a node. */
  isLinked(ordinal: number): boolean {
    return this.memory.u8(this.rows.address(this.base.space, ordinal)) < ROW_LEFT
  }

  /** The highest slot that an earlier node of this ordinal left, NO_SLOT when it had none; undefined when there was no node. */
  slotLeft(ordinal: number): number | undefined {
    const row = this.rows.address(this.base.space, ordinal)
    return this.memory.u8(row) === ROW_LEFT ? this.memory.u32(row + ROW_SLOT) : undefined
  }

  /** Leaves a base row without a node. */
  leave(ordinal: number, slot: number): void {
    this.setNode(this.base, ordinal, { protectedCount: ROW_LEFT, neighbors: [] })
    this.memory.setU32(this.rows.dirtyAddress(this.base.space, ordinal) + ROW_SLOT, slot)
  }

  /** The code of a prepared vector. */
  encode(vector: Float32Array): Uint8Array {
    if (!this.isQuantised) return new Uint8Array(vector.buffer)
    if (this.#scorer !== SCORER_SQ8) return this.#pq.encode(vector)
    const offsets = this.memory.floats(this.memory.u32(this.#codebook + CODEBOOK_OFFSETS), this.dim)
    return encode(vector, offsets, this.memory.f32(this.#codebook + CODEBOOK_INVERSE_SCALE), this.dim, this.metric === METRIC_DOT)
  }

  /** A prepared vector as the query. */
  queryOf(vector: Float32Array): Query {
    if (this.#scorer === SCORER_F32) return vector
    return this.#scorer === SCORER_SQ8 ? this.encode(vector) : this.#pq.tablesOf(vector, this.metric === METRIC_DOT)
  }

  get #pq(): PqBook {
    return new PqBook(this.memory, this.#codebook)
  }

  /** The code that stands at an address. */
  codeAt(address: number): Code {
    if (this.#scorer === SCORER_F32) return this.memory.floats(address, this.vectorBytes / 4)
    return this.memory.copy(address, this.#scorer === SCORER_SQ8 ? this.dim + 4 : this.#pq.rowBytes)
  }

  /** The code of an ordinal, or of what a slot stands for. */
  codeOf(level: Level, id: number): Code {
    return this.codeAt(this.rows.address(this.codes, this.ordinalOf(level, id)))
  }

  /** The key of the distance between a query, or a code, and a code: u32, lower is nearer. */
  key(a: Query, b: Code): number {
    if (a instanceof Float32Array) return this.fullKey(a, b as Float32Array)
    const row = b as Uint8Array
    if (!(a instanceof Uint8Array)) return this.#pq.key(a.entries, row)
    if (this.#scorer === SCORER_SQ8) return distanceOfCodes(a, row, this.dim, this.metric === METRIC_DOT)
    return this.#pq.key(this.#pq.tablesOfRow(a), row)
  }

  /** The key of the distance between two full (prepared) vectors. */
  fullKey(a: Float32Array, b: Float32Array): number {
    return sortable(this.metric === METRIC_L2 ? squaredL2(a, b) : biasedDot(a, b, this.metric === METRIC_COSINE ? 1 : 0))
  }

  /** The distance that a key of a query stands for. */
  distanceOfKey(query: Query, key: number): number {
    if (query instanceof Float32Array) return fromSortable(key)
    if (query instanceof Uint8Array) return (key - this.memory.u32(this.#codebook + CODEBOOK_KEY_ORIGIN)) * this.memory.f32(this.#codebook + CODEBOOK_KEY_UNIT)
    const half = this.metric === METRIC_COSINE ? 2 : 1
    return query.base / half + key * (query.unit / half)
  }

  ordinalOf(level: Level, id: number): number {
    return level.isUpper ? this.memory.u32(this.rows.address(level.space, id) + ROW_ORDINAL) : id
  }

  /** The slot of the same ordinal one level lower. */
  slotBelow(slot: number): number {
    return this.memory.u32(this.rows.address(this.upper.space, slot) + ROW_BELOW)
  }

  node(level: Level, id: number): Node {
    const row = this.rows.read(level.space, id)
    const neighbors: number[] = []
    for (let i = 0; i < level.capacity; i++) {
      const neighbor = readNumber(row, level.header + i * level.stride, level.stride)
      if (neighbor === level.empty) break
      neighbors.push(neighbor)
    }
    return { protectedCount: row[ROW_PROTECTED], neighbors }
  }

  setNode(level: Level, id: number, { protectedCount, neighbors }: Node): void {
    const row = this.rows.dirtyAddress(level.space, id)
    this.memory.setU8(row + ROW_PROTECTED, protectedCount)
    for (let i = 0; i < level.capacity; i++) {
      const neighbor = neighbors[i] ?? level.empty
      for (let byte = 0; byte < level.stride; byte++) this.memory.setU8(row + level.header + i * level.stride + byte, neighbor >>> (8 * byte))
    }
  }
}

function readLevel(memory: Memory, ptr: number, isUpper: boolean): Level {
  return {
    isUpper,
    space: memory.u32(ptr + LEVEL_SPACE),
    header: memory.u32(ptr + LEVEL_HEADER),
    stride: memory.u32(ptr + LEVEL_STRIDE),
    empty: memory.u32(ptr + LEVEL_EMPTY),
    capacity: memory.u32(ptr + LEVEL_CAPACITY)
  }
}

/** Little-endian. */
function readNumber(bytes: Uint8Array, at: number, byteLength: number): number {
  let value = 0
  for (let i = byteLength - 1; i >= 0; i--) value = value * 256 + bytes[at + i]
  return value
}
