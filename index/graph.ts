import { codecs, type Codebook, type CodecName, type Metric } from '../codecs/codec.js'
import { vectorByteLength } from '../codecs/f32.js'
import { unlessDamaged, VectorLevelError } from '../floor/errors.js'
import type { Arena } from '../storage/arena.js'
import type { BlockCache } from '../storage/block-cache.js'
import type { Space } from '../storage/space.js'
import type { Kernel } from './kernel.js'
import {
  BASE_HEADER, GRAPH_BASE, GRAPH_BYTES, GRAPH_CODES, GRAPH_DIM, GRAPH_EF_CONSTRUCTION, GRAPH_ENTRY, GRAPH_INVERSE_SCALE,
  GRAPH_KEY_ORIGIN, GRAPH_KEY_UNIT, GRAPH_LEVELS, GRAPH_M, GRAPH_METRIC, GRAPH_OFFSETS, GRAPH_RECORDS, GRAPH_SCORER, GRAPH_SEED, GRAPH_SLOTS, GRAPH_STATES, GRAPH_TOGETHER, GRAPH_UPPER,
  GRAPH_VECTOR_BYTES, LEVEL_CAPACITY, LEVEL_EMPTY, LEVEL_HEADER, LEVEL_SPACE, LEVEL_STRIDE, METRIC_COSINE, METRIC_DOT, METRIC_L2,
  ROW_BELOW, ROW_LEVEL, ROW_ORDINAL, ROW_PROTECTED, STATE_DEAD, STATE_FREE, STATE_LIVE, UPPER_HEADER
} from './kernel/layout.js'
import { type Label, RecordRows, type RecordSource } from './record-rows.js'
import type { Scratch } from './scratch.js'

const METRICS: Record<Metric, number> = { l2: METRIC_L2, cosine: METRIC_COSINE, dot: METRIC_DOT }
/** Base neighbors are numbers of three bytes, which is a quarter less to store and to read. */
export const BASE_STRIDE = 3
export const NO_NEIGHBOR = 0xffffff
const NO_SLOT = 0xffffffff
/** Candidates kept beyond what is wanted, at least, where codes are approximate; half as many again for more. */
const LEAST_SPARE = 4
/** Vectors that a codebook is trained on, at most. */
const TRAINING_SAMPLE = 4096
/** Rows that are scored together: as many as a round has, but their blocks may take an eighth of the memory at most. */
const MOST_TOGETHER = 1024
const TOGETHER_SHARE = 8
/** Levels of a node whose space must be there before it is linked: more would need 2^64 nodes. */
const MOST_LEVELS = 32

export interface GraphOptions {
  dimensions: number
  metric: Metric
  codec: CodecName
  M: number
  efConstruction: number
  seed: number
}

/** What a checkpoint keeps of a graph besides its blocks. */
export interface GraphState {
  ordinals: number
  linked: number
  /** Ordinals below this get their code when they are linked: they were there before the codebook, or before the index. */
  uncoded: number
  /** Ordinals below this were there before the index. */
  rebuilt: number
  slots: number
  entry: number
  levels: number
  live: number
  codebook: Codebook | undefined
  /** Which blocks of each space are on disk, a bit each. */
  stored: Record<Kind, Uint8Array>
}

/** The spaces of a graph that are on disk. */
export const KINDS = ['codes', 'base', 'upper', 'states'] as const
export type Kind = (typeof KINDS)[number]

export interface Found {
  ordinal: number
  distance: number
}

/** Kinds of paged spaces of a graph, and how their blocks come into being and from disk. */
export interface GraphStorage {
  /** Reads a block that is on disk into its frame. Throws when it is missing or damaged. */
  load(kind: Kind, block: number, frame: number, frameBytes: number): void
  records: RecordSource
}

/**
 * The graph of one collection: the driver of the kernel's search and insertion.
 *
 * Ordinals come in order, and are linked in order: what [linked, ordinals) holds is searched by scanning until it is linked, so
 * that a vector is found as soon as it is stored, and the graph is a function of the order of operations alone.
 */
export class Graph {
  readonly ptr: number
  readonly codes: Space
  readonly base: Space
  readonly upper: Space
  readonly states: Space
  readonly records: RecordRows
  readonly options: GraphOptions
  readonly #arena: Arena
  readonly #cache: BlockCache
  readonly #kernel: Kernel
  readonly #scratch: Scratch
  readonly #vectorBytes: number
  #reserved = 0
  #ordinals = 0
  #linked = 0
  #uncoded = 0
  #rebuilt = 0
  #live = 0
  #codebook: Codebook | undefined
  readonly #bits = new Uint32Array(1)
  readonly #float = new Float32Array(this.#bits.buffer)

  constructor(arena: Arena, cache: BlockCache, kernel: Kernel, scratch: Scratch, storage: GraphStorage, options: GraphOptions) {
    this.#arena = arena
    this.#cache = cache
    this.#kernel = kernel
    this.#scratch = scratch
    this.options = options
    const { dimensions, M } = options
    const codec = codecs[options.codec]
    this.#vectorBytes = vectorByteLength(dimensions)
    const paged = (kind: Kind, rowBytes: number, fill: number): Space => {
      const space: Space = cache.createSpace({
        rowBytes,
        load: (block, frame) => {
          if (space.isStored(block)) storage.load(kind, block, frame, space.frameBytes)
          else arena.bytes.fill(fill, frame, frame + space.frameBytes)
        }
      })
      return space
    }
    this.codes = paged('codes', codec.rowBytes(dimensions), 0)
    this.base = paged('base', BASE_HEADER + BASE_STRIDE * 2 * M, 0xff)
    this.upper = paged('upper', UPPER_HEADER + 4 * M, 0xff)
    this.states = paged('states', 1, STATE_FREE)
    this.records = new RecordRows(arena, cache, kernel, storage.records, dimensions, codec.approximate ? this.#vectorBytes : 0, options.metric)

    this.ptr = arena.allocate(GRAPH_BYTES)
    this.#set(GRAPH_CODES, this.codes.ptr)
    this.#set(GRAPH_STATES, this.states.ptr)
    this.#set(GRAPH_RECORDS, this.records.space.ptr)
    this.#setLevel(GRAPH_BASE, this.base, BASE_HEADER, BASE_STRIDE, NO_NEIGHBOR, 2 * M)
    this.#setLevel(GRAPH_UPPER, this.upper, UPPER_HEADER, 4, NO_SLOT, M)
    this.#set(GRAPH_M, M)
    this.#set(GRAPH_EF_CONSTRUCTION, options.efConstruction)
    this.#set(GRAPH_SEED, options.seed)
    this.#set(GRAPH_DIM, dimensions)
    this.#set(GRAPH_VECTOR_BYTES, this.#vectorBytes)
    this.#set(GRAPH_SCORER, codec.scorer)
    this.#set(GRAPH_METRIC, METRICS[options.metric])
    const largest = Math.max(this.codes.frameBytes, this.records.space.frameBytes)
    this.#set(GRAPH_TOGETHER, Math.min(MOST_TOGETHER, Math.max(4, 4 * Math.floor(arena.bytes.length / TOGETHER_SHARE / largest / 4))))
    this.#set(GRAPH_OFFSETS, arena.allocate(this.#vectorBytes))
    this.#ensureScratch(options.efConstruction)
  }

  get ordinals(): number {
    return this.#ordinals
  }

  /** Ordinals below this are in the graph. */
  get linked(): number {
    return this.#linked
  }

  /** Nodes that are still to be linked before an index that is built anew is complete. */
  get rebuilding(): number {
    return this.trained ? Math.max(0, this.#rebuilt - this.#linked) : 0
  }

  /** How many ordinals get their code when they are linked. */
  get uncoded(): number {
    return this.trained ? Math.max(0, this.#uncoded - this.#linked) : 0
  }

  get live(): number {
    return this.#live
  }

  get levels(): number {
    return this.#get(GRAPH_LEVELS)
  }

  get entry(): number {
    return this.#get(GRAPH_ENTRY)
  }

  get slots(): number {
    return this.#get(GRAPH_SLOTS)
  }

  get codebook(): Codebook | undefined {
    return this.#codebook
  }

  /** Whether codes can be made: at once, or when there was enough to train on. */
  get trained(): boolean {
    return this.#codebook !== undefined || codecs[this.options.codec].trainingCount === 0
  }

  /** Bytes of the row that an ordinal takes in the spaces of codes and of level 0. */
  get rowBytes(): { codes: number, base: number } {
    return { codes: this.codes.rowBytes, base: this.base.rowBytes }
  }

  state(): GraphState {
    return {
      ordinals: this.#ordinals, linked: this.#linked, uncoded: this.#uncoded, rebuilt: this.#rebuilt,
      slots: this.slots, entry: this.entry, levels: this.levels, live: this.#live, codebook: this.#codebook,
      stored: { codes: this.codes.stored, base: this.base.stored, upper: this.upper.stored, states: this.states.stored }
    }
  }

  /** Goes on from a checkpoint. */
  restore(state: GraphState): void {
    this.#reserve(state.ordinals)
    this.upper.reserve(state.slots + MOST_LEVELS)
    for (const kind of KINDS) this[kind].restoreStored(state.stored[kind])
    this.#ordinals = state.ordinals
    this.#linked = state.linked
    this.#uncoded = state.uncoded
    this.#rebuilt = state.rebuilt
    this.#live = state.live
    this.#set(GRAPH_SLOTS, state.slots)
    this.#set(GRAPH_ENTRY, state.entry)
    this.#set(GRAPH_LEVELS, state.levels)
    if (state.codebook) this.#setCodebook(state.codebook)
  }

  /** Goes on from a checkpoint of another numbering, whose blocks are read from now on; nothing may have changed since the last checkpoint. */
  restart(state: GraphState): void {
    for (const kind of KINDS) this.#cache.empty(this[kind])
    this.#cache.empty(this.records.space)
    this.restore(state)
  }

  /**
   * Encodes a vector under `ordinal`, which no search sees before `show`.
   *
   * Shapes: vector f32[dim] as the user gave it.
   */
  store(ordinal: number, vector: Float32Array, label: Label): void {
    this.#reserve(ordinal + 1)
    this.records.fill(ordinal, vector, label)
    if (!this.trained) return
    this.#loadVector(vector)
    this.#kernel.encodeRow(this.ptr, this.#scratch.ptr, this.#kernel.dirtyRowAddress(this.codes.ptr, ordinal) >>> 0)
  }

  /** Lets every search find a stored ordinal; ordinals become visible in their order. */
  show(ordinal: number): void {
    this.#reserve(ordinal + 1)
    this.#setState(ordinal, STATE_LIVE)
    this.#ordinals = ordinal + 1
    this.#live++
  }

  /** Makes an ordinal invisible to every search. */
  remove(ordinal: number): void {
    if (this.stateOf(ordinal) !== STATE_LIVE) return
    this.#setState(ordinal, STATE_DEAD)
    this.#live--
  }

  stateOf(ordinal: number): number {
    return this.#arena.bytes[this.#kernel.rowAddress(this.states.ptr, ordinal) >>> 0]!
  }

  /** The states of all ordinals at this moment. Shapes: u8[ordinals]. */
  copyStates(): Uint8Array {
    const copy = new Uint8Array(this.#ordinals)
    const { rowsPerBlock } = this.states
    for (let ordinal = 0; ordinal < copy.length; ordinal += rowsPerBlock) {
      const row = this.rowAddress('states', ordinal)
      copy.set(this.#arena.bytes.subarray(row, row + Math.min(rowsPerBlock, copy.length - ordinal)), ordinal)
    }
    return copy
  }

  /** Whether enough is stored to train a codebook that is still missing. */
  get wantsTraining(): boolean {
    return !this.trained && this.#live >= codecs[this.options.codec].trainingCount
  }

  /** Trains the codebook on what is live; that gets its codes as it is linked. What is dead by now never enters the graph. */
  train(): void {
    const live = new Uint32Array(this.#live)
    let count = 0
    for (let ordinal = 0; ordinal < this.#ordinals; ordinal++) {
      if (this.stateOf(ordinal) === STATE_LIVE) live[count++] = ordinal
      else this.#setState(ordinal, STATE_FREE)
    }
    this.#uncoded = this.#ordinals
    this.#trainOn(live)
  }

  /**
   * Begins anew: `live` ordinals of a new, empty index are found by scanning from now on, and linked one after the other.
   *
   * `ordinals` is the next one to be given out.
   */
  rebuild(live: Uint32Array, ordinals: number): void {
    this.#reserve(ordinals)
    for (const ordinal of live) this.#setState(ordinal, STATE_LIVE)
    this.#live = live.length
    this.#ordinals = ordinals
    this.#uncoded = ordinals
    this.#rebuilt = ordinals
    if (this.wantsTraining) this.#trainOn(live)
  }

  #trainOn(live: Uint32Array): void {
    const step = Math.max(1, Math.ceil(live.length / TRAINING_SAMPLE))
    const sample: Float32Array[] = []
    for (let i = 0; i < live.length; i += step) {
      const vector = unlessDamaged(() => this.records.vector(live[i]!))
      if (vector) sample.push(vector)
    }
    const { codec, dimensions, metric } = this.options
    this.#setCodebook(codecs[codec].train(sample, dimensions, metric)!)
  }

  /** Takes an ordinal whose record is damaged out of the index. */
  forget(ordinal: number): void {
    if (this.stateOf(ordinal) === STATE_LIVE) this.#live--
    this.#setState(ordinal, STATE_FREE)
  }

  /** Makes the code of a stored vector from its record; forgets it when that is damaged. */
  #encode(ordinal: number): void {
    const vector = unlessDamaged(() => this.records.given(ordinal))
    if (!vector) {
      this.forget(ordinal)
      return
    }
    this.#loadVector(vector)
    this.#kernel.encodeRow(this.ptr, this.#scratch.ptr, this.#kernel.dirtyRowAddress(this.codes.ptr, ordinal) >>> 0)
  }

  /**
   * Whether the code of an ordinal is the one of its vector; true where it has none yet.
   *
   * Shapes: vector f32[dim] as the user gave it.
   *
   * @throws {VectorLevelError} VECTOR_CORRUPTION when the code's block is damaged
   */
  hasRightCode(ordinal: number, vector: Float32Array): boolean {
    if (!this.trained || (ordinal < this.#uncoded && ordinal >= this.#linked)) return true
    this.#ensureScratch(this.options.efConstruction)
    this.#loadVector(vector)
    const { row } = this.#scratch
    const { bytes } = this.#arena
    bytes.fill(0, row, row + this.codes.rowBytes)
    this.#kernel.encodeRow(this.ptr, this.#scratch.ptr, row)
    const stored = this.#kernel.rowAddress(this.codes.ptr, ordinal) >>> 0
    for (let i = 0; i < this.codes.rowBytes; i++) if (bytes[row + i] !== bytes[stored + i]) return false
    return true
  }

  /** Links the next ordinal; false when all are, or when codes cannot be made yet. */
  linkNext(): boolean {
    if (this.#linked === this.#ordinals || !this.trained) return false
    const ordinal = this.#linked
    // What was removed before an index that is built anew came to it never enters the graph.
    if (ordinal < this.#rebuilt && this.stateOf(ordinal) === STATE_DEAD) this.#setState(ordinal, STATE_FREE)
    if (this.stateOf(ordinal) !== STATE_FREE && ordinal < this.#uncoded) this.#encode(ordinal)
    if (this.stateOf(ordinal) !== STATE_FREE) {
      this.upper.reserve(this.slots + MOST_LEVELS)
      this.#ensureScratch(this.options.efConstruction)
      this.#kernel.insert(this.ptr, this.#scratch.ptr, ordinal)
    }
    this.#linked++
    return true
  }

  /**
   * The nearest live ordinals, nearest first: `k` of them, or all when fewer are live.
   *
   * Shapes: vector f32[dim] as the user gave it. `ef` is how many candidates are kept, at least k.
   */
  search(vector: Float32Array, k: number, ef: number): Found[] {
    const wanted = Math.min(k, this.#live)
    if (wanted === 0) return []
    // Approximate codes lose some of the nearest from a beam that is no wider than what is wanted.
    const spare = codecs[this.options.codec].approximate ? Math.max(LEAST_SPARE, wanted >> 1) : 0
    let width = Math.max(ef, wanted + spare)
    for (;;) {
      // Where the beam would hold most of the graph, looking at everything is cheaper, and exact.
      if (width * 4 > this.#linked) return this.exact(vector, wanted)
      this.#prepare(vector, width)
      this.#kernel.loadQuery(this.ptr, this.#scratch.ptr)
      const found = this.#kernel.search(this.ptr, this.#scratch.ptr, width, wanted)
      const results = this.#scan(vector, this.#linked, wanted, found)
      if (results.length === wanted) return results
      width *= 4
    }
  }

  /** As search, by looking at every live vector. */
  exact(vector: Float32Array, k: number): Found[] {
    const wanted = Math.min(k, this.#live)
    if (wanted === 0) return []
    this.#prepare(vector, wanted)
    return this.#scan(vector, 0, wanted, 0)
  }

  /** Looks at the live ordinals from `from` on, for those nearer than the `found` that the kernel holds. */
  #scan(vector: Float32Array, from: number, wanted: number, found: number): Found[] {
    const scan = (start: number, end: number): void => {
      if (start < end) found = this.#kernel.scan(this.ptr, this.#scratch.ptr, start, end, wanted, found)
    }
    // Exact codes are the vectors that are scanned; where they are still missing, records are looked at one by one.
    const codeless = codecs[this.options.codec].approximate ? 0 : this.#uncoded
    const gap = Math.max(from, this.#linked)
    if (gap >= codeless) {
      scan(from, this.#ordinals)
      return this.#results(found)
    }
    scan(from, gap)
    scan(codeless, this.#ordinals)
    const results = this.#results(found)
    for (let ordinal = gap; ordinal < codeless; ordinal++) {
      if (this.stateOf(ordinal) !== STATE_LIVE) continue
      this.#loadVector(this.records.given(ordinal))
      this.#kernel.encodeRow(this.ptr, this.#scratch.ptr, this.#scratch.row)
      this.#loadVector(vector)
      results.push({ ordinal, distance: this.#kernel.distanceTo(this.ptr, this.#scratch.ptr, this.#scratch.row) })
    }
    return results.sort((a, b) => a.distance - b.distance || a.ordinal - b.ordinal).slice(0, wanted)
  }

  /** A node of level 0, as stored. */
  baseNode(ordinal: number): { protectedCount: number, neighbors: number[] } {
    const { bytes } = this.#arena
    const row = this.#kernel.rowAddress(this.base.ptr, ordinal) >>> 0
    const neighbors: number[] = []
    for (let at = row + BASE_HEADER; neighbors.length < 2 * this.options.M; at += BASE_STRIDE) {
      const neighbor = bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16)
      if (neighbor === NO_NEIGHBOR) break
      neighbors.push(neighbor)
    }
    return { protectedCount: bytes[row + ROW_PROTECTED]!, neighbors }
  }

  /** Address of a row, whose block is made resident; valid until the next block is. */
  rowAddress(kind: Kind, row: number): number {
    return this.#kernel.rowAddress(this[kind].ptr, row) >>> 0
  }

  /** A node of an upper level, as stored. */
  upperNode(slot: number): { level: number, ordinal: number, below: number, neighbors: number[] } {
    const row = this.#kernel.rowAddress(this.upper.ptr, slot) >>> 0
    const words = new DataView(this.#arena.bytes.buffer, row, this.upper.rowBytes)
    const neighbors: number[] = []
    for (let at = UPPER_HEADER; at < words.byteLength; at += 4) {
      const neighbor = words.getUint32(at, true)
      if (neighbor === NO_SLOT) break
      neighbors.push(neighbor)
    }
    return { level: words.getUint8(ROW_LEVEL), ordinal: words.getUint32(ROW_ORDINAL, true), below: words.getUint32(ROW_BELOW, true), neighbors }
  }

  #prepare(vector: Float32Array, width: number): void {
    this.#ensureScratch(Math.max(width, this.options.efConstruction))
    this.#loadVector(vector)
  }

  #loadVector(vector: Float32Array): void {
    const at = this.#scratch.query / 4
    const { f32 } = this.#arena
    f32.set(vector, at)
    f32.fill(0, at + vector.length, at + this.#vectorBytes / 4)
    this.#kernel.prepareVector(this.ptr, this.#scratch.ptr)
  }

  #results(count: number): Found[] {
    const { u32 } = this.#arena
    const at = this.#scratch.result / 4
    const results: Found[] = []
    for (let i = 0; i < count; i++) {
      const key = u32[at + 2 * i + 1]!
      // The inverse of sortable() in codecs/kernel/f32.ts.
      this.#bits[0] = key & 0x80000000 ? key ^ 0x80000000 : ~key
      results.push({ ordinal: u32[at + 2 * i]! >>> 1, distance: this.#float[0]! })
    }
    return results
  }

  #setCodebook(codebook: Codebook): void {
    this.#codebook = codebook
    this.#arena.f32.set(codebook.offsets, this.#get(GRAPH_OFFSETS) / 4)
    this.#arena.f32[(this.ptr + GRAPH_INVERSE_SCALE) / 4] = codebook.inverseScale
    // Keys are squared distances in units of the scale; of unit vectors they are twice 1 - cosine, and for dot -2 times the product.
    this.#set(GRAPH_KEY_ORIGIN, this.options.metric === 'dot' ? 2 ** 31 : 0)
    this.#arena.f32[(this.ptr + GRAPH_KEY_UNIT) / 4] = codebook.inverseScale ** -2 / (this.options.metric === 'l2' ? 1 : 2)
  }

  #setState(ordinal: number, state: number): void {
    this.#arena.bytes[this.#kernel.dirtyRowAddress(this.states.ptr, ordinal) >>> 0] = state
  }

  /** @throws {VectorLevelError} VECTOR_FULL when an ordinal is beyond what neighbors can name */
  checkRoom(ordinal: number): void {
    if (ordinal >= NO_NEIGHBOR) throw new VectorLevelError('VECTOR_FULL', `a collection has ${NO_NEIGHBOR} ordinals at most, and each put takes a new one`)
  }

  #reserve(ordinals: number): void {
    this.checkRoom(ordinals - 1)
    this.codes.reserve(ordinals)
    this.base.reserve(ordinals)
    this.states.reserve(ordinals)
    this.records.space.reserve(ordinals)
    this.upper.reserve(this.slots + MOST_LEVELS)
    this.#reserved = Math.max(this.#reserved, ordinals)
  }

  #ensureScratch(ef: number): void {
    this.#scratch.ensure({
      vectorBytes: this.#vectorBytes, rowBytes: this.codes.rowBytes, M: this.options.M, ef, ids: Math.max(this.#reserved, this.slots + MOST_LEVELS)
    })
  }

  #setLevel(at: number, space: Space, header: number, stride: number, empty: number, capacity: number): void {
    this.#set(at + LEVEL_SPACE, space.ptr)
    this.#set(at + LEVEL_HEADER, header)
    this.#set(at + LEVEL_STRIDE, stride)
    this.#set(at + LEVEL_EMPTY, empty)
    this.#set(at + LEVEL_CAPACITY, capacity)
  }

  #get(word: number): number {
    return this.#arena.u32[(this.ptr + word) / 4]!
  }

  #set(word: number, value: number): void {
    this.#arena.u32[(this.ptr + word) / 4] = value
  }
}
