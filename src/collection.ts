import { type CodecName, withChoice } from '../codecs/codec.js'
import { VectorLevelError } from '../floor/errors.js'
import type { GraphOptions } from '../index/graph.js'
import { recordKey, userPart } from '../storage/keys.js'
import { decodeOrdinal, type TaggedOrdinal } from '../storage/ordinal-format.js'
import { type Deadline, NEVER } from './deadline.js'
import type { Engine, OpenCollection, StoredRecord } from './engine.js'
import { find, findHere } from './find.js'
import { type Hits, hitsOf, NOTHING, NOTHING_YET } from './hits.js'
import { checkDirection, checkVector, decodeMetadata, encodeKey, encodeMetadata } from './input.js'
import {
  checkAgainstStored, checkNames, checkRecodeOptions, checkSearchOptions, checkWriteOptions, type CollectionOptions, type RecodeOptions, refuseCodesOfCodes,
  type SearchOptions, type SearchSettings, withDefaults, type WriteOptions
} from './options.js'
import { questions } from './questions.js'
import { checkRange, type RangeOptions, storedRange } from './range.js'
import { checkRecallOptions, measureRecall, type RecallOptions, type RecallReport } from './recall.js'
import { checkStatsOptions, type CollectionStats, collectionStats, type StatsOptions } from './stats.js'
import type { Session } from './session.js'
import { StoredCodes } from './stored-codes.js'
import type { KeyOperation } from './write-operation.js'

export type Vector = Float32Array | number[]

export interface VectorRecord<M> {
  vector: Float32Array
  metadata: M
  /** Present where the vector is no longer stored, and this is what its code stands for; of metric 'cosine' one of about unit length. */
  approximate?: true
}

export type BatchOperation<M> =
  | { type: 'put', key: string, vector: Vector, metadata?: M }
  | { type: 'updateMetadata', key: string, metadata: M | undefined }
  | { type: 'del', key: string }

/** What a collection needs of its database. */
interface Host {
  /** Runs at once when the database is open, else when it is, in the order of the calls; the deadline counts until then. */
  whenOpen<T>(run: (session: Session) => T | Promise<T>, deadline: Deadline): Promise<T>
  sessionNow(): Session
  written(operations: number): void
}

const PUT_NAMES = ['type', 'key', 'vector', 'metadata']
const UPDATE_NAMES = ['type', 'key', 'metadata']
/** Records read together by an iteration, and deleted together by clear. */
const CHUNK = 200
/** Searches that searchMany has under way. */
const ASKED_TOGETHER = 64

/** Vectors of one shape with keys and metadata. Get one from `VectorLevel.collection`. */
export class Collection<M = unknown> {
  readonly name: string
  #given: CollectionOptions
  /** Once it was met in the store: then its options are those. */
  #known: OpenCollection | undefined
  readonly #host: Host

  constructor(name: string, given: CollectionOptions, host: Host) {
    this.name = name
    this.#given = given
    this.#host = host
  }

  #session(): Promise<Session> {
    return this.#host.whenOpen(session => session, NEVER)
  }

  /** Runs `work` as soon as the database is open; its end is waited for when it is closed. */
  #during<T>(deadline: Deadline, work: (session: Session) => Promise<T>): Promise<T> {
    return this.#host.whenOpen(session => session.engine.underWay.run(() => work(session)), deadline)
  }

  /** The same for searches: one that may be partial, and is ended before the database is open, has `nothing`. */
  async #whenSearchable<T>({ deadline, partial }: SearchSettings, nothing: () => T, work: (session: Session) => Promise<T>): Promise<T> {
    try {
      return await this.#during(deadline, work)
    } catch (error) {
      if (partial && error instanceof VectorLevelError && error.code === 'VECTOR_ABORTED') return nothing()
      throw error
    }
  }

  get #options(): CollectionOptions {
    return this.#known?.options ?? this.#given
  }

  /** @throws {VectorLevelError} VECTOR_OPTIONS_MISMATCH */
  checkStored(stored: GraphOptions): void {
    checkAgainstStored(this.name, this.#options, stored)
  }

  /** @throws {VectorLevelError} VECTOR_OPTIONS_MISMATCH when the collection was declared otherwise before */
  checkGiven(given: CollectionOptions): void {
    for (const [option, value] of Object.entries(given) as [keyof CollectionOptions, unknown][]) {
      const declared = this.#options[option]
      if (declared === undefined || declared === value) continue
      throw new VectorLevelError('VECTOR_OPTIONS_MISMATCH', `collection '${this.name}' was declared with ${option} ${declared}, not ${String(value)}`)
    }
    this.#given = { ...given, ...this.#given }
  }

  /**
   * Stores a vector under a key, in place of what was there. Durable and found by searches when the promise resolves.
   *
   * @throws {VectorLevelError} VECTOR_INVALID_KEY, VECTOR_INVALID_VECTOR, VECTOR_OPTIONS_MISMATCH, VECTOR_IO_ERROR, VECTOR_POISONED,
   * VECTOR_ABORTED, VECTOR_BUSY
   */
  async put(key: string, vector: Vector, metadata?: M, options: WriteOptions = {}): Promise<void> {
    await this.batch([metadata === undefined ? { type: 'put', key, vector } : { type: 'put', key, vector, metadata }], options)
  }

  /** Deletes a key; no error when there is none. */
  async del(key: string, options: WriteOptions = {}): Promise<void> {
    await this.batch([{ type: 'del', key }], options)
  }

  /**
   * Replaces the metadata of a record; its vector stays, and nothing changes in the index. False when there is no such key. Errors as for put.
   *
   * Cost: reads and writes the record; when durability is relaxed, an fsync, too.
   */
  async updateMetadata(key: string, metadata: M | undefined, options: WriteOptions = {}): Promise<boolean> {
    return await this.#apply([{ type: 'updateMetadata', key, metadata }], checkWriteOptions(options)) > 0
  }

  /** Applies several operations in their order, all or none. Errors as for put. */
  async batch(operations: BatchOperation<M>[], options: WriteOptions = {}): Promise<void> {
    await this.#apply(operations, checkWriteOptions(options))
  }

  /** Returns how many operations had an effect. */
  async #apply(operations: BatchOperation<M>[], deadline: Deadline): Promise<number> {
    if (!Array.isArray(operations)) throw new TypeError(`a batch is an array of operations, not ${String(operations)}`)
    // Vectors are copied before the first await: they stay the caller's. All into one buffer, which costs less than one each.
    const { dimensions } = this.#options
    const vectors = new Float32Array(operations.reduce((count, operation) => operation?.type === 'put' ? count + 1 : count, 0) * dimensions)
    let taken = 0
    const checked = operations.map(operation => this.#check(operation, () => vectors.subarray(taken, taken += dimensions)))
    return await this.#host.whenOpen(session => this.#write(session, checked, deadline), deadline)
  }

  /** Hands operations to the writer at once, so that they keep the order of the calls. */
  async #write({ engine, writer }: Session, checked: Omit<KeyOperation, 'collection'>[], deadline: Deadline): Promise<number> {
    deadline.check()
    const known = this.#stored(engine)
    const { metric } = known?.options ?? withDefaults(this.#options)
    for (const { put } of checked) if (put) checkDirection(put.vector, metric)
    // A collection begins with its first record: what is not there need not be deleted.
    if (!known && !checked.some(({ put }) => put)) return 0
    const collection = known ?? engine.createCollection(this.name, withDefaults(this.#options))
    const effects = await writer.write(checked.map(operation => ({ collection, ...operation })), deadline)
    this.#host.written(checked.length)
    return effects
  }

  /** `room` gives a vector's place. */
  #check(operation: BatchOperation<M>, room: () => Float32Array): Omit<KeyOperation, 'collection'> {
    checkNames(operation, PUT_NAMES)
    const key = encodeKey(operation.key)
    if (operation.type === 'del') return { key }
    if (operation.type === 'updateMetadata') {
      checkNames(operation, UPDATE_NAMES)
      return { key, metadata: encodeMetadata(operation.metadata) }
    }
    if (operation.type !== 'put') throw new TypeError(`an operation is of type 'put', 'updateMetadata' or 'del', not ${String((operation as { type: unknown }).type)}`)
    return { key, put: { vector: checkVector(operation.vector, this.#options.dimensions, room()), metadata: encodeMetadata(operation.metadata) } }
  }

  /** The record of a key, undefined when there is none. */
  async get(key: string): Promise<VectorRecord<M> | undefined> {
    const bytes = encodeKey(key)
    const { engine } = await this.#session()
    const collection = this.#stored(engine)
    const record = collection && engine.recordOf(collection, bytes)
    return record && this.#decode(record, collection.graph)
  }

  /** The records of several keys, in their order, undefined where there is none. */
  async getMany(keys: string[]): Promise<(VectorRecord<M> | undefined)[]> {
    return await Promise.all(keys.map(key => this.get(key)))
  }

  async has(key: string): Promise<boolean> {
    const bytes = encodeKey(key)
    const { engine } = await this.#session()
    const collection = this.#stored(engine)
    return collection !== undefined && engine.ordinalOf(collection.id, bytes) !== undefined
  }

  /** Deletes the keys of a range, or all; some of them when it is ended early. */
  async clear(range: RangeOptions = {}, options: WriteOptions = {}): Promise<void> {
    const deadline = checkWriteOptions(options)
    deadline.check()
    let operations: BatchOperation<M>[] = []
    for await (const key of this.keys(range)) {
      operations.push({ type: 'del', key })
      if (operations.length < CHUNK * 10) continue
      await this.#apply(operations, deadline)
      operations = []
    }
    await this.#apply(operations, deadline)
  }

  /** Keys in their order, that of their bytes in UTF-8; what is written meanwhile is not seen. */
  async * keys(range: RangeOptions = {}): AsyncGenerator<string> {
    for await (const [key] of this.#entries(range, false)) yield key
  }

  async * values(range: RangeOptions = {}): AsyncGenerator<VectorRecord<M>> {
    for await (const [, record] of this.#entries(range, true)) yield record!
  }

  async * entries(range: RangeOptions = {}): AsyncGenerator<[string, VectorRecord<M>]> {
    for await (const [key, record] of this.#entries(range, true)) yield [key, record!]
  }

  async * #entries(range: RangeOptions, withRecords: boolean): AsyncGenerator<[string, VectorRecord<M> | undefined]> {
    checkRange(range)
    const { engine } = await this.#session()
    const collection = this.#stored(engine)
    if (!collection) return
    const { id } = collection
    const snapshot = engine.truth.snapshot()
    try {
      let codes: StoredCodes | undefined
      let chunk: { key: Buffer, named: TaggedOrdinal }[] = []
      const records = async (): Promise<[string, VectorRecord<M> | undefined][]> => {
        const stored = withRecords ? await snapshot.getMany(chunk.map(({ named }) => recordKey(id, named.ordinal))) : []
        return chunk.map(({ key, named }, i) => {
          if (!withRecords) return [key.toString(), undefined]
          const record = engine.readRecord(collection, named, key, stored[i])
          return [key.toString(), this.#decode(record, codes ??= new StoredCodes(engine, collection, snapshot))]
        })
      }
      for await (const [stored, value] of snapshot.entries(storedRange(id, range))) {
        const key = userPart(stored)
        chunk.push({ key, named: decodeOrdinal(engine.checksum, id, key, value) })
        if (chunk.length < CHUNK) continue
        yield* await records()
        chunk = []
        this.#host.sessionNow()
      }
      yield* await records()
    } finally {
      await snapshot.close()
    }
  }

  /**
   * The records nearest to a vector, nearest first: k of them whenever there are as many.
   *
   * @throws {VectorLevelError} VECTOR_INVALID_VECTOR, VECTOR_CORRUPTION, VECTOR_ABORTED, VECTOR_BUSY
   */
  async search(vector: Vector, options: SearchOptions = {}): Promise<Hits<M>> {
    const settings = checkSearchOptions(options)
    const query = this.#copyOf(vector)
    return await this.#whenSearchable(settings, () => hitsOf([], NOTHING_YET), ({ engine }) => this.#search(engine, query, settings))
  }

  /** search for several vectors; results in their order. A timeout is one for all. */
  async searchMany(vectors: Vector[], options: SearchOptions = {}): Promise<Hits<M>[]> {
    const settings = checkSearchOptions(options)
    const queries = vectors.map(vector => this.#copyOf(vector))
    return await this.#whenSearchable(settings, () => queries.map(() => hitsOf([], NOTHING_YET)), async ({ engine }) => {
      const results: Hits<M>[] = []
      let next = 0
      const ask = async (): Promise<void> => {
        try {
          for (let i = next++; i < queries.length; i = next++) results[i] = await engine.underWay.run(() => this.#search(engine, queries[i]!, settings))
        } catch (error) {
          // Nobody will ask for the others' results.
          next = queries.length
          throw error
        }
      }
      await Promise.all(Array.from({ length: ASKED_TOGETHER }, ask))
      return results
    })
  }

  /** The records nearest to that of a key, without itself; undefined when there is no such key. */
  async searchByKey(key: string, options: SearchOptions = {}): Promise<Hits<M> | undefined> {
    const settings = checkSearchOptions(options)
    const bytes = encodeKey(key)
    return await this.#whenSearchable<Hits<M> | undefined>(settings, () => hitsOf([], NOTHING_YET), async ({ engine }) => {
      const collection = this.#stored(engine)
      const record = collection && engine.recordOf(collection, bytes)
      if (!record) return undefined
      const hits = await this.#search(engine, record.vector ?? collection.graph.decode(record.ordinal), { ...settings, k: settings.k + 1 })
      return hitsOf(hits.filter(hit => hit.key !== key).slice(0, settings.k), hits)
    })
  }

  /**
   * search on the calling thread, without a promise. The database must be open.
   *
   * @throws {VectorLevelError} VECTOR_DATABASE_NOT_OPEN, and as for search
   */
  searchSync(vector: Vector, options: SearchOptions = {}): Hits<M> {
    const { engine } = this.#host.sessionNow()
    const query = checkVector(vector, this.#options.dimensions)
    const settings = checkSearchOptions(options)
    if (settings.partial && settings.deadline.hasPassed) return hitsOf<M>([], NOTHING_YET)
    settings.deadline.check()
    const collection = this.#searched(engine, query)
    if (!collection) return hitsOf<M>([], NOTHING)
    const steps = questions<M>(collection.graph, query, settings)
    let step = steps.next()
    while (!step.done) step = steps.next(findHere(collection.graph, step.value))
    return step.value
  }

  /** A query, checked: while it waits its owner may go on with it. */
  #copyOf(vector: Vector): Float32Array {
    return checkVector(vector, this.#options.dimensions, new Float32Array(this.#options.dimensions))
  }

  async #search(engine: Engine, query: Float32Array, settings: SearchSettings): Promise<Hits<M>> {
    const collection = this.#searched(engine, query)
    if (!collection) {
      settings.deadline.check()
      return hitsOf<M>([], NOTHING)
    }
    const steps = questions<M>(collection.graph, query, settings)
    let step = steps.next()
    while (!step.done) step = await find(engine, collection.graph, step.value, nearest => steps.next(nearest))
    return step.value
  }

  /** The collection, undefined when nothing is stored in it. */
  #searched(engine: Engine, query: Float32Array): OpenCollection | undefined {
    const collection = this.#stored(engine)
    checkDirection(query, collection?.options.metric ?? withDefaults(this.#options).metric)
    return collection
  }

  /**
   * Has vectors held by another codec from now on, or by codes of other bytes: makes their codes while writes and searches go on with those that are there, and
   * resolves when the new ones are in use, and in a checkpoint. Where vectors are fewer than the codec is trained on, search is exact until they are not.
   *
   * signal and timeout end the waiting. What is still waiting to be written to the log then is taken back; else the codes are made all the same, as after a
   * crash, or when the database is closed meanwhile and opened again. `stats()` tell how far it is. A second call waits for the first.
   *
   * @throws {TypeError | RangeError} for a codec that there is not, or that has no codes of so many bytes
   * @throws {VectorLevelError} VECTOR_OPTIONS_MISMATCH where codes are kept in place of vectors, VECTOR_FULL when there is no room in cacheSize for its
   * codebooks, VECTOR_ABORTED, VECTOR_DATABASE_NOT_OPEN, VECTOR_BUSY, VECTOR_IO_ERROR, VECTOR_POISONED
   */
  async recode(codec: CodecName, options: RecodeOptions = {}): Promise<void> {
    const { choice, deadline } = checkRecodeOptions(codec, this.#options.dimensions, options)
    await this.#during(deadline, async ({ engine, writer }) => {
      deadline.check()
      const collection = this.#stored(engine)
      refuseCodesOfCodes(this.name, collection?.options ?? this.#given)
      if (collection) await writer.recode(collection, choice, deadline)
      else this.#given = withChoice(withDefaults(this.#given), choice)
    })
  }

  /** Recall of search against exact search, for vectors of the collection itself. */
  async measureRecall(options: RecallOptions = {}): Promise<RecallReport> {
    const settings = checkRecallOptions(options)
    return await this.#during(settings.deadline, ({ engine }) => measureRecall(engine, this.#stored(engine), settings))
  }

  /** What the collection holds, and how well its graph can be searched. @throws {VectorLevelError} VECTOR_ABORTED */
  async stats(options: StatsOptions = {}): Promise<CollectionStats> {
    const settings = checkStatsOptions(options)
    return await this.#during(settings.deadline, session => collectionStats(session, this.name, withDefaults(this.#options), this.#stored(session.engine), settings))
  }

  #stored(engine: Engine): OpenCollection | undefined {
    const collection = engine.collections.get(this.name)
    if (collection && this.#known !== collection) {
      this.checkStored(collection.options)
      this.#known = collection
    }
    return collection
  }

  #decode({ ordinal, vector, metadata }: StoredRecord, codes: { decode(ordinal: number): Float32Array }): VectorRecord<M> {
    const record = { vector: vector ?? codes.decode(ordinal), metadata: decodeMetadata(metadata) as M }
    return vector ? record : { ...record, approximate: true }
  }
}
