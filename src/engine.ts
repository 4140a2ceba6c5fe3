import { rm } from 'node:fs/promises'
import { Packr } from 'msgpackr'
import type { Codebook } from '../codecs/codec.js'
import { unlessDamaged, VectorLevelError } from '../floor/errors.js'
import { Turns } from '../floor/turns.js'
import { type CodeKind, isCodeKind } from '../index/codes.js'
import { Graph, type GraphOptions, type GraphState, type GraphStorage, type Kind, KINDS } from '../index/graph.js'
import { blocksAt, chooseBuild, loadKernel, type Kernel, type KernelBuild, type KernelCallbacks } from '../index/kernel.js'
import { Scratch } from '../index/scratch.js'
import { Threads } from '../index/threads/threads.js'
import { Arena } from '../storage/arena.js'
import { BlockCache } from '../storage/block-cache.js'
import { KIND_BASE, KIND_CODES, KIND_RECODES, KIND_STATES, KIND_UPPER, placeOf } from '../storage/block-format.js'
import type { BlockStore } from '../storage/block-store.js'
import { BlockReaders } from '../storage/block-readers.js'
import { BlockWriter } from '../storage/block-writer.js'
import { Checksum } from '../storage/checksum.js'
import { BLOCK_HEADER } from '../storage/kernel/layout.js'
import { KeyFilter } from '../storage/key-filter.js'
import { COLLECTION_RANGE, collectionKey, recordKey, userKey } from '../storage/keys.js'
import { decodeOrdinal, type TaggedOrdinal, tagOf } from '../storage/ordinal-format.js'
import type { ReadAhead } from '../storage/read-ahead.js'
import { decodeRecord, openRecord } from '../storage/record-format.js'
import { seal, unseal } from '../storage/sealed.js'
import { PAGE_SLACK, type Space } from '../storage/space.js'
import { dataDirectory, forgetGeneration, generationDirectory, readIdentity, type StoreIdentity, storeTag, writeIdentity } from '../storage/store-file.js'
import type { Truth } from '../storage/truth.js'
import { VectorPacker } from '../storage/vector-packer.js'
import { readCodeBlock, readKeptCodes } from './kept-codes.js'
import type { DatabaseSettings } from './options.js'
import { Seats } from './seats.js'
import { UnderWay } from './under-way.js'
import { Writings } from './writings.js'

const KIND_NUMBERS = { codes: KIND_CODES, base: KIND_BASE, upper: KIND_UPPER, states: KIND_STATES, recodes: KIND_RECODES }
/** So many times more memory there is than searches under way may take. */
const SEATS_SHARE = 16
/** So many times more memory there is than the filter of a collection's keys takes; what it takes at most; and how many collections get one. */
const FILTER_SHARE = 512
const MOST_FILTER_BYTES = 2 ** 20
const MOST_FILTERS = 8
/** Where an index is larger than this share of the cache, batches are lined up: before, that costs more time than it saves. */
const OUTGROWN_SHARE = 1 / 4
/** Threads that read blocks beside the calling one, at most: it takes a share itself. */
const MOST_READERS = 2
const COLLECTION_SEED = 0x636f6c6c656374n
const KERNEL_MODULE = new URL('../index/kernel.js', import.meta.url).href
const packr = new Packr({ useRecords: false })

/** A collection of an open database. */
export interface OpenCollection {
  readonly id: number
  readonly name: string
  /** With the codec that it has, or is to have when its codes are all made. */
  options: GraphOptions
  readonly graph: Graph
  /** Whether its description is on disk. */
  stored: boolean
  /** The keys of a collection that began since the database was opened: loading it, most of them need not be looked for. */
  keys?: KeyFilter | undefined
  /** Of codes that are in the truth: their codebook, as far as it is known to be there, and how often their blocks were written. */
  keptCodebook?: Codebook
  readonly writings: Writings
}

/** A record as it was given; without its vector where its code is all that is left of that. */
export interface StoredRecord {
  ordinal: number
  vector: Float32Array | undefined
  metadata: Uint8Array
}

/** A space of a collection's graph. */
export interface SpaceOf {
  collection: OpenCollection
  kind: Kind
}

/** Whether the blocks of a kind are in the truth: of codes that are all that is kept of their vectors. Else they are in the index. */
export function isInTruth({ options }: OpenCollection, kind: Kind): kind is CodeKind {
  return options.store === 'codes' && isCodeKind(kind)
}

/** The key in the index of a block. */
export function indexPlaceOf({ id }: OpenCollection, kind: Kind, block: number): number {
  return placeOf(id, KIND_NUMBERS[kind], block)
}

/** Whether a store certainly names these data as its current ones. */
function isCurrent(directory: string, data: number): boolean {
  try {
    return readIdentity(directory)?.data === data
  } catch {
    return false
  }
}

/** Threads that read blocks beside the calling one, where an index is larger than the cache. */
export function readersOf({ workers }: Pick<DatabaseSettings, 'workers'>): number {
  return Math.min(workers, MOST_READERS)
}

/** Where the log ends, and its hash there. */
export interface LogPosition {
  sequence: number
  hash: bigint
}

/** The parts of an open database, and how they reach each other. What is done with them stands in the files beside. */
export class Engine {
  readonly directory: string
  readonly settings: DatabaseSettings
  identity: StoreIdentity
  readonly storeTag: bigint
  truth: Truth
  readonly arena: Arena
  readonly cache: BlockCache
  readonly kernel: Kernel
  /** Of what the truth holds; and of what says itself to which store it belongs. */
  readonly checksum: Checksum
  readonly plainChecksum: Checksum
  readonly packer: VectorPacker
  readonly threads: Threads
  readonly underWay: UnderWay
  readonly seats: Seats
  readonly collections = new Map<string, OpenCollection>()
  /** The current generation of the index. */
  blocks: BlockStore | undefined
  blockWriter: BlockWriter | undefined
  /** Undefined when the index is closed. */
  readers: BlockReaders | undefined
  readAhead: ReadAhead | undefined
  generation = 0
  /** The last operation that the log holds, that the checkpoint holds, and up to which the log is cut off. */
  head: LogPosition = { sequence: 0, hash: 0n }
  watermark: LogPosition = { sequence: 0, hash: 0n }
  trimmed: LogPosition = { sequence: 0, hash: 0n }
  /** Hears of worker threads that ended; they are replaced. */
  onWorkerLost: (error: Error) => void = () => undefined
  /** Hears how much of a codebook of a collection is trained, from 0 to 1. */
  onTraining: (collection: string, share: number) => void = () => undefined
  /** Set when a block of the index is damaged: the next opening builds a new generation. */
  damage: VectorLevelError | undefined
  /** Earlier truths that are still read. */
  readonly #retired = new Map<Truth, Promise<void>>()
  readonly #byId = new Map<number, OpenCollection>()
  /** Of the calling thread, and of those that work for it. */
  readonly #scratches: [Scratch, ...Scratch[]]
  readonly #recordSpaces = new Map<number, Graph>()
  readonly #spaces = new Map<Space, SpaceOf>()
  #filters = 0
  readonly #kernelSource: { module: string, build: KernelBuild }
  /** Of those that write records of the truth anew. */
  readonly rewrites = new Turns()

  constructor(directory: string, settings: DatabaseSettings, identity: StoreIdentity, truth: Truth) {
    this.directory = directory
    this.settings = settings
    this.identity = identity
    this.truth = truth
    this.storeTag = storeTag(identity)
    this.underWay = new UnderWay(directory)
    this.seats = new Seats(settings.cacheSize / SEATS_SHARE)
    this.arena = new Arena(settings.cacheSize)
    this.cache = new BlockCache(this.arena, settings.workers + 1)
    const build = chooseBuild(settings.kernel)
    this.#kernelSource = { module: KERNEL_MODULE, build }
    const serve: KernelCallbacks = {
      // The kernel's numbers arrive signed.
      fault: (spaceId, block) => this.cache.fault(spaceId >>> 0, block >>> 0),
      faultAll: (spaceId, blocks, count) => this.cache.faultAll(spaceId >>> 0, blocksAt(this.arena.memory, blocks, count)),
      loadRecords: (spaceId, ordinals, count) => this.#recordSpaces.get(spaceId >>> 0)!.records.loadAll(ordinals >>> 0, count >>> 0)
    }
    this.kernel = loadKernel(build, this.arena.memory, serve)
    this.#scratches = [new Scratch(this.arena)]
    this.threads = new Threads({
      arena: this.arena, build, workers: settings.workers, serve,
      scratches: count => {
        for (let i = 0; i < count; i++) this.#scratches.push(new Scratch(this.arena))
        return this.#scratches.slice(1).map(({ ptr }) => ptr)
      },
      onWorkerLost: error => this.onWorkerLost(error)
    })
    this.cache.park = work => this.threads.park(work)
    this.checksum = new Checksum(this.kernel, this.arena, this.storeTag)
    this.plainChecksum = new Checksum(this.kernel, this.arena)
    this.packer = new VectorPacker(this.kernel, this.arena)
  }

  /** Whether so many frames hold changes that they must be written before much else is read, or changed. */
  get cacheIsDirty(): boolean {
    let expected = 0
    for (const { graph } of this.collections.values()) expected = Math.max(expected, graph.expectedBytes)
    return this.cache.isCrowded(expected)
  }

  /** Whether the index is so large beside the cache that batches are to be lined up. */
  get outgrowsCache(): boolean {
    return this.#indexBytes > this.settings.cacheSize * OUTGROWN_SHARE
  }

  /** Bytes of codes and neighbors on level 0, about. */
  get #indexBytes(): number {
    let bytes = 0
    for (const { graph: { ordinals, rowBytes } } of this.collections.values()) bytes += ordinals * (rowBytes.codes + rowBytes.base)
    return bytes
  }

  /** Where records and index are. */
  get data(): string {
    return dataDirectory(this.directory, this.identity.data)
  }

  /** Goes on with a generation of the index. */
  useGeneration(generation: number, blocks: BlockStore): void {
    this.generation = generation
    this.blocks = blocks
    const directory = generationDirectory(this.data, generation)
    this.blockWriter = new BlockWriter(this.arena, blocks, directory)
    this.readers = new BlockReaders({
      directory, memory: this.arena.memory, storeTag: this.storeTag, kernel: this.#kernelSource, count: readersOf(this.settings),
      isWorthIt: () => this.#indexBytes > this.settings.cacheSize
    })
  }

  /**
   * Goes on with the next data, complete and on stable storage in their directory, in which each graph has the state given. The present
   * ones are removed as soon as nobody reads them.
   */
  changeOver(truth: Truth, blocks: BlockStore, states: Map<OpenCollection, GraphState>): void {
    const old = { data: this.data, truth: this.truth, blocks: this.blocks!, blockWriter: this.blockWriter!, readers: this.readers! }
    const identity = { ...this.identity, data: this.identity.data + 1 }
    try {
      writeIdentity(this.directory, identity)
    } catch (error) {
      // Which of the two is current after a power cut is not known: what is written from now on might be lost.
      if (!isCurrent(this.directory, this.identity.data)) this.damage = error as VectorLevelError
      throw error
    }
    // IMPORTANT: not before searches that are under way have ended: they ask for blocks and records by the old numbers.
    this.threads.stop(() => {
      this.identity = identity
      this.truth = truth
      this.useGeneration(1, blocks)
      for (const [{ graph }, state] of states) graph.restart(state)
    })
    this.#retired.set(old.truth, (async () => {
      await this.readAhead?.close()
      await old.readers.close()
      await old.blockWriter.close()
      await old.blocks.close()
      await old.truth.retire()
      await rm(old.data, { recursive: true, force: true })
      this.#retired.delete(old.truth)
    })().catch(() => undefined))
  }

  async closeIndex(): Promise<void> {
    const { blockWriter, blocks, readers } = this
    this.blockWriter = undefined
    this.readers = undefined
    this.blocks = undefined
    await this.readAhead?.close()
    await readers?.close()
    await blockWriter?.close()
    await blocks?.close()
  }

  async close(): Promise<void> {
    await this.threads.close()
    await this.closeIndex()
    // IMPORTANT: nothing is removed after the directory was given back: who has it next may have data of that number.
    for (const [truth, removed] of this.#retired) {
      await truth.close()
      await removed
    }
    await this.truth.close()
  }

  /** What a space is of. */
  spaceOf(space: Space): SpaceOf {
    return this.#spaces.get(space)!
  }

  get storedCollections(): OpenCollection[] {
    return [...this.collections.values()].filter(({ stored }) => stored)
  }

  collectionById(id: number): OpenCollection {
    const collection = this.#byId.get(id)
    if (!collection) throw new VectorLevelError('VECTOR_CORRUPTION', `the log names collection ${id}, of which the store knows nothing`)
    return collection
  }

  /**
   * Reads the stored collections and sets up their graphs, still empty.
   *
   * @throws {VectorLevelError} VECTOR_CORRUPTION when a description is damaged, unless `passOver` is called for it
   */
  async loadCollections(passOver?: (error: VectorLevelError) => void): Promise<void> {
    for await (const [key, value] of this.truth.entries(COLLECTION_RANGE)) {
      const name = key.toString('utf8', 1)
      try {
        const { id, ...options } = packr.unpack(unseal(this.checksum, COLLECTION_SEED, value, `the description of collection '${name}'`)) as
          GraphOptions & { id: number }
        this.addStored(id, name, options)
      } catch (error) {
        if (!passOver || !(error instanceof VectorLevelError)) throw error
        passOver(error)
      }
    }
  }

  /** Sets up the graph of a stored collection, still empty. */
  addStored(id: number, name: string, options: GraphOptions): OpenCollection {
    return this.#add(id, name, options, true)
  }

  /** Sets up a new collection; the commit that first writes to it stores its description as well. */
  createCollection(name: string, options: GraphOptions): OpenCollection {
    const collection = this.#add(Math.max(0, ...this.#byId.keys()) + 1, name, options, false)
    collection.keys = this.#keyFilter()
    return collection
  }

  /** For a collection that has no keys yet; undefined where there are enough, or is no room for one. */
  #keyFilter(): KeyFilter | undefined {
    if (this.#filters === MOST_FILTERS) return undefined
    this.#filters++
    try {
      return new KeyFilter(this.arena, Math.min(MOST_FILTER_BYTES, 2 ** Math.floor(Math.log2(this.settings.cacheSize / FILTER_SHARE))))
    } catch (error) {
      if (error instanceof VectorLevelError && error.code === 'VECTOR_FULL') return undefined
      throw error
    }
  }

  /** The entry that describes a collection; the commit that first writes to it stores it. */
  descriptionOf({ id, name, options }: Pick<OpenCollection, 'id' | 'name' | 'options'>): [key: Buffer, value: Buffer] {
    return [collectionKey(name), seal(this.checksum, COLLECTION_SEED, packr.pack({ id, ...options }))]
  }

  #add(id: number, name: string, options: GraphOptions, stored: boolean): OpenCollection {
    const dimensions = options.dimensions
    const storage: GraphStorage = {
      load: (kind, block, frame, frameBytes) => {
        if (isInTruth(collection, kind)) this.#loadCodes(collection, kind, block, frame)
        else this.#loadBlock(indexPlaceOf(collection, kind, block), frame, frameBytes - PAGE_SLACK)
      },
      loadAll: (kind, blocks, frames, count, frameBytes) => {
        if (isInTruth(collection, kind)) for (let i = 0; i < count; i++) this.#loadCodes(collection, kind, blocks[i]!, frames[i]!)
        else this.#loadBlocks(indexPlaceOf(collection, kind, 0), blocks, frames, count, frameBytes - PAGE_SLACK)
      },
      records: {
        read: (ordinal, vector) => {
          const record = this.truth.get(recordKey(id, ordinal))
          if (!record) throw new VectorLevelError('VECTOR_CORRUPTION', `the record of ordinal ${ordinal} in collection '${name}' is missing`)
          return openRecord(this.checksum, id, ordinal, record, at => this.packer.unpack(record, at, dimensions, vector))
        }
      }
    }
    this.packer.reserve(dimensions)
    const graph = new Graph(this.arena, this.cache, this.kernel, this.#scratches, storage, options, this.threads)
    this.#recordSpaces.set(graph.records.space.id, graph)
    const collection: OpenCollection = { id, name, options, graph, stored, writings: new Writings() }
    // What is damaged here is told of by who needs it.
    const kept = unlessDamaged(() => readKeptCodes(this, collection, this.truth))
    if (kept) collection.writings.restore(kept.version, kept.writings)
    for (const kind of KINDS) this.#spaces.set(graph[kind], { collection, kind })
    this.collections.set(name, collection)
    this.#byId.set(id, collection)
    return collection
  }

  #loadCodes(collection: OpenCollection, kind: CodeKind, block: number, frame: number): void {
    const { id, graph } = collection
    const { rows } = readCodeBlock(this, collection, { collection: id, version: graph.versionOf(kind), block }, this.truth)
    this.arena.bytes.set(rows, frame + BLOCK_HEADER)
  }

  /** Places of blocks of a kind follow each other, from `first` on. */
  #loadBlocks(first: number, blocks: Uint32Array, frames: Uint32Array, count: number, byteLength: number): void {
    const load = (block: number, frame: number): void => this.#loadBlock(first + block, frame, byteLength)
    if (this.readers) this.readers.read({ first, blocks, frames, count, byteLength }, load)
    else for (let i = 0; i < count; i++) load(blocks[i]!, frames[i]!)
  }

  #loadBlock(place: number, frame: number, byteLength: number): void {
    if (!this.blocks) throw new VectorLevelError('VECTOR_DATABASE_NOT_OPEN', `${this.directory} was closed while it was read`)
    const found = this.blocks.read(place, this.arena.bytes, frame, byteLength)
    if (found && this.kernel.isSealed(frame, byteLength, place, this.storeTag)) return
    throw this.discardIndex(new VectorLevelError('VECTOR_CORRUPTION',
      `block ${place} of index generation ${this.generation} ${found ? 'fails its checksum' : 'is missing'}; the next opening builds the index anew from the records`))
  }

  /** Gives a damaged index up: the next opening builds it anew. */
  discardIndex(damage: VectorLevelError): VectorLevelError {
    this.damage = damage
    forgetGeneration(this.data)
    return damage
  }

  /** The ordinal of a key, undefined when there is none. */
  ordinalOf(collection: number, key: Uint8Array): number | undefined {
    return this.ordinalStored(collection, key, userKey(collection, key))
  }

  /** The same, where the key is at hand as it is stored. */
  ordinalStored(collection: number, key: Uint8Array, stored: Buffer): number | undefined {
    const value = this.truth.get(stored)
    return value && decodeOrdinal(this.checksum, collection, key, value).ordinal
  }

  /**
   * The record of a key, undefined when there is none.
   *
   * @throws {VectorLevelError} VECTOR_CORRUPTION when the key or the record is damaged, or they do not belong together
   */
  recordOf(collection: OpenCollection, key: Uint8Array): StoredRecord | undefined {
    const stored = userKey(collection.id, key)
    const read = (value: Buffer): StoredRecord => {
      const named = decodeOrdinal(this.checksum, collection.id, key, value)
      return this.readRecord(collection, named, key, this.truth.get(recordKey(collection.id, named.ordinal)))
    }
    const value = this.truth.get(stored)
    try {
      return value && read(value)
    } catch (error) {
      // The commit that is under way may have come between the two reads; another cannot before others have their turn.
      const now = this.truth.get(stored)
      if (now?.equals(value!)) throw error
      return now && read(now)
    }
  }

  /** @throws {VectorLevelError} VECTOR_CORRUPTION when the record is missing, damaged, another key's, or not the one that the key means */
  readRecord({ id, name, options }: OpenCollection, { ordinal, tag }: TaggedOrdinal, key: Uint8Array, stored: Buffer | undefined): StoredRecord {
    if (!stored) throw new VectorLevelError('VECTOR_CORRUPTION', `the record of key '${Buffer.from(key).toString()}' (ordinal ${ordinal}) in collection '${name}' is missing`)
    const bits = new Uint32Array(options.dimensions)
    const tail = decodeRecord(this.checksum, id, ordinal, stored, options.dimensions, bits, 0)
    if (!tail.key.every((byte, i) => byte === key[i]) || tail.key.length !== key.length) {
      throw new VectorLevelError('VECTOR_CORRUPTION',
        `key '${Buffer.from(key).toString()}' of collection '${name}' leads to ordinal ${ordinal}, the record of '${Buffer.from(tail.key).toString()}'`)
    }
    if (tagOf(tail.sequence) !== tag) {
      throw new VectorLevelError('VECTOR_CORRUPTION',
        `only an older record of key '${Buffer.from(key).toString()}' in collection '${name}' is left (ordinal ${ordinal}, sequence ${tail.sequence})`)
    }
    return { ordinal, vector: tail.coded ? undefined : new Float32Array(bits.buffer), metadata: tail.metadata }
  }
}
