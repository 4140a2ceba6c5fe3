import {
  GRAPH_BASE, GRAPH_CODES, GRAPH_DIM, GRAPH_EF_CONSTRUCTION, GRAPH_ENTRY, GRAPH_GHOSTS, GRAPH_INVERSE_SCALE, GRAPH_KEY_ORIGIN, GRAPH_KEY_UNIT,
  GRAPH_LEVELS, GRAPH_LIVE, GRAPH_M, GRAPH_METRIC, GRAPH_OFFSETS, GRAPH_ORDINALS, GRAPH_RECORDS, GRAPH_SCORER, GRAPH_SEED, GRAPH_SLOTS, GRAPH_STATES,
  GRAPH_TASKS, GRAPH_TASKS_END, GRAPH_TASKS_FIRST, GRAPH_UPPER,
  GRAPH_VECTOR_BYTES, LEVEL_CAPACITY, LEVEL_EMPTY, LEVEL_HEADER, LEVEL_SPACE, LEVEL_STRIDE, METRIC_COSINE, METRIC_DOT, METRIC_L2,
  ROW_BELOW, ROW_LEFT, ROW_ORDINAL, ROW_PROTECTED, ROW_SLOT, SCORER_SQ8, STATE_GHOST, STATE_LIVE, STATE_UNCODED, TASK_BITS, TASK_REMOVE
} from '../kernel/layout.js'
import { biasedDot, sortable, squaredL2 } from './distances.js'
import type { Memory } from './memory.js'
import type { Rows } from './space.js'
import { distanceOfCodes, encode } from './sq8.js'

/** A row of codes, copied: f32[] full vectors, or u8[] of the 8-bit codec. */
export type Code = Float32Array | Uint8Array

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
  readonly metric: number
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
    this.isQuantised = memory.u32(ptr + GRAPH_SCORER) === SCORER_SQ8
    this.metric = memory.u32(ptr + GRAPH_METRIC)
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
    const offsets = this.memory.floats(this.memory.u32(this.#ptr + GRAPH_OFFSETS), this.dim)
    return encode(vector, offsets, this.memory.f32(this.#ptr + GRAPH_INVERSE_SCALE), this.dim, this.metric === METRIC_DOT)
  }

  /** The code that stands at an address. */
  codeAt(address: number): Code {
    return this.isQuantised ? this.memory.copy(address, this.dim + 4) : this.memory.floats(address, this.vectorBytes / 4)
  }

  /** The code of an ordinal, or of what a slot stands for. */
  codeOf(level: Level, id: number): Code {
    return this.codeAt(this.rows.address(this.codes, this.ordinalOf(level, id)))
  }

  /** The key of the distance between two codes: u32, lower is nearer. */
  key(a: Code, b: Code): number {
    if (a instanceof Float32Array) return this.fullKey(a, b as Float32Array)
    return distanceOfCodes(a, b as Uint8Array, this.dim, this.metric === METRIC_DOT)
  }

  /** The key of the distance between two full (prepared) vectors. */
  fullKey(a: Float32Array, b: Float32Array): number {
    return sortable(this.metric === METRIC_L2 ? squaredL2(a, b) : biasedDot(a, b, this.metric === METRIC_COSINE ? 1 : 0))
  }

  /** The distance that a key of 8-bit codes stands for. */
  distanceOfKey(key: number): number {
    return (key - this.memory.u32(this.#ptr + GRAPH_KEY_ORIGIN)) * this.memory.f32(this.#ptr + GRAPH_KEY_UNIT)
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
