import { codecs, withChoice } from '../codecs/codec.js'
import { byAndBy, SLICE_MS, type Slices } from '../floor/slices.js'
import type { GraphOptions } from '../index/graph.js'
import { logKey, recordKey, userKey } from '../storage/keys.js'
import { encodeLogEntry, type LogOperation, NONE } from '../storage/log-format.js'
import { encodeOrdinal, tagOf } from '../storage/ordinal-format.js'
import { decodeRecord, encodeRecord } from '../storage/record-format.js'
import type { TruthBatch } from '../storage/truth.js'
import type { Engine, OpenCollection } from './engine.js'
import { withLocalPuts } from './local-puts.js'
import type { CodecOperation, KeyOperation, NewContent, WriteOperation } from './write-operation.js'

export interface NewRecord {
  collection: OpenCollection
  ordinal: number
  key: Buffer
  put: NewContent
}

/** A record that is written anew under its ordinal, with other metadata. */
export interface RewrittenRecord {
  collection: OpenCollection
  ordinal: number
  key: Buffer
  metadata: Uint8Array
  /** When it is put by the same group, its vector; else that stays what it is. */
  vector: Float32Array | undefined
  /** Metadata that others see until the group is visible; undefined when its record is of the same group. */
  before: Uint8Array | undefined
}

/** What becomes of a key: the ordinal of its record, or NONE when it is deleted; and the vector that was put, if one was. */
interface NewKey {
  collection: OpenCollection
  key: Buffer
  /** As it is stored. */
  stored: Buffer
  ordinal: number
  vector: Float32Array | undefined
}

/** What operations come to. */
class Draft {
  readonly operations: LogOperation[] = []
  readonly records: NewRecord[] = []
  readonly rewritten: RewrittenRecord[] = []
  readonly keys = new Map<string, NewKey>()
  /** What collections are to be like from now on. */
  readonly described = new Map<OpenCollection, GraphOptions>()
  /** Puts of each collection. */
  readonly puts = new Map<OpenCollection, number>()

  add({ operations, records, rewritten, keys, described, puts }: Draft): void {
    for (const operation of operations) this.operations.push(operation)
    for (const record of records) this.records.push(record)
    for (const record of rewritten) this.rewritten.push(record)
    for (const [name, key] of keys) this.keys.set(name, key)
    for (const [collection, options] of described) this.described.set(collection, options)
    for (const [collection, count] of puts) this.puts.set(collection, this.putsOf(collection) + count)
  }

  putsOf(collection: OpenCollection): number {
    return this.puts.get(collection) ?? 0
  }
}

/** Operations that become durable together, in one entry of the log and one batch of the store. */
export class Group {
  readonly #engine: Engine
  readonly #all = new Draft()

  constructor(engine: Engine) {
    this.#engine = engine
    for (const { graph } of engine.collections.values()) graph.settleFree()
  }

  get operations(): LogOperation[] {
    return this.#all.operations
  }

  get records(): NewRecord[] {
    return this.#all.records
  }

  get rewritten(): RewrittenRecord[] {
    return this.#all.rewritten
  }

  /** Whether codecs change, for which graphs must be at rest. */
  get changesCodecs(): boolean {
    return this.operations.some(({ recode }) => recode)
  }

  /** Operations that have an effect. */
  get count(): number {
    return this.operations.length
  }

  /**
   * Adds operations, all or none: gives puts their ordinals, and finds what is replaced. Returns how many have an effect.
   *
   * @throws {VectorLevelError} VECTOR_FULL, VECTOR_CORRUPTION, VECTOR_IO_ERROR; nothing was added then
   */
  *add(operations: WriteOperation[]): Slices<number> {
    const draft = new Draft()
    const arranged = this.#engine.outgrowsCache ? yield* withLocalPuts(operations) : operations
    for (const operation of arranged) {
      yield
      this.#take(operation, draft)
    }
    this.#all.add(draft)
    return draft.operations.length
  }

  #take(operation: WriteOperation, draft: Draft): void {
    if ('key' in operation) this.#takeKey(operation, draft)
    else this.#takeCodec(operation, draft)
  }

  #takeCodec(operation: CodecOperation, draft: Draft): void {
    const { collection } = operation
    const entry = { collection: collection.id, ordinal: NONE, previous: NONE }
    if ('recoded' in operation) {
      draft.operations.push({ ...entry, recoded: true })
      return
    }
    const { codec, codeBytes = 0 } = operation.recode
    draft.operations.push({ ...entry, recode: { codec: codecs[codec].scorer, codeBytes } })
    draft.described.set(collection, withChoice(collection.options, operation.recode))
  }

  #takeKey({ collection, key, put, metadata }: KeyOperation, draft: Draft): void {
    const stored = userKey(collection.id, key)
    const name = stored.toString('latin1')
    const present = draft.keys.get(name) ?? this.#all.keys.get(name)
    if (metadata) {
      const record = this.#rewrite(collection, key, metadata, present)
      if (!record) return
      draft.rewritten.push(record)
      draft.keys.set(name, { collection, key, stored, ordinal: record.ordinal, vector: record.vector })
      draft.operations.push({ collection: collection.id, ordinal: record.ordinal, previous: NONE, rewrite: true })
      return
    }
    const isKnown = put ? collection.keys?.add(key) : collection.keys?.mayHave(key)
    const previous = present?.ordinal ?? (isKnown === false ? undefined : this.#engine.ordinalStored(collection.id, key, stored)) ?? NONE
    if (!put && previous === NONE) return
    const ordinal = put ? this.#ordinalFor(collection, draft) : NONE
    if (put) draft.records.push({ collection, ordinal, key, put })
    draft.keys.set(name, { collection, key, stored, ordinal, vector: put?.vector })
    draft.operations.push({ collection: collection.id, ordinal, previous })
  }

  /** Gives out the ordinal of another record. */
  #ordinalFor(collection: OpenCollection, draft: Draft): number {
    const puts = draft.putsOf(collection)
    const ordinal = collection.graph.ordinalFor(this.#all.putsOf(collection) + puts)
    collection.graph.checkRoom(ordinal)
    draft.puts.set(collection, puts + 1)
    return ordinal
  }

  /** The record of a key with other metadata, undefined when there is none. */
  #rewrite(collection: OpenCollection, key: Buffer, metadata: Uint8Array, present: NewKey | undefined): RewrittenRecord | undefined {
    if (present) return present.ordinal === NONE ? undefined : { collection, ordinal: present.ordinal, key, metadata, vector: present.vector, before: undefined }
    const stored = this.#engine.recordOf(collection, key)
    return stored && { collection, ordinal: stored.ordinal, key, metadata, vector: undefined, before: stored.metadata }
  }

  /**
   * Writes the group behind the head of the log; returns the hash of its entry, and its bytes.
   *
   * @throws {VectorLevelError} VECTOR_IO_ERROR, VECTOR_POISONED
   */
  async write(): Promise<{ hash: bigint, byteLength: number }> {
    const { checksum, head, truth, settings } = this.#engine
    const sequence = head.sequence + 1
    const created = new Set(this.records.map(({ collection }) => collection).filter(({ stored }) => !stored))
    const { described } = this.#all
    // A description that is on stable storage must not be so without its operation, nor that behind a gap.
    const synced = settings.durability === 'strict' || described.size > 0
    const { bytes, hash } = encodeLogEntry(checksum, head.hash, sequence, this.operations, synced)
    // IMPORTANT: what is taken back behind a gap in the log (log-gap.ts) needs the records of before the gap, and a rewrite leaves none. So all that
    // may be missing after a power cut is put on stable storage first: no commit before a rewrite is missing then, and no rewrite lies behind a gap.
    // It may be missing itself, as a whole; and so is a later rewrite of the record then, which would have put this one on stable storage. Recovery
    // takes a rewrite behind a gap for damage.
    if (settings.durability !== 'strict' && (this.rewritten.length || described.size)) await truth.sync()
    const commit = async (): Promise<void> => {
      await truth.commit(batch => byAndBy(this.#fill(batch, sequence, created, bytes), SLICE_MS), synced)
    }
    await (this.rewritten.length ? this.#engine.rewrites.take(commit) : commit())
    for (const collection of [...created, ...described.keys()]) collection.stored = true
    return { hash, byteLength: bytes.length }
  }

  *#fill(batch: TruthBatch, sequence: number, created: Iterable<OpenCollection>, logEntry: Buffer): Slices<void> {
    const { checksum, packer } = this.#engine
    const pack = packer.pack.bind(packer)
    for (const { collection: { id }, ordinal, key, put: { vector, metadata } } of this.records) {
      batch.put(recordKey(id, ordinal), encodeRecord(checksum, id, ordinal, sequence, bitsOf(vector), key, metadata, pack))
      yield
    }
    for (const record of this.rewritten) {
      const { collection: { id }, ordinal, key, vector, metadata } = record
      batch.put(recordKey(id, ordinal), encodeRecord(checksum, id, ordinal, sequence, vector ? bitsOf(vector) : this.#storedBits(record), key, metadata, pack))
      yield
    }
    for (const { collection: { id }, key, stored, ordinal } of this.#all.keys.values()) {
      if (ordinal === NONE) batch.del(stored)
      else batch.put(stored, encodeOrdinal(checksum, id, key, { ordinal, tag: tagOf(sequence) }))
      yield
    }
    for (const collection of created) batch.put(...this.#engine.descriptionOf(collection))
    for (const [collection, options] of this.#all.described) batch.put(...this.#engine.descriptionOf({ ...collection, options }))
    batch.put(logKey(sequence), logEntry)
  }

  /** The vector of a record as it stands now; undefined when it has none. */
  #storedBits({ collection: { id, options: { dimensions } }, ordinal }: RewrittenRecord): Uint32Array | undefined {
    const { truth, checksum } = this.#engine
    const bits = new Uint32Array(dimensions)
    return decodeRecord(checksum, id, ordinal, truth.get(recordKey(id, ordinal))!, dimensions, bits, 0).coded ? undefined : bits
  }
}

function bitsOf(vector: Float32Array): Uint32Array {
  return new Uint32Array(vector.buffer, vector.byteOffset, vector.length)
}
