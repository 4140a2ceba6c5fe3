import { choiceOf, codecs, type Codebook, type CodecChoice, type CodecName, type CodecShape, isSameChoice, type Metric, withChoice } from '../codecs/codec.js'
import { vectorByteLength } from '../codecs/f32.js'
import { unlessDamaged, VectorLevelError } from '../floor/errors.js'
import { atOnce, type Slices } from '../floor/slices.js'
import type { Arena } from '../storage/arena.js'
import type { BlockCache } from '../storage/block-cache.js'
import { PAGE_BYTES } from '../storage/kernel/layout.js'
import type { Space, SpaceShape } from '../storage/space.js'
import type { Step } from './batch.js'
import { CODE_KINDS, type CodeKind, Codes, type CodesState, type KeptCodes, type TrainedCodebook } from './codes.js'
import type { UncodedVector } from './encoding.js'
import { ALONE, type Exclusion } from './exclusion.js'
import type { CodedShape } from './coder.js'
import { FreeOrdinals } from './free-ordinals.js'
import { NO_GHOSTS } from './ghosts.js'
import { clusteringBytes } from './k-means.js'
import type { Kernel } from './kernel.js'
import {
  BASE_HEADER, BATCH, BATCH_NEIGHBORS, GRAPH_BASE, GRAPH_BYTES, GRAPH_CODES, GRAPH_DIM, GRAPH_EF_CONSTRUCTION, GRAPH_ENTRY, GRAPH_LEVELS, GRAPH_LIVE,
  GRAPH_M, GRAPH_METRIC, GRAPH_ORDINALS, GRAPH_RECORDS, GRAPH_RERANKS, GRAPH_SEED, GRAPH_SLOTS,
  GRAPH_STATES, GRAPH_TOGETHER, GRAPH_UPPER, GRAPH_VECTOR_BYTES, GRAPH_WIDEST, LEVEL_CAPACITY, LEVEL_EMPTY, LEVEL_HEADER, LEVEL_SPACE, LEVEL_STRIDE,
  METRIC_COSINE, METRIC_DOT, METRIC_L2, MORE_IN_PLACE, NO_SLOT, OFFERS, ROW_BELOW, ROW_LEFT, ROW_LEVEL, ROW_ORDINAL, ROW_PROTECTED, STATE_DEAD, STATE_FREE,
  STATE_LIVE, STATE_LOST, STATE_UNCODED, TASK_ENCODE_AND_LINK, TASK_LINK, TASK_RECODE, TASK_REMOVE, UPPER_HEADER
} from './kernel/layout.js'
import { type Goal, Linker, type LinkerState } from './linker.js'
import { type Label, RecordRows, type RecordSource } from './record-rows.js'
import type { Scratch, ScratchNeeds } from './scratch.js'
import { type Nearest, Searcher, type SearchJob, USUAL_RERANK } from './searcher.js'
import { RECODE_BEGIN, RECODE_END, Tasks } from './tasks.js'

const METRICS: Record<Metric, number> = { l2: METRIC_L2, cosine: METRIC_COSINE, dot: METRIC_DOT }
/** Base neighbors are numbers of three bytes, which is a quarter less to store and to read. */
export const BASE_STRIDE = 3
export const NO_NEIGHBOR = 0xffffff
/** Rows that are scored together: as many as a round has, but the blocks of all threads' may take an eighth of the memory at most. */
const MOST_TOGETHER = 1024
const TOGETHER_SHARE = 8
/** Levels of a node whose space must be there before it is linked: more would need 2^64 nodes. */
const MOST_LEVELS = 32
/** Rows of a level that the links of a batch change, at most, and how many more these are on level 0; and blocks that are swept with it, and rows that offer themselves there. */
const MOST_LINKED_ROWS = BATCH_NEIGHBORS + 2 * BATCH
const MORE_LINKED_ROWS = BATCH_NEIGHBORS / MORE_IN_PLACE
const MOST_SWEPT_ROWS = 2 * BATCH * (1 + OFFERS)
/** Ordinals that room is made for, at least. */
const LEAST_RESERVED = 1024
/** What the table of a space takes for a block, at most. */
const MOST_BYTES_A_BLOCK = 10

/** What is kept of a vector that has its code: itself as well, or nothing else. */
export const STORES = ['full', 'codes'] as const
export type Store = (typeof STORES)[number]

export interface GraphOptions extends CodecShape {
  store: Store
  codec: CodecName
  M: number
  efConstruction: number
  seed: number
}

/** What a checkpoint keeps of a graph besides its blocks. */
export interface GraphState extends LinkerState {
  ordinals: number
  /** Ordinals below this that can be used again. */
  free: number
  /** Ordinals below this were there before the index. */
  rebuilt: number
  tasks: Uint32Array
  slots: number
  entry: number
  levels: number
  live: number
  codebook: Codebook | undefined
  codes: CodesState
  /** Which blocks of each space are on disk, a bit each. */
  stored: Record<Kind, Uint8Array>
}

/** A vector that is to be stored. Shapes: vector f32[dim] as the user gave it. */
export interface NewVector extends UncodedVector {
  label: Label
}

/** The spaces of a graph that are on disk. */
export const KINDS = [...CODE_KINDS, 'base', 'upper', 'states'] as const
export type Kind = (typeof KINDS)[number]

/** Kinds of paged spaces of a graph, and how their blocks come into being and from disk. */
export interface GraphStorage {
  /** Reads a block that is on disk into its frame. Throws when it is missing or damaged. */
  load(kind: Kind, block: number, frame: number, frameBytes: number): void
  /** The same for several. Shapes: blocks, frames u32[count]. */
  loadAll?(kind: Kind, blocks: Uint32Array, frames: Uint32Array, count: number, frameBytes: number): void
  records: RecordSource
}

/** Whether searches find an ordinal of this state. */
export function isFindable(state: number): boolean {
  return state === STATE_LIVE || state === STATE_UNCODED
}

/**
 * The graph of one collection: the driver of the kernel's insertion and removal.
 *
 * What is stored is found by searches at once, and what is removed by none any more; nodes are linked and removed after that, in the order of
 * the operations, so that the graph is a function of that order alone. Until a node is linked it is found by scanning.
 */
export class Graph {
  readonly ptr: number
  readonly codes: Space
  readonly recodes: Space
  readonly base: Space
  readonly upper: Space
  readonly states: Space
  /** Full vectors of records, where they are measured by. */
  readonly records: RecordRows
  /** Keys and metadata of results; in the same rows where these have to be read anyway. */
  readonly labels: RecordRows
  #options: GraphOptions
  readonly #arena: Arena
  readonly #cache: BlockCache
  readonly #kernel: Kernel
  readonly #scratch: Scratch
  /** Those of the other threads. */
  readonly #scratches: Scratch[]
  readonly #threads: Exclusion
  readonly #searcher: Searcher
  readonly #linker: Linker
  readonly #vectorBytes: number
  /** Those of records, of one kind or of two. */
  readonly #rows: Set<RecordRows>
  readonly #codes: Codes
  readonly #tasks: Tasks
  readonly #free = new FreeOrdinals()
  #reserved = 0
  #rebuilt = 0
  /** Free ordinals of the checkpoint that are still to be looked for. */
  #unfound = 0
  #revision = 0
  /** As the last checkpoint has it. */
  #isCoded = true
  #keepsCodes = false
  /** What the scratches have room for. */
  #needs: ScratchNeeds = { vectorBytes: 0, rowBytes: 0, queryBytes: 0, M: 0, ef: 0, ids: 0 }

  /** `scratches` are those of the calling thread, and of the others that search and link, which `threads` keeps out of its way. */
  constructor(
    arena: Arena, cache: BlockCache, kernel: Kernel, [scratch, ...scratches]: [Scratch, ...Scratch[]], storage: GraphStorage, options: GraphOptions,
    threads: Exclusion = ALONE
  ) {
    this.#arena = arena
    this.#cache = cache
    this.#kernel = kernel
    this.#scratch = scratch
    this.#scratches = scratches
    this.#threads = threads
    this.#options = options
    const { dimensions, M } = options
    const codec = codecs[options.codec]
    this.#vectorBytes = vectorByteLength(dimensions)
    const paged = (kind: Kind, rowBytes: number, fill: number): Space => {
      const load = (block: number, frame: number): void => {
        if (space.isStored(block)) storage.load(kind, block, frame, space.frameBytes)
        else arena.bytes.fill(fill, frame, frame + space.frameBytes)
      }
      const loadAll: SpaceShape['loadAll'] = (blocks, frames, count) => {
        let stored = 0
        while (stored < count && space.isStored(blocks[stored]!)) stored++
        storage.loadAll!(kind, blocks, frames, stored, space.frameBytes)
        for (let i = stored; i < count; i++) load(blocks[i]!, frames[i]!)
      }
      const space: Space = cache.createSpace({ rowBytes, kind, load, ...(storage.loadAll && { loadAll }) })
      return space
    }
    this.codes = paged('codes', codec.rowBytes(options), 0)
    this.recodes = paged('recodes', codec.rowBytes(options), 0)
    this.base = paged('base', BASE_HEADER + BASE_STRIDE * 2 * M, 0xff)
    this.upper = paged('upper', UPPER_HEADER + 4 * M, 0xff)
    this.states = paged('states', 1, STATE_FREE)
    const rows = (vectorBytes: number): RecordRows => new RecordRows(
      arena, cache, kernel, { records: storage.records, decode: ordinal => this.decode(ordinal) }, dimensions, vectorBytes, options.metric
    )
    this.records = rows(codec.approximate ? this.#vectorBytes : 0)
    this.labels = codec.approximate && options.store === 'codes' ? rows(0) : this.records
    this.#rows = new Set([this.records, this.labels])

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
    this.#set(GRAPH_METRIC, METRICS[options.metric])
    this.#tasks = new Tasks(arena, this.ptr)
    this.#codes = new Codes(arena, cache, kernel, scratch, this, threads)
    this.noteCoders()
    this.#searcher = new Searcher(arena, kernel, scratch, this, this.#tasks, threads)
    this.#linker = new Linker(arena, kernel, scratch.ptr, {
      ptr: this.ptr, base: this.base, upper: this.upper, options: { M }, vectorBytes: this.#vectorBytes,
      stateOf: ordinal => this.stateOf(ordinal),
      setState: (ordinal, state) => this.#setState(ordinal, state),
      setFree: ordinal => this.#setFree(ordinal),
      isLinked: ordinal => this.isLinked(ordinal),
      uncodedVector: ordinal => this.#uncodedVector(ordinal),
      noteCode: ordinal => this.#noteCode(ordinal),
      encode: (ordinal, vector) => this.#encode(ordinal, vector),
      ordinalOfSlot: slot => this.#arena.u32[(this.rowAddress('upper', slot) + ROW_ORDINAL) / 4]!,
      prepareLinks: count => this.#prepareLinks(count)
    }, this.#codes, this.#tasks, threads)
  }

  /** Ordinals that there is room for. */
  get reserved(): number {
    return this.#reserved
  }

  /** With the codec of the codes in use. */
  get options(): GraphOptions {
    return this.#options
  }

  get ordinals(): number {
    return this.#get(GRAPH_ORDINALS)
  }

  /** Bytes of frames that the next batch may change, at most. */
  get expectedBytes(): number {
    if (!this.trained || !(this.#tasks.length || this.ghosts)) return 0
    const bytes = ({ rowsPerBlock, frameBytes }: Space, rows: number, most: number): number => Math.min(Math.ceil(rows / rowsPerBlock), most) * frameBytes
    const { ordinals, uncoded } = this
    return bytes(this.base, ordinals, MOST_LINKED_ROWS + (this.#linker.reuses ? MORE_LINKED_ROWS : 0) + (this.ghosts || this.unremoved ? MOST_SWEPT_ROWS : 0)) +
      bytes(this.upper, this.slots + MOST_LEVELS, MOST_LINKED_ROWS) + bytes(this.states, ordinals, BATCH) + bytes(this.codes, ordinals, uncoded ? BATCH : 1)
  }

  /** Vectors that are found by scanning, until they are linked. */
  get unlinked(): number {
    return this.trained ? this.#tasks.links : this.live
  }

  /** Nodes that are about to be linked or removed; what is too little for a batch is not, and waits for more. */
  get pending(): number {
    return this.trained ? this.#linker.pending : 0
  }

  /** Nodes that were removed, and that the sweep must come around for; and how many more are to be removed. */
  get ghosts(): number {
    return this.#linker.ghosts
  }

  get unremoved(): number {
    return this.#tasks.removals
  }

  /** How many ordinals get their code when they are linked. */
  get uncoded(): number {
    return this.#tasks.uncoded
  }

  /** Nodes that are still to be linked before an index that is built anew is complete. */
  get rebuilding(): number {
    return this.#rebuilt ? this.#tasks.uncoded : 0
  }

  get live(): number {
    return this.#get(GRAPH_LIVE)
  }

  /** Changes when what a search in another thread has found may be wrong by now: ordinals may have been given to others, or it passed over who has a code now. */
  get revision(): number {
    return this.#revision
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
    return this.#codes.codebook
  }

  /** Which of the two spaces has the codes that are in use. */
  get codeKind(): CodeKind {
    return this.#codes.kind
  }

  /** As Codes.versionOf. */
  versionOf(kind: CodeKind): number {
    return this.#codes.versionOf(kind)
  }

  /** The vector that the code of an ordinal stands for, as Codes.decode. */
  decode(ordinal: number): Float32Array {
    return this.#codes.decode(ordinal)
  }

  /** As Codes.drift. */
  get drift(): number {
    return this.#codes.drift
  }

  /** As Codes.recoded. */
  get recoded(): number | undefined {
    return this.#codes.recoded
  }

  /** The codec that codes are being made of to take the place of these; undefined when it stays. */
  get next(): CodecChoice | undefined {
    return this.#codes.changes ? choiceOf(this.#codes.newestShape) : undefined
  }

  /** Whether codes of another codec are all there, and an operation is to say so: then `endChange` has them used. */
  get awaitsEnd(): boolean {
    return this.#codes.awaitsEnd
  }

  /** Whether distances are those of codes, and these are not exact. */
  get approximate(): boolean {
    return this.options.store === 'codes' && this.trained
  }

  /** Whether codes can be made: at once, or when there was enough to train on. */
  get trained(): boolean {
    return this.#codes.trained
  }

  /** Bytes of the row that an ordinal takes in the spaces of codes and of level 0. */
  get rowBytes(): { codes: number, base: number } {
    return { codes: this[this.codeKind].rowBytes, base: this.base.rowBytes }
  }

  state(): GraphState {
    return {
      ...this.#linker.state(), ordinals: this.ordinals, free: this.#free.count + this.#unfound, rebuilt: this.#rebuilt, tasks: this.#tasks.toWords(),
      slots: this.slots, entry: this.entry, levels: this.levels, live: this.live, codebook: this.codebook, codes: this.#codes.state(),
      stored: {
        codes: this.codes.stored, recodes: this.recodes.stored, base: this.base.stored, upper: this.upper.stored, states: this.states.stored
      }
    }
  }

  /** Goes on from a checkpoint. What it knows to be free is used again after `findFree`. */
  restore(state: GraphState): void {
    this.#reserve(state.ordinals)
    this.#reserveSlots(state.slots + MOST_LEVELS)
    this.#codes.restore(state.codes, state.codebook)
    for (const kind of KINDS) this[kind].restoreStored(state.stored[kind])
    this.#set(GRAPH_ORDINALS, state.ordinals)
    this.#set(GRAPH_LIVE, state.live)
    this.#rebuilt = state.rebuilt
    this.#tasks.restore(state.tasks)
    this.#linker.restore(state)
    this.#free.clear()
    this.#unfound = state.free
    this.#set(GRAPH_SLOTS, state.slots)
    this.#set(GRAPH_ENTRY, state.entry)
    this.#set(GRAPH_LEVELS, state.levels)
  }

  /** Goes on from a checkpoint of another numbering, whose blocks are read from now on; nothing may have changed since the last checkpoint. */
  restart(state: GraphState): void {
    this.#revision++
    for (const kind of KINDS) this.#cache.empty(this[kind])
    for (const { space } of this.#rows) this.#cache.empty(space)
    this.restore(state)
  }

  /**
   * Encodes a vector under `ordinal`, which no search sees before `show`.
   *
   * Shapes: vector f32[dim] as the user gave it.
   */
  store(ordinal: number, vector: Float32Array, label: Label): void {
    this.#fillRows(ordinal, vector, label)
    if (!this.trained) return
    this.load(vector)
    this.#codes.encode(ordinal)
  }

  /** The same for several: their codes are made by all threads, where that is worth it. */
  *storeAll(records: readonly NewVector[]): Slices<void> {
    this.#reserve(records.reduce((most, { ordinal }) => Math.max(most, ordinal + 1), 0))
    const made = this.trained ? this.#codes.encodeElsewhere(records) : undefined
    // What else fails here is told instead.
    made?.catch(() => undefined)
    for (const { ordinal, vector, label } of records) {
      if (made) this.#fillRows(ordinal, vector, label)
      else this.store(ordinal, vector, label)
      yield
    }
    yield made
  }

  /** Takes what is about to be shown into account, where the data may drift away from the codebook. */
  note(ordinal: number): void {
    if (!this.trained) return
    // One whose record is lost was never stored.
    this.#reserve(ordinal + 1)
    this.#codes.note(ordinal)
  }

  /** Begins to give out ordinals: all that were given out before are in use, or will not be. */
  settleFree(): void {
    this.#free.settle()
  }

  /** The ordinal for a new record, when `taken` others are given out before it. */
  ordinalFor(taken: number): number {
    const free = this.#free.at(taken)
    return free ?? this.ordinals + Math.max(0, taken - this.#free.ready)
  }

  /** Lets every search find a stored ordinal. */
  show(ordinal: number): void {
    this.#reserve(ordinal + 1)
    if (ordinal < this.ordinals) this.#free.take(ordinal)
    this.#set(GRAPH_ORDINALS, Math.max(this.ordinals, ordinal + 1))
    this.#set(GRAPH_LIVE, this.live + 1)
    this.#setState(ordinal, this.trained ? STATE_LIVE : STATE_UNCODED)
    if (this.trained) this.#tasks.push(TASK_LINK, ordinal)
  }

  /**
   * A vector is about to be removed: if it is still to get its code, it gets that now, while its record is there. So it enters the graph whether or not
   * its turn has come by then, and the graph does not depend on that.
   */
  noteRemoval(ordinal: number): void {
    const vector = this.trained && ordinal < this.ordinals ? this.#uncodedVector(ordinal) : undefined
    if (vector) this.#encode(ordinal, vector)
  }

  /** Makes an ordinal invisible to every search; its node follows. */
  remove(ordinal: number): void {
    this.noteRemoval(ordinal)
    const state = this.stateOf(ordinal)
    if (!isFindable(state)) return
    if (state === STATE_LIVE) this.#codes.noteRemoval(ordinal)
    this.#set(GRAPH_LIVE, this.live - 1)
    if (!this.trained) {
      this.#setFree(ordinal)
      return
    }
    this.#setState(ordinal, STATE_DEAD)
    this.#tasks.push(TASK_REMOVE, ordinal)
  }

  /** A checkpoint begins. */
  noteCheckpoint(): void {
    this.#free.noteCheckpoint()
    this.#isCoded = !this.uncoded
    this.#keepsCodes = this.approximate && this.#isCoded
  }

  /** Whether all that is to have a code had it at the last checkpoint, and has it now. */
  get coded(): boolean {
    return this.#isCoded && !this.uncoded
  }

  /** Whether the codes of all that was live at the last checkpoint are kept with it, in place of the vectors. */
  get keepsCodes(): boolean {
    return this.#keepsCodes
  }

  /** The log is cut up to the last checkpoint: what that knows to be free can be used again. */
  noteTrim(): void {
    this.#revision++
    this.#free.noteTrim()
  }

  /** Looks for the ordinals that the checkpoint knew to be free, and that are not in use by now. */
  findFree(): void {
    if (!this.#unfound) return
    this.#unfound = 0
    const free: number[] = []
    for (const [ordinal, state] of this.copyStates().entries()) if (state === STATE_FREE) free.push(ordinal)
    this.#free.restore(free)
  }

  stateOf(ordinal: number): number {
    return this.#arena.bytes[this.#kernel.rowAddress(this.states.ptr, ordinal) >>> 0]!
  }

  /** The states of all ordinals at this moment. Shapes: u8[ordinals]. */
  copyStates(): Uint8Array {
    const copy = new Uint8Array(this.ordinals)
    const { rowsPerBlock } = this.states
    for (let ordinal = 0; ordinal < copy.length; ordinal += rowsPerBlock) {
      const row = this.rowAddress('states', ordinal)
      copy.set(this.#arena.bytes.subarray(row, row + Math.min(rowsPerBlock, copy.length - ordinal)), ordinal)
    }
    return copy
  }

  /** Whether a codebook should be trained: enough is stored for the first, or the last one does not fit any more. Nothing may be stored and not shown. */
  get wantsTraining(): boolean {
    return this.trained ? this.#codes.wantsRetraining : this.#hasEnough
  }

  get #hasEnough(): boolean {
    return !this.trained && this.live >= codecs[this.options.codec].trainingCount
  }

  /**
   * Trains a codebook on what is live: it gets its codes as it is linked, or, where there are others, one after the other. Nothing may be stored or removed
   * meanwhile. Tells how much of a codebook is done, from 0 to 1.
   */
  *train(tell: (share: number) => void = () => undefined): Slices<void> {
    const live = this.#liveOrdinals()
    this.#ensureScratch(this.options.efConstruction)
    if (this.trained) {
      const found = yield* this.#codes.retrain(live, this.ordinals, tell)
      if (found) this.#threads.stop(() => this.#recode(found))
      return
    }
    const found = yield* this.#codes.train(live, tell)
    this.#threads.stop(() => this.#begin(found, live))
  }

  /** Shapes: u32[live], ascending. */
  #liveOrdinals(): Uint32Array {
    const live = new Uint32Array(this.live)
    let count = 0
    for (const [ordinal, state] of this.copyStates().entries()) if (isFindable(state)) live[count++] = ordinal
    return live
  }

  /** Begins with the first codebook; all that is live is to be encoded and linked. */
  #begin(found: TrainedCodebook, live: Uint32Array): void {
    this.#codes.begin(found)
    this.#linkAnew(live)
  }

  #linkAnew(live: Uint32Array): void {
    for (const ordinal of live) this.#tasks.push(TASK_ENCODE_AND_LINK, ordinal)
  }

  /** @throws {VectorLevelError} VECTOR_FULL when codes of another codec would find no room for what they take besides their blocks */
  checkRoomFor(choice: CodecChoice): void {
    const shape = withChoice<CodedShape>(this.#options, choice)
    const codec = codecs[choice.codec]
    const needs = codec.kMeansNeeds?.(shape)
    const clusterings = needs ? clusteringBytes(this.#arena, this.#threads, needs) : []
    const tables = codec.tableBytes(shape)
    const scratches = [this.#scratch, ...this.#scratches].map(() => 2 * codec.queryBytes(shape))
    const taken: [number, number][] = []
    try {
      for (const bytes of [tables, tables, ...clusterings, MOST_BYTES_A_BLOCK * this.#blocksOf(codec.rowBytes(shape)), ...scratches]) taken.push([this.#arena.allocate(bytes), bytes])
    } finally {
      for (const [ptr, bytes] of taken) this.#arena.release(ptr, bytes)
    }
  }

  /** Blocks that rows of so many bytes take at most, for all ordinals that there is room for. */
  #blocksOf(rowBytes: number): number {
    return Math.ceil(this.#reserved / Math.max(1, Math.floor(PAGE_BYTES / rowBytes)))
  }

  /**
   * Changes over to another codec. Codes of it are made, beside those in use, until `endChange` has them used; but where vectors are fewer than it is trained on
   * they are found by scanning from now on, as if they were the first. Nothing may be stored, linked or removed meanwhile. As `train` it tells how much of a codebook is done.
   */
  *change(choice: CodecChoice, tell: (share: number) => void = () => undefined): Slices<void> {
    // As in #recode.
    while (this.recoded !== undefined) {
      if (!this.step()) this.#codes.advance(true)
      yield
    }
    if (isSameChoice(choice, this.#options)) return
    const { trainingCount } = codecs[choice.codec]
    const live = this.#liveOrdinals()
    if (!this.trained || live.length < trainingCount) {
      this.#threads.stop(() => this.#restart(choice))
      if (this.#hasEnough) yield* this.train(tell)
      else if (this.trained) this.#threads.stop(() => this.#linkAnew(live))
      return
    }
    this.#threads.stop(() => this.#codes.prepare(choice))
    const found = trainingCount ? yield* this.#codes.train(live, tell) : undefined
    this.#threads.stop(() => {
      this.#codes.change(found, this.ordinals)
      this.#tasks.push(TASK_RECODE, RECODE_BEGIN)
    })
  }

  /** Has the codes of another codec used from here on. */
  endChange(): void {
    if (!this.#codes.changes) return
    this.#codes.noteEnd()
    this.#threads.stop(() => this.#tasks.push(TASK_RECODE, RECODE_END))
  }

  /** Goes on with a codec, without codes and nodes. */
  #restart(choice: CodecChoice): void {
    this.#revision++
    for (const [ordinal, state] of this.copyStates().entries()) {
      if (isFindable(state)) this.#setState(ordinal, STATE_UNCODED)
      else if (state !== STATE_FREE && state !== STATE_LOST) this.#setFree(ordinal)
    }
    for (const space of [this.base, this.upper]) this.#cache.discard(space)
    this.#tasks.restore(new Uint32Array(0))
    this.#linker.restore({ linked: 0, nodes: 0, ghosts: NO_GHOSTS })
    this.#set(GRAPH_SLOTS, 0)
    this.#set(GRAPH_ENTRY, 0)
    this.#set(GRAPH_LEVELS, 0)
    this.#codes.restart(choice)
  }

  /** Codes, in use or being made, are by another codec from now on: tells the kernel, and makes room. Nobody may search. */
  noteCoders(): void {
    const { shape, newestShape } = this.#codes
    if (!isSameChoice(shape, this.#options)) {
      this.#revision++
      this.#options = withChoice(this.#options, shape)
    }
    const { approximate, widest } = codecs[shape.codec]
    const reranks = approximate && this.#options.store === 'full'
    const vectorBytes = approximate || codecs[newestShape.codec].approximate ? this.#vectorBytes : 0
    if (this.records.vectorBytes !== vectorBytes) this.records.reshape(vectorBytes, this.#reserved)
    this.#set(GRAPH_WIDEST, reranks ? widest ?? 0 : 0)
    this.#set(GRAPH_RERANKS, reranks ? 1 : 0)
    const largest = Math.max(this.codes.frameBytes, this.recodes.frameBytes, this.upper.frameBytes, this.records.space.rowBytes)
    const share = this.#arena.bytes.length / TOGETHER_SHARE / (1 + this.#scratches.length)
    this.#set(GRAPH_TOGETHER, Math.min(MOST_TOGETHER, Math.max(4, 4 * Math.floor(share / largest / 4))))
    this.#ensureScratch(this.#options.efConstruction)
  }

  #recode(found: TrainedCodebook): void {
    // Only where nothing has been linked for long, as in a replay, is the last time not over yet.
    while (this.recoded !== undefined) if (!this.step()) this.#codes.advance()
    this.#codes.recode(found, this.ordinals)
    this.#tasks.push(TASK_RECODE, RECODE_BEGIN)
  }

  /**
   * Begins anew: `live` ordinals of a new, empty index are found by scanning from now on, and linked one after the other.
   *
   * `ordinals` is the next one to be given out. Those below that are not live may have records of their own: they are not used again. Who has a code among
   * those that were `kept` keeps it.
   */
  *rebuild(live: Uint32Array, ordinals: number, kept?: KeptCodes): Slices<void> {
    this.#reserve(ordinals)
    if (kept) this.#codes.keep(kept)
    for (let ordinal = 0; ordinal < ordinals; ordinal++) this.#setState(ordinal, STATE_LOST)
    for (const ordinal of live) this.#setState(ordinal, STATE_UNCODED)
    this.#set(GRAPH_LIVE, live.length)
    this.#set(GRAPH_ORDINALS, ordinals)
    this.#rebuilt = ordinals
    if (this.#hasEnough) this.#begin(yield* this.#codes.train(live, () => undefined), live)
    else if (this.trained) for (const ordinal of live) this.#tasks.push(TASK_ENCODE_AND_LINK, ordinal)
  }

  /** Takes an ordinal whose record is damaged out of the index. */
  forget(ordinal: number): void {
    if (isFindable(this.stateOf(ordinal))) this.#set(GRAPH_LIVE, this.live - 1)
    this.#setState(ordinal, STATE_LOST)
  }

  /** The vector of an ordinal whose code is still to be made. One that has its code is found by that from now on; one whose record is damaged is forgotten. */
  #uncodedVector(ordinal: number): Float32Array | undefined {
    if (this.stateOf(ordinal) !== STATE_UNCODED) return undefined
    const found = unlessDamaged(() => {
      const vector = this.records.stored(ordinal)
      if (!vector) this.#codes.decode(ordinal)
      return { vector }
    })
    if (!found) this.forget(ordinal)
    else if (!found.vector) this.#noteCode(ordinal)
    return found?.vector
  }

  #encode(ordinal: number, vector: Float32Array): void {
    this.load(vector)
    this.#codes.encode(ordinal)
    this.#noteCode(ordinal)
  }

  /** A stored vector is found by its code from now on. */
  #noteCode(ordinal: number): void {
    if (this.stateOf(ordinal) !== STATE_UNCODED) return
    this.#setState(ordinal, STATE_LIVE)
    if (!codecs[this.options.codec].approximate) this.#revision++
  }

  /**
   * Whether the code of an ordinal is the one of its vector; true where it has none yet.
   *
   * Shapes: vector f32[dim] as the user gave it.
   *
   * @throws {VectorLevelError} VECTOR_CORRUPTION when the code's block is damaged
   */
  hasRightCode(ordinal: number, vector: Float32Array): boolean {
    if (this.stateOf(ordinal) === STATE_UNCODED) return true
    this.#ensureScratch(this.options.efConstruction)
    this.load(vector)
    return this.#codes.isRight(ordinal)
  }

  /** As Linker.begin. */
  begin(goal: Goal, most: number): Step[] | undefined {
    return this.trained ? this.#linker.begin(goal, most) : undefined
  }

  /** As Linker.recodesOnly. */
  get recodesOnly(): boolean {
    return this.#linker.recodesOnly
  }

  /** As Linker.end. */
  end(): Slices<void> {
    return this.#linker.end()
  }

  /** Links and removes what comes next, on this thread; false when there is nothing. */
  step(goal: Goal = 'batches'): boolean {
    const steps = this.begin(goal, 0)
    if (!steps) return false
    for (const { fn, arg, count } of steps) for (let i = 0; i < count; i++) this.#kernel[fn](this.ptr, this.#scratch.ptr, arg, i)
    atOnce(this.end())
    return true
  }

  /** Whether an ordinal has a node in the graph. */
  isLinked(ordinal: number): boolean {
    return this.#arena.bytes[this.#kernel.rowAddress(this.base.ptr, ordinal) >>> 0]! < ROW_LEFT
  }

  /** As Searcher.search. */
  search(vector: Float32Array, k: number, ef: number, rerank = USUAL_RERANK, explain = false): Nearest {
    return this.#searcher.search(vector, k, ef, rerank, explain)
  }

  /** As Searcher.exact. */
  exact(vector: Float32Array, k: number, explain = false): Nearest {
    return this.#searcher.exact(vector, k, explain)
  }

  /** As Searcher.ask. */
  ask(vector: Float32Array, k: number, ef: number, exact: boolean, rerank = USUAL_RERANK, explain = false): SearchJob {
    return this.#searcher.ask(vector, k, ef, exact, rerank, explain)
  }

  /** As Searcher.finish. */
  finish(job: SearchJob): Nearest | undefined {
    return this.#searcher.finish(job)
  }

  /** A node of level 0, as stored; one without neighbors where there is none. */
  baseNode(ordinal: number): { protectedCount: number, neighbors: number[] } {
    const { bytes } = this.#arena
    const row = this.#kernel.rowAddress(this.base.ptr, ordinal) >>> 0
    const neighbors: number[] = []
    if (bytes[row + ROW_PROTECTED]! >= ROW_LEFT) return { protectedCount: 0, neighbors }
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

  /** Makes room for beams of `width`. */
  makeRoom(width: number): void {
    this.#ensureScratch(width)
  }

  /** Makes a vector the one in the scratch. */
  load(vector: Float32Array): void {
    const at = this.#scratch.query / 4
    const { f32 } = this.#arena
    f32.set(vector, at)
    f32.fill(0, at + vector.length, at + this.#vectorBytes / 4)
    this.#kernel.prepareVector(this.ptr, this.#scratch.ptr)
  }

  #fillRows(ordinal: number, vector: Float32Array, label: Label): void {
    this.#reserve(ordinal + 1)
    for (const rows of this.#rows) rows.fill(ordinal, vector, label)
  }

  #setFree(ordinal: number): void {
    this.#setState(ordinal, STATE_FREE)
    this.#free.add(ordinal)
  }

  #setState(ordinal: number, state: number): void {
    this.#arena.bytes[this.#kernel.dirtyRowAddress(this.states.ptr, ordinal) >>> 0] = state
  }

  /** @throws {VectorLevelError} VECTOR_FULL when an ordinal is beyond what neighbors can name */
  checkRoom(ordinal: number): void {
    if (ordinal >= NO_NEIGHBOR) throw new VectorLevelError('VECTOR_FULL', `a collection has ${NO_NEIGHBOR} ordinals at most; those of removed records are used again after a checkpoint, or after compact()`)
  }

  #reserve(ordinals: number): void {
    this.checkRoom(ordinals - 1)
    if (ordinals <= this.#reserved) return
    // Twice as much, so that threads are seldom stopped for it.
    const rows = Math.min(Math.max(ordinals, this.#reserved * 2, LEAST_RESERVED), NO_NEIGHBOR)
    this.#threads.stop(() => {
      for (const kind of CODE_KINDS) this[kind].reserve(rows)
      this.base.reserve(rows)
      this.states.reserve(rows)
      for (const { space } of this.#rows) space.reserve(rows)
    })
    this.#reserved = rows
    this.#reserveSlots(this.slots + MOST_LEVELS)
    this.#ensureScratch(0)
  }

  #reserveSlots(slots: number): void {
    if (!this.upper.lacks(slots)) return
    this.#threads.stop(() => this.upper.reserve(slots))
  }

  /** Makes room for all that linking so many nodes takes. */
  #prepareLinks(count: number): void {
    this.#reserveSlots(this.slots + count * MOST_LEVELS)
    this.#ensureScratch(this.options.efConstruction)
  }

  #ensureScratch(width: number): void {
    const had = this.#needs
    const { shape, newestShape } = this.#codes
    const needs: ScratchNeeds = {
      vectorBytes: this.#vectorBytes,
      rowBytes: Math.max(had.rowBytes, this.codes.rowBytes, this.recodes.rowBytes),
      queryBytes: Math.max(had.queryBytes, ...[shape, newestShape].map(shape => codecs[shape.codec].queryBytes(shape))),
      M: this.#options.M,
      ef: Math.max(had.ef, width, this.#get(GRAPH_WIDEST)),
      ids: Math.max(had.ids, this.#reserved, this.upper.capacity * this.upper.rowsPerBlock)
    }
    if (needs.rowBytes === had.rowBytes && needs.queryBytes === had.queryBytes && needs.ef === had.ef && needs.ids === had.ids) return
    this.#threads.stop(() => {
      for (const scratch of [this.#scratch, ...this.#scratches]) scratch.ensure(needs)
    })
    this.#needs = needs
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
