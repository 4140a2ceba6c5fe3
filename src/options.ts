import { availableParallelism, totalmem } from 'node:os'
import { type CodecChoice, codecs, type CodecName, type Metric } from '../codecs/codec.js'
import { VectorLevelError } from '../floor/errors.js'
import { type GraphOptions, type Store, STORES } from '../index/graph.js'
import type { KernelChoice } from '../index/kernel.js'
import { type Rerank, USUAL_RERANK } from '../index/searcher.js'
import { MOST_WORKERS } from '../index/threads/bells.js'
import { checkDeadline, type Deadline, DEADLINE_OPTIONS, type DeadlineOptions } from './deadline.js'

export interface VectorLevelOptions {
  /** Bytes for codes, graph, vectors and tables in memory. Default 256 MiB, at least 8 MiB, below 4 GiB. */
  cacheSize?: number
  /** 'strict' (default): a write is on stable storage when its promise resolves. 'relaxed': it survives a crash of the process at once, a power cut after the next checkpoint. */
  durability?: 'strict' | 'relaxed'
  /** Which build of the kernel runs: 'auto' (default) takes relaxed SIMD where Node has it; 'reference' is plain TypeScript, slow. */
  kernel?: KernelChoice
  /**
   * Threads that search and link beside the calling one: default one less than there are cores, 1 to 8; shared by all databases of the process. Each
   * takes up to 2 bytes a record of cacheSize, and about 9 MB besides. With 0 the calling thread does everything, a little at a time.
   */
  workers?: number
  /**
   * Bytes of keys, vectors and metadata that may wait for being committed, besides a single write; more is refused with VECTOR_BUSY. Default a quarter of the
   * memory that the process may use, 1 GiB at most.
   */
  queueSize?: number
  /** When to write what changed into the index: after this many operations (default 50,000), or seconds (default 30). */
  checkpoint?: { operations?: number, seconds?: number }
}

export interface CollectionOptions {
  /** Components of every vector: 1 to 16,000. */
  dimensions: number
  /** What distance means: 'cosine' (default) is 1 - cosine, 'l2' the squared Euclidean distance, 'dot' the negated inner product. */
  metric?: Metric
  /**
   * How vectors are held in the index: 'sq8' (default) takes 1 byte a component, 'f32' takes 4; product quantisation takes codeBytes: 'pq' by parts of 4 bits,
   * 'pq8' by parts of 8.
   */
  codec?: CodecName
  /**
   * Bytes of a code where codec is 'pq' (1 to half the dimensions) or 'pq8' (1 to the dimensions): default an eighth of the dimensions, which is a 32nd of the
   * vector, and 32 for small vectors.
   */
  codeBytes?: number
  /**
   * What is kept: 'full' (default), the vectors as they were given; or 'codes': of a vector that has its code the code alone. That takes a third of the space
   * or less, and loses what the codec rounds off: results and records say `approximate`. Not for 'f32', whose codes are the vectors.
   */
  store?: Store
  /** Neighbors a node is linked to: default 16, 2 to 64. More is more recall, memory and time. */
  M?: number
  /** Candidates looked at when a node is linked: default 200. More is a better graph, slower to build. */
  efConstruction?: number
  /** Of the random levels: default 1. */
  seed?: number
}

/** How much is measured again by full vectors, in collections whose codes are approximate. */
export interface RerankOptions {
  /** So many times k are measured; 'auto' (default): as many as the errors of codes call for, and the search is widened where ef is too little for them. */
  oversample?: number | 'auto'
  /** With 'auto', the share of what codes hide that is to be found: default 0.99, from 0.5 to 1. More is slower. */
  recallTarget?: number
}

/** signal and timeout end what is called with VECTOR_ABORTED; of searchSync, which cannot be interrupted, before it begins. */
export interface SearchOptions extends DeadlineOptions, RerankOptions {
  /** How many: default 10; with maxDistance, default all within it. */
  k?: number
  /** Candidates kept while searching: default 64, at least k. More is more recall, and slower. */
  ef?: number
  /** Leaves out what is farther. */
  maxDistance?: number
  /** Looks at every vector: recall 1, and slow. */
  exact?: boolean
  /** false leaves out the metadata of hits. */
  metadata?: boolean
  /** Has a search that signal or timeout end give what it has found by then, instead; the hits say so. */
  partial?: boolean
  /** Has the hits tell what the search took. */
  explain?: boolean
}

/** signal and timeout end the waiting, not the work, once that has begun. */
export interface RecodeOptions extends DeadlineOptions {
  /** Bytes of a code where the codec is 'pq' or 'pq8': default as for a new collection. */
  codeBytes?: number
}

/** signal and timeout count while the operations wait: they end with VECTOR_ABORTED, all of them. Once they are being committed, they are committed. */
export type WriteOptions = DeadlineOptions

const MIB = 2 ** 20
/** Threads that a database has by itself, at most: each takes memory. */
const USUAL_WORKERS = 8
export const LEAST_CACHE = 8 * MIB
const MOST_CACHE = 4096 * MIB - 65536
const MOST_QUEUE = 1024 * MIB
const MOST_DIMENSIONS = 16_000
const MOST_EF_CONSTRUCTION = 4096
const MOST_OVERSAMPLE = 100_000
const LEAST_TARGET = 0.5

const DATABASE_OPTIONS = ['cacheSize', 'durability', 'kernel', 'workers', 'queueSize', 'checkpoint']
const KERNELS: KernelChoice[] = ['auto', 'simd', 'relaxed', 'reference']
const CHECKPOINT_OPTIONS = ['operations', 'seconds']
const COLLECTION_OPTIONS = ['dimensions', 'metric', 'codec', 'codeBytes', 'store', 'M', 'efConstruction', 'seed']
export const RERANK_OPTIONS = ['oversample', 'recallTarget']
const SEARCH_OPTIONS = ['k', 'ef', 'maxDistance', 'exact', 'metadata', 'partial', 'explain', ...RERANK_OPTIONS, ...DEADLINE_OPTIONS]

export interface DatabaseSettings {
  cacheSize: number
  durability: 'strict' | 'relaxed'
  kernel: KernelChoice
  workers: number
  queueSize: number
  checkpointOperations: number
  checkpointSeconds: number
}

export function checkDatabaseOptions(options: VectorLevelOptions): DatabaseSettings {
  checkNames(options, DATABASE_OPTIONS)
  checkNames(options.checkpoint ?? {}, CHECKPOINT_OPTIONS)
  return {
    cacheSize: integer('cacheSize', options.cacheSize ?? 256 * MIB, LEAST_CACHE, MOST_CACHE),
    durability: oneOf('durability', options.durability ?? 'strict', ['strict', 'relaxed']),
    kernel: oneOf('kernel', options.kernel ?? 'auto', KERNELS),
    workers: integer('workers', options.workers ?? Math.min(USUAL_WORKERS, Math.max(1, availableParallelism() - 1)), 0, MOST_WORKERS),
    queueSize: integer('queueSize', options.queueSize ?? Math.min(MOST_QUEUE, Math.floor(usableMemory() / 4)), 0, Number.MAX_SAFE_INTEGER),
    checkpointOperations: integer('checkpoint.operations', options.checkpoint?.operations ?? 50_000, 1, 2 ** 31),
    checkpointSeconds: positive('checkpoint.seconds', options.checkpoint?.seconds ?? 30)
  }
}

/** Bytes of the machine, or of the container when that may have less; 0 and very large numbers mean that nothing is known. */
function usableMemory(): number {
  return Math.min(totalmem(), process.constrainedMemory() || Infinity)
}

/** The options as the user gave them, checked; those left out stay out. */
export function checkCollectionOptions(options: CollectionOptions): CollectionOptions {
  checkNames(options, COLLECTION_OPTIONS)
  integer('dimensions', options.dimensions, 1, MOST_DIMENSIONS)
  if (options.metric !== undefined) oneOf('metric', options.metric, ['l2', 'cosine', 'dot'])
  if (options.codec !== undefined) oneOf('codec', options.codec, Object.keys(codecs) as CodecName[])
  if (options.codeBytes !== undefined) integer('codeBytes', options.codeBytes, 1, MOST_DIMENSIONS)
  if (options.codec !== undefined) codeBytesOf(options.codec, options)
  if (options.store !== undefined) oneOf('store', options.store, [...STORES])
  if (options.M !== undefined) integer('M', options.M, 2, 64)
  if (options.efConstruction !== undefined) integer('efConstruction', options.efConstruction, 4, MOST_EF_CONSTRUCTION)
  if (options.seed !== undefined) integer('seed', options.seed, 0, 2 ** 32 - 1)
  const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as unknown as CollectionOptions
  const { codec, store } = withDefaults(given)
  if (store === 'codes' && !codecs[codec].approximate) {
    throw new TypeError(`store 'codes' keeps codes in place of vectors, and those of codec '${codec}' are the vectors themselves: nothing would become smaller`)
  }
  return given
}

/** @throws {TypeError | RangeError} when the codec has no codes of so many bytes */
export function withDefaults(options: CollectionOptions): GraphOptions {
  const { codec = 'sq8' } = options
  const codeBytes = codeBytesOf(codec, options)
  return { metric: 'cosine', codec, store: 'full', M: 16, efConstruction: 200, seed: 1, ...options, ...(codeBytes !== undefined && { codeBytes }) }
}

function codeBytesOf(codec: CodecName, { dimensions, codeBytes }: CollectionOptions): number | undefined {
  const bytes = codecs[codec].codeBytes
  if (bytes) return integer('codeBytes', codeBytes ?? bytes.usual(dimensions), 1, bytes.most(dimensions))
  if (codeBytes !== undefined) throw new TypeError(`codeBytes is for the codecs pq and pq8, not for ${codec}`)
  return undefined
}

/** @throws {VectorLevelError} VECTOR_OPTIONS_MISMATCH when an option that is given differs from the stored one */
export function checkAgainstStored(name: string, given: CollectionOptions, stored: GraphOptions): void {
  for (const [option, value] of Object.entries(given) as [keyof GraphOptions, unknown][]) {
    if (value !== undefined && stored[option] !== value) {
      throw new VectorLevelError('VECTOR_OPTIONS_MISMATCH', `collection '${name}' is stored with ${option} ${stored[option]}, not ${String(value)}`)
    }
  }
}

export interface SearchSettings {
  k: number
  ef: number
  maxDistance: number
  exact: boolean
  metadata: boolean
  rerank: Rerank
  deadline: Deadline
  partial: boolean
  explain: boolean
}

export function checkSearchOptions(options: SearchOptions): SearchSettings {
  checkNames(options, SEARCH_OPTIONS)
  const { maxDistance, exact = false, metadata = true, partial = false, explain = false } = options
  if (maxDistance !== undefined && (typeof maxDistance !== 'number' || Number.isNaN(maxDistance))) {
    throw new TypeError(`maxDistance is a number, not ${String(maxDistance)}`)
  }
  return {
    k: options.k === undefined ? (maxDistance === undefined ? 10 : Infinity) : integer('k', options.k, 1, 2 ** 31),
    ef: integer('ef', options.ef ?? 64, 1, 2 ** 20),
    maxDistance: maxDistance ?? Infinity,
    exact: boolean('exact', exact),
    metadata: boolean('metadata', metadata),
    rerank: checkRerankOptions(options),
    deadline: checkDeadline('the search', options),
    partial: boolean('partial', partial),
    explain: boolean('explain', explain)
  }
}

export function checkRerankOptions({ oversample = USUAL_RERANK.oversample, recallTarget = USUAL_RERANK.recallTarget }: RerankOptions): Rerank {
  if (oversample !== 'auto') within('oversample', oversample, 1, MOST_OVERSAMPLE)
  return { oversample, recallTarget: within('recallTarget', recallTarget, LEAST_TARGET, 1) }
}

/** @throws {TypeError | RangeError} */
export function checkRecodeOptions(codec: CodecName, dimensions: number, options: RecodeOptions): { choice: CodecChoice, deadline: Deadline } {
  checkNames(options, ['codeBytes', ...DEADLINE_OPTIONS])
  oneOf('codec', codec, Object.keys(codecs) as CodecName[])
  const codeBytes = codeBytesOf(codec, { dimensions, ...(options.codeBytes !== undefined && { codeBytes: options.codeBytes }) })
  return { choice: { codec, ...(codeBytes !== undefined && { codeBytes }) }, deadline: checkDeadline('the recoding', options) }
}

/** @throws {VectorLevelError} VECTOR_OPTIONS_MISMATCH */
export function refuseCodesOfCodes(name: string, { codec, store }: CollectionOptions): void {
  if (store !== 'codes') return
  throw new VectorLevelError('VECTOR_OPTIONS_MISMATCH',
    `collection '${name}' is stored with store 'codes': its ${codec ?? 'sq8'} codes are all that is left of the vectors, and codes made of codes would lose once more`)
}

export function checkWriteOptions(options: WriteOptions): Deadline {
  checkNames(options, DEADLINE_OPTIONS)
  return checkDeadline('the write', options)
}

export function checkNames(options: object, known: string[]): void {
  if (typeof options !== 'object' || options === null) throw new TypeError(`options are an object, not ${String(options)}`)
  for (const name of Object.keys(options)) {
    if (!known.includes(name)) throw new TypeError(`there is no option '${name}'; there are ${known.join(', ')}`)
  }
}

export function integer(name: string, value: number, least: number, most: number): number {
  if (typeof value !== 'number') throw new TypeError(`${name} is a number, not ${String(value)}`)
  if (!Number.isInteger(value) || value < least || value > most) throw new RangeError(`${name} is an integer from ${least} to ${most}, not ${value}`)
  return value
}

function within(name: string, value: number, least: number, most: number): number {
  if (typeof value !== 'number') throw new TypeError(`${name} is a number, not ${String(value)}`)
  if (!(value >= least && value <= most)) throw new RangeError(`${name} is from ${least} to ${most}, not ${value}`)
  return value
}

function positive(name: string, value: number): number {
  if (typeof value !== 'number') throw new TypeError(`${name} is a number, not ${String(value)}`)
  if (!(value > 0)) throw new RangeError(`${name} is above 0, not ${value}`)
  return value
}

export function boolean(name: string, value: boolean): boolean {
  if (typeof value !== 'boolean') throw new TypeError(`${name} is true or false, not ${String(value)}`)
  return value
}

function oneOf<T extends string>(name: string, value: T, choices: T[]): T {
  if (!choices.includes(value)) throw new TypeError(`${name} is one of ${choices.join(', ')}, not ${String(value)}`)
  return value
}
