import { type Codebook, type Codec, type CodecName, codecs, type CodecShape, type KMeans } from '../codecs/codec.js'
import { unlessDamaged, VectorLevelError } from '../floor/errors.js'
import type { Slices } from '../floor/slices.js'
import type { Arena } from '../storage/arena.js'
import type { BlockCache } from '../storage/block-cache.js'
import type { Space } from '../storage/space.js'
import type { Exclusion } from './exclusion.js'
import { Drift, type DriftState, errorOf, isBetter, meanOf } from './drift.js'
import type { Kernel } from './kernel.js'
import { kernelKMeans, NO_K_MEANS } from './k-means.js'
import { GRAPH_BYTES, GRAPH_CODEBOOK, GRAPH_CODES, STATE_GHOST, STATE_LIVE, STATE_LOST } from './kernel/layout.js'
import type { RecordRows } from './record-rows.js'
import { Recoding, type RecodingState } from './recoding.js'
import type { Scratch } from './scratch.js'

/** Vectors that a codebook is trained on, at most, besides the latest. */
const TRAINING_SAMPLE = 4096
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
  readonly options: CodecShape & { codec: CodecName }
  stateOf(ordinal: number): number
  /** Makes a vector the one in the scratch. Shapes: vector f32[dim] as the user gave it. */
  load(vector: Float32Array): void
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
  readonly #kMeans: KMeans
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
    for (const ptr of [graph.ptr, this.#other]) arena.u32[(ptr + GRAPH_CODEBOOK) / 4] = arena.allocate(this.#codec.tableBytes(graph.options), 'codebooks')
    const needs = this.#codec.kMeansNeeds?.(graph.options)
    this.#kMeans = needs ? kernelKMeans(arena, kernel, needs) : NO_K_MEANS
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
    return this.#codebook !== undefined || this.#codec.trainingCount === 0
  }

  /** The error of the codes of what is written now, as a share of what is tolerated. */
  get drift(): number {
    return this.#drift?.share ?? 0
  }

  /** How much of the codes has been made again; undefined when that is not under way. */
  get recoded(): number | undefined {
    return this.#recoding?.share
  }

  state(): CodesState {
    return { version: this.#version, drift: this.#drift?.state(), recoding: this.#recoding?.state() }
  }

  restore({ version, drift, recoding }: CodesState, codebook: Codebook | undefined): void {
    this.#drift = drift && new Drift(drift)
    this.#recoding = recoding && new Recoding(recoding)
    this.#goOn(version, codebook)
  }

  /** Goes on with codes of which more than the index was kept. */
  keep({ version, codebook, drift, stored }: KeptCodes): void {
    this.restore({ version, drift, recoding: undefined }, codebook)
    this.space.restoreStored(stored)
  }

  /** Makes the first codebook, for `live` ordinals; `begin` begins to use it. */
  *train(live: Uint32Array): Slices<TrainedCodebook> {
    const sample = yield* this.#vectors(live, TRAINING_SAMPLE)
    const codebook = yield* this.#trainOn(sample)
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

  /** A vector that has its codes is live from now on. */
  note(ordinal: number): void {
    if (!this.#drift?.note(ordinal)) return
    const vector = unlessDamaged(() => this.#graph.records.vector(ordinal))
    // A damaged record is no vector.
    if (vector) this.#drift.look(vector, this.#decode(this.#newest, this.#recoding ? this.#spare : this.space, ordinal))
  }

  /** A vector that has a code is about to be removed, and its record with it. */
  noteRemoval(ordinal: number): void {
    if (this.#recoding?.lacks(ordinal)) this.#encodeAgain(ordinal, this.#with(this.#recoding.codebook))
  }

  /** Whether another codebook should be looked for. */
  get wantsRetraining(): boolean {
    return this.#drift?.wantsTraining ?? false
  }

  /** Another codebook for `live` of the ordinals, if one fits what came last much better. */
  *retrain(live: Uint32Array, ordinals: number): Slices<TrainedCodebook | undefined> {
    const drift = this.#drift!
    const found = new Set(live)
    const latest = yield* this.#vectors(drift.latest.filter(ordinal => found.has(ordinal)), Infinity)
    const sample = yield* this.#vectors(live, TRAINING_SAMPLE)
    const codebook = yield* this.#trainOn(sample.concat(latest))
    const last = latest.slice(0, LAST)
    const mean = meanOf(latest, this.#graph.options.dimensions)
    const error = yield* this.#errorOf(codebook, last, mean)
    if (isBetter(error, yield* this.#errorOf(this.#newest, last, mean))) return { codebook, error, mean }
    drift.noteRefusal(this.#waitFor(ordinals))
    return undefined
  }

  /** Begins to make codes of another codebook: of `ordinals` as soon as `startRecoding` is called. None may be under way. */
  recode({ codebook, error }: TrainedCodebook, ordinals: number): void {
    this.#drift!.noteTraining(error, this.#waitFor(ordinals))
    this.#recoding = Recoding.of(codebook, ordinals)
  }

  /** All that was removed before the training is a ghost by now, or free. Shapes: ghosts u32[], those that are left of it. */
  startRecoding(ghosts: Uint32Array): void {
    this.#recoding!.start(ghosts)
  }

  /** Makes the next codes again; when these were the last, they are used from now on. */
  advance(): void {
    const recoding = this.#recoding
    if (!recoding?.started) return
    const encoder = this.#with(recoding.codebook)
    for (const ordinal of recoding.next(this.space.rowBytes)) this.#recode(ordinal, recoding, encoder)
    if (!recoding.done) return
    this.#threads.stop(() => {
      const old = this.space
      this.#recoding = undefined
      this.#goOn(this.#version + 1, recoding.codebook)
      this.#cache.discard(old)
    })
  }

  /** Whether the code of an ordinal is the one of the vector in the scratch. */
  isRight(ordinal: number): boolean {
    const { row } = this.#scratch
    const { bytes } = this.#arena
    const { rowBytes } = this.space
    this.#encodeRow(row, this.#graph.ptr)
    const stored = this.#kernel.rowAddress(this.space.ptr, ordinal) >>> 0
    for (let i = 0; i < rowBytes; i++) if (bytes[row + i] !== bytes[stored + i]) return false
    return true
  }

  /** Vectors that are written at least between two codebooks. */
  #waitFor(ordinals: number): number {
    return Math.max(this.#codec.trainingCount, ordinals * WAIT_SHARE)
  }

  get #codec(): Codec {
    return codecs[this.#graph.options.codec]
  }

  get #spareKind(): CodeKind {
    return codeKindOf(this.#version + 1)
  }

  get #spare(): Space {
    return this.#graph[this.#spareKind]
  }

  get #newest(): Codebook {
    return this.#recoding?.codebook ?? this.#codebook!
  }

  #recode(ordinal: number, recoding: Recoding, encoder: number): void {
    const state = this.#graph.stateOf(ordinal)
    // What is not in use gets its code when it is, and what was removed since the training has got it.
    if (state === STATE_LIVE) this.#encodeAgain(ordinal, encoder)
    else if (state === STATE_LOST || (state === STATE_GHOST && recoding.hadGhost(ordinal))) this.#encodeCode(ordinal, encoder)
  }

  /** Makes the new code of a vector from its record; from its old code when that is damaged. */
  #encodeAgain(ordinal: number, encoder: number): void {
    const vector = unlessDamaged(() => this.#graph.records.given(ordinal))
    if (!vector) {
      this.#encodeCode(ordinal, encoder)
      return
    }
    this.#graph.load(vector)
    this.#encodeInto(this.#spare, ordinal, encoder)
  }

  #encodeCode(ordinal: number, encoder: number): void {
    this.#graph.load(this.#decode(this.#codebook!, this.space, ordinal))
    this.#encodeInto(this.#spare, ordinal, encoder)
  }

  /** Makes the code of the vector in the scratch by the codebook of a descriptor. */
  #encodeInto(space: Space, ordinal: number, encoder: number): void {
    this.#kernel.encodeRow(encoder, this.#scratch.ptr, this.#kernel.dirtyRowAddress(space.ptr, ordinal) >>> 0)
  }

  /** The same, into a row that may have been used for others. */
  #encodeRow(row: number, encoder: number): void {
    this.#arena.bytes.fill(0, row, row + this.space.rowBytes)
    this.#kernel.encodeRow(encoder, this.#scratch.ptr, row)
  }

  /**
   * The vector that the code of an ordinal stands for. Shapes: f32[dim], as it is compared.
   *
   * @throws {VectorLevelError} VECTOR_CORRUPTION when it has none, or its block is damaged
   */
  decode(ordinal: number): Float32Array {
    const block = Math.floor(ordinal / this.space.rowsPerBlock)
    if (!this.#codebook || !(this.space.isStored(block) || this.space.isDirty(block))) {
      throw new VectorLevelError('VECTOR_CORRUPTION', `the code of ordinal ${ordinal} is missing`)
    }
    return this.#decode(this.#codebook!, this.space, ordinal)
  }

  #decode(codebook: Codebook, space: Space, ordinal: number): Float32Array {
    return this.#decodeRow(codebook, this.#kernel.rowAddress(space.ptr, ordinal) >>> 0)
  }

  #decodeRow(codebook: Codebook, row: number): Float32Array {
    return this.#codec.decode(this.#arena.bytes.subarray(row, row + this.space.rowBytes), codebook, this.#graph.options)
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

  *#trainOn(sample: Float32Array[]): Slices<Codebook> {
    return (yield* this.#codec.train(sample, this.#graph.options, this.#kMeans))!
  }

  /** The average error of a codebook's codes. */
  *#errorOf(codebook: Codebook, vectors: Float32Array[], mean: Float32Array): Slices<number> {
    let sum = 0
    for (const vector of vectors) {
      const { row } = this.#scratch
      this.#graph.load(vector)
      this.#encodeRow(row, this.#with(codebook))
      sum += errorOf(vector, this.#decodeRow(codebook, row), mean)
      yield
    }
    return vectors.length ? sum / vectors.length : 0
  }

  /** The other descriptor, with a codebook; searches go on with the one in use. Valid until the next call. */
  #with(codebook: Codebook): number {
    this.#setCodebook(this.#other, codebook)
    return this.#other
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
    const tables = u32[(ptr + GRAPH_CODEBOOK) / 4]!
    this.#codec.place(codebook, this.#graph.options, bytes.subarray(tables, tables + this.#codec.tableBytes(this.#graph.options)))
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
