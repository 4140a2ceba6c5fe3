import { byAndBy, SLICE_MS, type Slices } from '../floor/slices.js'
import { logKey, recordKey, userKey } from '../storage/keys.js'
import { encodeLogEntry, type LogOperation, NONE } from '../storage/log-format.js'
import { encodeOrdinal, tagOf } from '../storage/ordinal-format.js'
import { encodeRecord } from '../storage/record-format.js'
import type { TruthBatch } from '../storage/truth.js'
import type { Engine, OpenCollection } from './engine.js'

/** What a put writes. */
export interface NewContent {
  vector: Float32Array
  metadata: Uint8Array
}

export interface WriteOperation {
  collection: OpenCollection
  key: Buffer
  put?: NewContent
  /** What replaces the metadata of a record. Without this and a put, the key is deleted. */
  metadata?: Uint8Array
}

export interface NewRecord {
  collection: OpenCollection
  ordinal: number
  key: Buffer
  put: NewContent
}

/** A record that is written anew under its ordinal, with other metadata. */
export interface RewrittenRecord extends NewRecord {
  /** Metadata that others see until the group is visible; undefined when its record is of the same group. */
  before: Uint8Array | undefined
}

/** What becomes of a key: the ordinal and the vector of its record, or NONE and nothing when it is deleted. */
interface NewKey {
  collection: OpenCollection
  key: Buffer
  /** As it is stored. */
  stored: Buffer
  ordinal: number
  vector: Float32Array | undefined
}

/** Operations that become durable together, in one entry of the log and one batch of the store. */
export class Group {
  readonly operations: LogOperation[] = []
  readonly records: NewRecord[] = []
  readonly rewritten: RewrittenRecord[] = []
  readonly #engine: Engine
  readonly #keys = new Map<string, NewKey>()
  /** Puts of each collection. */
  readonly #puts = new Map<OpenCollection, number>()

  constructor(engine: Engine) {
    this.#engine = engine
    for (const { graph } of engine.collections.values()) graph.settleFree()
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
    const added: LogOperation[] = []
    const records: NewRecord[] = []
    const rewritten: RewrittenRecord[] = []
    const keys = new Map<string, NewKey>()
    const puts = new Map<OpenCollection, number>()
    for (const { collection, key, put, metadata } of operations) {
      yield
      const stored = userKey(collection.id, key)
      const name = stored.toString('latin1')
      const present = keys.get(name) ?? this.#keys.get(name)
      if (metadata) {
        const record = this.#rewrite(collection, key, metadata, present)
        if (!record) continue
        rewritten.push(record)
        keys.set(name, { collection, key, stored, ordinal: record.ordinal, vector: record.put.vector })
        added.push({ collection: collection.id, ordinal: record.ordinal, previous: NONE, rewrite: true })
        continue
      }
      const previous = present?.ordinal ?? this.#engine.ordinalStored(collection.id, key, stored) ?? NONE
      if (!put && previous === NONE) continue
      let ordinal = NONE
      if (put) {
        ordinal = collection.graph.ordinalFor((this.#puts.get(collection) ?? 0) + (puts.get(collection) ?? 0))
        collection.graph.checkRoom(ordinal)
        puts.set(collection, (puts.get(collection) ?? 0) + 1)
        records.push({ collection, ordinal, key, put })
      }
      keys.set(name, { collection, key, stored, ordinal, vector: put?.vector })
      added.push({ collection: collection.id, ordinal, previous })
    }
    for (const operation of added) this.operations.push(operation)
    for (const record of records) this.records.push(record)
    for (const record of rewritten) this.rewritten.push(record)
    for (const [name, key] of keys) this.#keys.set(name, key)
    for (const [collection, count] of puts) this.#puts.set(collection, (this.#puts.get(collection) ?? 0) + count)
    return added.length
  }

  /** The record of a key with other metadata, undefined when there is none. */
  #rewrite(collection: OpenCollection, key: Buffer, metadata: Uint8Array, present: NewKey | undefined): RewrittenRecord | undefined {
    if (present) return present.vector && { collection, ordinal: present.ordinal, key, put: { vector: present.vector, metadata }, before: undefined }
    const stored = this.#engine.recordOf(collection, key)
    return stored && { collection, ordinal: stored.ordinal, key, put: { vector: stored.vector, metadata }, before: stored.metadata }
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
    const synced = settings.durability === 'strict'
    const { bytes, hash } = encodeLogEntry(checksum, head.hash, sequence, this.operations, synced)
    // IMPORTANT: what is taken back behind a gap in the log (log-gap.ts) needs the records of before the gap, and a rewrite leaves none. So all that
    // may be missing after a power cut is put on stable storage first: no commit before a rewrite is missing then, and no rewrite lies behind a gap.
    // It may be missing itself, as a whole; and so is a later rewrite of the record then, which would have put this one on stable storage. Recovery
    // takes a rewrite behind a gap for damage.
    if (!synced && this.rewritten.length) await truth.sync()
    await truth.commit(batch => byAndBy(this.#fill(batch, sequence, created, bytes), SLICE_MS), synced)
    for (const collection of created) collection.stored = true
    return { hash, byteLength: bytes.length }
  }

  *#fill(batch: TruthBatch, sequence: number, created: Iterable<OpenCollection>, logEntry: Buffer): Slices<void> {
    const { checksum } = this.#engine
    for (const { collection: { id }, ordinal, key, put: { vector, metadata } } of [...this.records, ...this.rewritten]) {
      const bits = new Uint32Array(vector.buffer, vector.byteOffset, vector.length)
      batch.put(recordKey(id, ordinal), encodeRecord(checksum, id, ordinal, sequence, bits, key, metadata))
      yield
    }
    for (const { collection: { id }, key, stored, ordinal } of this.#keys.values()) {
      if (ordinal === NONE) batch.del(stored)
      else batch.put(stored, encodeOrdinal(checksum, id, key, { ordinal, tag: tagOf(sequence) }))
      yield
    }
    for (const collection of created) batch.put(...this.#engine.descriptionOf(collection))
    batch.put(logKey(sequence), logEntry)
  }
}
