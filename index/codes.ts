import { choiceOf, type Codebook, type CodecChoice, isSameChoice, withChoice } from '../codecs/codec.js'
import { vectorByteLength } from '../codecs/f32.js'
import { unlessDamaged, VectorLevelError } from '../floor/errors.js'
import type { Slices } from '../floor/slices.js'
import type { Arena } from '../storage/arena.js'
import type { BlockCache } from '../storage/block-cache.js'
import type { Space } from '../storage/space.js'
import { type CodedShape, type Coder, Coders } from './coder.js'
import { Drift, type DriftState, errorOf, isBetter, meanOf } from './drift.js'
import { Encoding, type UncodedVector } from './encoding.js'
import type { Exclusion } from './exclusion.js'
import type { Kernel } from './kernel.js'
import {
  ENCODED_TOGETHER, GRAPH_BYTES, GRAPH_CODEBOOK, GRAPH_CODES, GRAPH_SCORER, STATE_GHOST, STATE_LIVE, STATE_LOST
} from './kernel/layout.js'
import type { RecordRows } from './record-rows.js'
import { Recoding, type RecodingState } from './recoding.js'
import type { Scratch } from './scratch.js'

/** Vectors that a codebook is trained on, at most, besides the latest. */
const TRAINING_SAMPLE = 4096
/** Vectors that other threads are asked to encode, at least: for fewer it takes longer to ask. */
const LEAST_ELSEWHERE = 2 * ENCODED_TOGETHER
/** Times that codes of another codec are made where nothing is to be linked meanwhile. */
const RECODED_TOGETHER = 2
/** Of the latest vectors, those that must be fit much better by another codebook. */
const LAST = 64
/** Vectors that are written at least between two codebooks, as a share of the ordinals: more than all codes take to be made again. */
const WAIT_SHARE = 1 / 8

/** Codes alternate between two spaces: in one are those that are in use, in the other those that are being made. */
export const CODE_KINDS = ['codes', 'recodes'] as const
export type CodeKind = (typeof CODE_KINDS)[number]

/** Where the codes are that were made with the codebook of a version. */
export function codeKindOf(version: number): CodeKind {
  return CODE_KINDS[version % CODE_KINDS.length]!
}

export function isCodeKind(kind: string): kind is CodeKind {
  return CODE_KINDS.some(code => code === kind)
}

/** What a checkpoint keeps of codes besides their blocks and the codebook in use. */
export interface CodesState {
  /** The codec of the codes in use. */
  choice: CodecChoice
  /** Codebooks that were in use before this one. */
  version: number
  drift: DriftState | undefined
  recoding: RecodingState | undefined
}

/** Codes that are stored with nothing else of the index, and what is needed to go on with them. */
export interface KeptCodes {
  version: number
  codebook: Codebook
  drift: DriftState | undefined
  /** Which blocks are stored, a bit each. */
  stored: Uint8Array
}

/** A codebook, and the average error and the mean of what it was trained on. */
export interface TrainedCodebook {
  codebook: Codebook
  error: number
  mean: Float32Array
}

/** What codes see of their graph. */
export interface CodedGraph {
  readonly ptr: number
  readonly codes: Space
  readonly recodes: Space
  readonly records: RecordRows
  /** Ordinals that there is room for. */
  readonly reserved: number
  /** With the codec of the codes in use. */
  readonly options: CodedShape
  stateOf(ordinal: number): number
  /** Makes a vector the one in the scratch. Shapes: vector f32[dim] as the user gave it. */
  load(vector: Float32Array): void
  /** The codes in use, or those that are made, are by another codec from now on. Nobody searches meanwhile. */
  noteCoders(): void
}

/**
 * The codes of a graph's vectors, and the codebooks that they are made with.
 *
 * When the data drift away from what the codebook was trained on, another one is trained, on what is live then and on what came last. From
 * then on each new vector has a code of both, the others get theirs one after the other as nodes are linked and removed, and when all have
 * one, those are used.
 *
 * IMPORTANT: all is a function of the order of the operations. Training belongs to the operation behind which it is done, when all vectors
 * that are live have records. Of a vector that is removed later the new code is made before that, for its record may be gone when its turn
 * comes; of one that was removed earlier the new code is made from the old one, whether its record is still there or not. In use are the
 * new codes from the task on that makes the last one.
 *
 * Codes of another codec are made likewise, and beside the tasks as well, so that they are all there some day in any case. When that is does not depend on the
 * operations alone; so an operation says that they are, and in use they are from its task on.
 */
export class Codes {
  readonly #arena: Arena
  readonly #cache: BlockCache
  readonly #kernel: Kernel
  readonly #scratch: Scratch
  readonly #graph: CodedGraph
  readonly #threads: Exclusion
  /** A graph's descriptor with a codebook that is not in use, by which nothing but codes are made. */
  readonly #other: number
  readonly #coders: Coders
  /** Of the codes in use; and of those that are being made, where these are of another codec. */
  #coder: Coder
  #next: Coder | undefined
  readonly #placed = new Map<number, Codebook>()
  #version = 0
  #codebook: Codebook | undefined
  #drift: Drift | undefined
  #recoding: Recoding | undefined

  constructor(arena: Arena, cache: BlockCache, kernel: Kernel, scratch: Scratch, graph: CodedGraph, threads: Exclusion) {
    this.#arena = arena
    this.#cache = cache
    this.#kernel = kernel
    this.#scratch = scratch
    this.#graph = graph
    this.#threads = threads
    this.#other = arena.allocate(GRAPH_BYTES)
    arena.bytes.copyWithin(this.#other, graph.ptr, graph.ptr + GRAPH_BYTES)
    this.#coders = new Coders(arena, kernel, threads)
    this.#coder = this.#coders.make(graph.options)
    this.#point(graph.ptr, this.#coder, 0)
    this.#point(this.#other, this.#coder, 1)
  }

  /** The shape of the codes in use, and of those that are made. */
  get shape(): CodedShape {
    return this.#coder.shape
  }

  get newestShape(): CodedShape {
    return this.#newestCoder.shape
  }

  get kind(): CodeKind {
    return codeKindOf(this.#version)
  }

  /** The codebook of the codes of a kind: 0 is the first one that the graph had. */
  versionOf(kind: CodeKind): number {
    return kind === this.kind ? this.#version : this.#version + 1
  }

  /** The codes that are in use. */
  get space(): Space {
    return this.#graph[this.kind]
  }

  get codebook(): Codebook | undefined {
    return this.#codebook
  }

  get trained(): boolean {
    return this.#codebook !== undefined || this.#coder.codec.trainingCount === 0
  }

  /** The error of the codes of what is written now, as a share of what is tolerated. */
  get drift(): number {
    return this.#drift?.share ?? 0
  }

  /** How much of the codes has been made again; undefined when that is not under way. */
  get recoded(): number | undefined {
    return this.#recoding?.share
  }

  /** Whether codes of another codec are being made, whether there is something to make of them now, and whether an operation is to say that they are all there. */
  get changes(): boolean {
    return this.#next !== undefined
  }

  get canGoOn(): boolean {
    return this.changes && this.#recoding!.started && !this.#recoding!.done
  }

  get awaitsEnd(): boolean {
    return this.changes && this.#recoding?.done === true && !this.#recoding.ending
  }

  state(): CodesState {
    return { choice: choiceOf(this.#coder.shape), version: this.#version, drift: this.#drift?.state(), recoding: this.#recoding?.state() }
  }

  /** Nobody may search, and the spaces are empty. */
  restore({ choice, version, drift, recoding }: CodesState, codebook: Codebook | undefined): void {
    this.#use(choice)
    this.#version = version
    this.#drift = drift && new Drift(drift)
    this.#recoding = recoding && new Recoding(recoding)
    if (recoding?.choice) this.prepare(recoding.choice)
    this.#fit()
    this.#goOn(version, codebook)
  }

  /** Goes on with a codec, and without codes. Nobody may search meanwhile. */
  restart(choice: CodecChoice): void {
    for (const kind of CODE_KINDS) this.#cache.discard(this.#graph[kind])
    this.#use(choice)
    this.#drift = undefined
    this.#recoding = undefined
    this.#fit()
    this.#goOn(this.#version, undefined)
  }

  /** Codes of another codec are to be made: takes the room for them. Nobody may search meanwhile. */
  prepare(choice: CodecChoice): void {
    this.#next = this.#coders.make(withChoice(this.#graph.options, choice))
    this.#placed.delete(this.#other)
    this.#point(this.#other, this.#next, 1)
    this.#fit()
  }

  /** Goes on with codes of which more than the index was kept. */
  keep({ version, codebook, drift, stored }: KeptCodes): void {
    this.restore({ choice: choiceOf(this.#coder.shape), version, drift, recoding: undefined }, codebook)
    this.space.restoreStored(stored)
  }

  /**
   * Makes the first codebook of the newest codec, for `live` ordinals; `begin` begins to use it, or `change` to make codes with it. Tells how much of it is
   * done, from 0 to 1.
   */
  *train(live: Uint32Array, tell: (share: number) => void): Slices<TrainedCodebook> {
    const sample = yield* this.#vectors(live, TRAINING_SAMPLE)
    const codebook = yield* this.#trainOn(sample, tell)
    const mean = meanOf(sample, this.#graph.options.dimensions)
    return { codebook, error: yield* this.#errorOf(codebook, sample, mean), mean }
  }

  /** Begins with the first codebook. Nobody may search meanwhile. */
  begin({ codebook, error, mean }: TrainedCodebook): void {
    this.#drift = Drift.after(mean, error)
    this.#goOn(this.#version, codebook)
  }

  /** Makes the code of the vector in the scratch, of each codebook. */
  encode(ordinal: number): void {
    this.#encodeInto(this.space, ordinal, this.#graph.ptr)
    if (this.#recoding) this.#encodeInto(this.#spare, ordinal, this.#with(this.#recoding.codebook))
  }

  /**
   * Makes the codes of several vectors by other threads, where that is worth it; undefined where it is not. Nothing may be trained before it is done, nor may
   * a checkpoint begin.
   */
  encodeElsewhere(uncoded: readonly UncodedVector[]): Promise<void> | undefined {
    if (!this.#coder.codec.kMeansNeeds || !this.#threads.workers || this.#recoding || uncoded.length < LEAST_ELSEWHERE) return undefined
    const calls: Promise<void>[] = []
    for (let i = 0; i < uncoded.length; i += ENCODED_TOGETHER) calls.push(this.#encodeTogether(uncoded.slice(i, i + ENCODED_TOGETHER)))
    return Promise.all(calls).then(() => undefined)
  }

  async #encodeTogether(uncoded: readonly UncodedVector[]): Promise<void> {
    const encoding = Encoding.ifRoom(this.#arena, this.#graph.ptr, vectorByteLength(this.#graph.options.dimensions), uncoded)
    const isMade = encoding && await this.#threads.call('encodeRows', this.#graph.ptr, encoding.ptr).then(() => true, () => false)
    encoding?.release()
    if (isMade) return
    // Here it fails for what it failed for there, or else it does not.
    for (const { ordinal, vector } of uncoded) {
      this.#graph.load(vector)
      this.encode(ordinal)
    }
  }

  /** A vector that has its codes is live from now on. */
  note(ordinal: number): void {
    if (!this.#drift?.note(ordinal)) return
    const vector = unlessDamaged(() => this.#graph.records.vector(ordinal))
    // A damaged record is no vector.
    if (vector) this.#drift.look(vector, this.#decode(this.#newestCoder, this.#newest, this.#recoding ? this.#spare : this.space, ordinal))
  }

  /** A vector that has a code is about to be removed, and its record with it. */
  noteRemoval(ordinal: number): void {
    if (this.#recoding?.lacks(ordinal)) this.#encodeAgain(ordinal, this.#given(ordinal), this.#with(this.#recoding.codebook))
  }

  /** A node that was removed is about to leave the graph: so it has a new code in any case, whenever its turn would have come. */
  noteFree(ordinal: number): void {
    const recoding = this.#recoding
    if (recoding?.lacks(ordinal) && recoding.hadGhost(ordinal)) this.#encodeAgain(ordinal, this.#coded(ordinal), this.#with(recoding.codebook))
    recoding?.forgetGhost(ordinal)
  }

  /** Whether another codebook should be looked for. */
  get wantsRetraining(): boolean {
    return !this.changes && (this.#drift?.wantsTraining ?? false)
  }

  /** Another codebook for `live` of the ordinals, if one fits what came last much better. */
  *retrain(live: Uint32Array, ordinals: number, tell: (share: number) => void): Slices<TrainedCodebook | undefined> {
    const drift = this.#drift!
    const found = new Set(live)
    const latest = yield* this.#vectors(drift.latest.filter(ordinal => found.has(ordinal)), Infinity)
    const sample = yield* this.#vectors(live, TRAINING_SAMPLE)
    const codebook = yield* this.#trainOn(sample.concat(latest), tell)
    const last = latest.slice(0, LAST)
    const mean = meanOf(latest, this.#graph.options.dimensions)
    const error = yield* this.#errorOf(codebook, last, mean)
    if (isBetter(error, yield* this.#errorOf(this.#newest!, last, mean))) return { codebook, error, mean }
    drift.noteRefusal(this.#waitFor(ordinals))
    return undefined
  }

  /** Begins to make codes of another codebook: of `ordinals` as soon as `startRecoding` is called. None may be under way. */
  recode({ codebook, error }: TrainedCodebook, ordinals: number): void {
    this.#drift!.noteTraining(error, this.#waitFor(ordinals))
    this.#recoding = Recoding.of(codebook, ordinals)
  }

  /** Begins to make codes of the codec that was prepared: of `ordinals` as soon as `startRecoding` is called. None may be under way. */
  change(found: TrainedCodebook | undefined, ordinals: number): void {
    this.#drift = found && Drift.after(found.mean, found.error)
    this.#recoding = Recoding.of(found?.codebook, ordinals, choiceOf(this.#next!.shape))
  }

  /** An operation says that the codes of another codec are all there. */
  noteEnd(): void {
    if (this.#recoding) this.#recoding.ending = true
  }

  /** All that was removed before the training is a ghost by now, or free. Shapes: ghosts u32[], those that are left of it. */
  startRecoding(ghosts: Uint32Array): void {
    this.#recoding!.start(ghosts)
  }

  /** Makes the next codes again; when these were the last, they are used from now on. Those of another codec only if `ends`. */
  advance(ends = false): void {
    const recoding = this.#recoding
    if (!recoding?.started) return
    const encoder = this.#with(recoding.codebook)
    for (const ordinal of recoding.next(this.#spare.rowBytes)) {
      const vector = this.#vectorFor(ordinal, recoding)
      if (vector) this.#encodeAgain(ordinal, vector, encoder)
    }
    if (ends || !this.changes) this.changeOver()
  }

  /** The next codes of another codec, for threads to make: they count as made. Undefined where there is none to make. */
  encodeNext(): Encoding | undefined {
    const recoding = this.#recoding!
    const uncoded: UncodedVector[] = []
    for (let i = 0; i < RECODED_TOGETHER; i++) {
      for (const ordinal of recoding.next(this.#spare.rowBytes)) {
        const vector = this.#vectorFor(ordinal, recoding)
        if (vector) uncoded.push({ ordinal, vector })
      }
    }
    const encoder = this.#with(recoding.codebook)
    const encoding = uncoded.length ? Encoding.ifRoom(this.#arena, encoder, vectorByteLength(this.#graph.options.dimensions), uncoded) : undefined
    if (!encoding) for (const { ordinal, vector } of uncoded) this.#encodeAgain(ordinal, vector, encoder)
    return encoding
  }

  /** Uses the new codes from now on, if all are there. */
  changeOver(): void {
    const recoding = this.#recoding
    if (!recoding?.done) return
    this.#threads.stop(() => {
      const old = this.space
      this.#recoding = undefined
      this.#version++
      this.#cache.discard(old)
      if (recoding.choice) this.#use(recoding.choice)
      this.#fit()
      this.#goOn(this.#version, recoding.codebook)
    })
  }

  /** Whether the code of an ordinal is the one of the vector in the scratch. */
  isRight(ordinal: number): boolean {
    const { row } = this.#scratch
    const { bytes } = this.#arena
    const { rowBytes } = this.space
    this.#encodeRow(row, rowBytes, this.#graph.ptr)
    const stored = this.#kernel.rowAddress(this.space.ptr, ordinal) >>> 0
    for (let i = 0; i < rowBytes; i++) if (bytes[row + i] !== bytes[stored + i]) return false
    return true
  }

  /** Vectors that are written at least between two codebooks. */
  #waitFor(ordinals: number): number {
    return Math.max(this.#coder.codec.trainingCount, ordinals * WAIT_SHARE)
  }

  get #newestCoder(): Coder {
    return this.#next ?? this.#coder
  }

  get #spareKind(): CodeKind {
    return codeKindOf(this.#version + 1)
  }

  get #spare(): Space {
    return this.#graph[this.#spareKind]
  }

  get #newest(): Codebook | undefined {
    return this.#recoding ? this.#recoding.codebook : this.#codebook
  }

  /** What the new code of an ordinal is to be made from; undefined where none is needed. */
  #vectorFor(ordinal: number, recoding: Recoding): Float32Array | undefined {
    const state = this.#graph.stateOf(ordinal)
    // What is not in use gets its code when it is, and what was removed since the training has got it.
    if (state === STATE_LIVE) return this.#given(ordinal)
    return state === STATE_LOST || (state === STATE_GHOST && recoding.hadGhost(ordinal)) ? this.#coded(ordinal) : undefined
  }

  /** A vector from its record; from its code when that is damaged. */
  #given(ordinal: number): Float32Array {
    return unlessDamaged(() => this.#graph.records.given(ordinal)) ?? this.#coded(ordinal)
  }

  #coded(ordinal: number): Float32Array {
    return this.#decode(this.#coder, this.#codebook, this.space, ordinal)
  }

  #encodeAgain(ordinal: number, vector: Float32Array, encoder: number): void {
    this.#graph.load(vector)
    this.#encodeInto(this.#spare, ordinal, encoder)
  }

  /** Makes the code of the vector in the scratch by the codebook of a descriptor. */
  #encodeInto(space: Space, ordinal: number, encoder: number): void {
    this.#kernel.encodeRow(encoder, this.#scratch.ptr, this.#kernel.dirtyRowAddress(space.ptr, ordinal) >>> 0)
  }

  /** The same, into a row that may have been used for others. */
  #encodeRow(row: number, rowBytes: number, encoder: number): void {
    this.#arena.bytes.fill(0, row, row + rowBytes)
    this.#kernel.encodeRow(encoder, this.#scratch.ptr, row)
  }

  /**
   * The vector that the code of an ordinal stands for. Shapes: f32[dim], as it is compared.
   *
   * @throws {VectorLevelError} VECTOR_CORRUPTION when it has none, or its block is damaged
   */
  decode(ordinal: number): Float32Array {
    const block = Math.floor(ordinal / this.space.rowsPerBlock)
    if (!this.trained || !(this.space.isStored(block) || this.space.isDirty(block))) {
      throw new VectorLevelError('VECTOR_CORRUPTION', `the code of ordinal ${ordinal} is missing`)
    }
    return this.#decode(this.#coder, this.#codebook, this.space, ordinal)
  }

  #decode(coder: Coder, codebook: Codebook | undefined, space: Space, ordinal: number): Float32Array {
    return this.#decodeRow(coder, codebook, this.#kernel.rowAddress(space.ptr, ordinal) >>> 0)
  }

  #decodeRow({ codec, rowBytes, shape }: Coder, codebook: Codebook | undefined, row: number): Float32Array {
    return codec.decode(this.#arena.bytes.subarray(row, row + rowBytes), codebook!, shape)
  }

  /** Vectors of up to `count` of the ordinals, evenly spread. Those whose records are damaged are left out. */
  *#vectors(ordinals: Uint32Array, count: number): Slices<Float32Array[]> {
    const step = Math.max(1, Math.ceil(ordinals.length / count))
    const vectors: Float32Array[] = []
    for (let i = 0; i < ordinals.length; i += step) {
      const vector = unlessDamaged(() => this.#graph.records.vector(ordinals[i]!))
      if (vector) vectors.push(vector)
      yield
    }
    return vectors
  }

  *#trainOn(sample: Float32Array[], tell: (share: number) => void): Slices<Codebook> {
    const { codec, shape, kMeans } = this.#newestCoder
    tell(0)
    const codebook = (yield* codec.train(sample, shape, (count, k, clusterAt) => kMeans(count, k, index => {
      if (index) tell(index / count)
      return clusterAt(index)
    })))!
    tell(1)
    return codebook
  }

  /** The average error of a codebook's codes. */
  *#errorOf(codebook: Codebook, vectors: Float32Array[], mean: Float32Array): Slices<number> {
    let sum = 0
    for (const vector of vectors) {
      const { row } = this.#scratch
      this.#graph.load(vector)
      this.#encodeRow(row, this.#newestCoder.rowBytes, this.#with(codebook))
      sum += errorOf(vector, this.#decodeRow(this.#newestCoder, codebook, row), mean)
      yield
    }
    return vectors.length ? sum / vectors.length : 0
  }

  /** The other descriptor, with a codebook, if the codec has any, for the spare space; searches go on with the one in use. Valid until the next call. */
  #with(codebook: Codebook | undefined): number {
    this.#arena.u32[(this.#other + GRAPH_CODES) / 4] = this.#spare.ptr
    if (codebook) this.#setCodebook(this.#other, codebook)
    return this.#other
  }

  /** Makes the codec in use the one of a choice, if it is another. */
  #use(choice: CodecChoice): void {
    const next = this.#next
    this.#next = undefined
    if (!isSameChoice(choice, this.#coder.shape)) {
      this.#coder.release()
      this.#coder = next && isSameChoice(choice, next.shape) ? next : this.#coders.make(withChoice(this.#graph.options, choice))
    }
    if (next && next !== this.#coder) next.release()
    // What is laid out already stays: it takes longer.
    const codebook = next === this.#coder ? this.#placed.get(this.#other) : undefined
    this.#placed.clear()
    this.#point(this.#graph.ptr, this.#coder, codebook ? 1 : 0)
    this.#point(this.#other, this.#coder, codebook ? 0 : 1)
    if (codebook) this.#placed.set(this.#graph.ptr, codebook)
  }

  /** Gives both spaces rows for their codes, and tells the graph. */
  #fit(): void {
    for (const [space, { rowBytes }] of [[this.space, this.#coder], [this.#spare, this.#newestCoder]] as const) {
      if (space.rowBytes !== rowBytes) this.#cache.reshape(space, rowBytes, this.#graph.reserved)
    }
    this.#graph.noteCoders()
  }

  /** Has a descriptor make codes by a coder, with one of its codebooks. */
  #point(ptr: number, { codec, tables }: Coder, table: 0 | 1): void {
    const { u32 } = this.#arena
    u32[(ptr + GRAPH_SCORER) / 4] = codec.scorer
    u32[(ptr + GRAPH_CODEBOOK) / 4] = tables[table]
  }

  /** Goes on with codes and their codebook. */
  #goOn(version: number, codebook: Codebook | undefined): void {
    this.#version = version
    this.#codebook = codebook
    this.#arena.u32[(this.#graph.ptr + GRAPH_CODES) / 4] = this.space.ptr
    if (codebook) this.#setCodebook(this.#graph.ptr, codebook)
  }

  /** Has the kernel encode, and compare, by a codebook where it is given this descriptor. */
  #setCodebook(ptr: number, codebook: Codebook): void {
    if (this.#placed.get(ptr) === codebook) return
    if (ptr !== this.#other && this.#placed.get(this.#other) === codebook) {
      this.#swapCodebooks()
      return
    }
    const { bytes, u32 } = this.#arena
    const { codec, shape, tableBytes } = ptr === this.#other ? this.#newestCoder : this.#coder
    const tables = u32[(ptr + GRAPH_CODEBOOK) / 4]!
    codec.place(codebook, shape, bytes.subarray(tables, tables + tableBytes))
    this.#kernel.completeCodebook(ptr, this.#scratch.ptr)
    this.#placed.set(ptr, codebook)
  }

  /** The other descriptor has what this one is to have: laying it out takes longer. */
  #swapCodebooks(): void {
    const { u32 } = this.#arena
    const [own, other] = [this.#graph.ptr, this.#other]
    const [at, from] = [(own + GRAPH_CODEBOOK) / 4, (other + GRAPH_CODEBOOK) / 4]
    ;[u32[at], u32[from]] = [u32[from]!, u32[at]!]
    const [before, codebook] = [this.#placed.get(own), this.#placed.get(other)!]
    this.#placed.set(own, codebook)
    if (before) this.#placed.set(other, before)
    else this.#placed.delete(other)
  }
}
