import { logKey, recordKey, userKey } from '../storage/keys.js'
import { encodeLogEntry, type LogOperation, NONE } from '../storage/log-format.js'
import { encodeOrdinal, tagOf } from '../storage/ordinal-format.js'
import { encodeRecord } from '../storage/record-format.js'
import type { Engine, OpenCollection } from './engine.js'

/** What a put writes. */
export interface NewContent {
  vector: Float32Array
  metadata: Uint8Array
}

export interface WriteOperation {
  collection: OpenCollection
  key: Buffer
  /** undefined deletes. */
  put?: NewContent
}

export interface NewRecord {
  collection: OpenCollection
  ordinal: number
  key: Buffer
  put: NewContent
}

/** What becomes of a key: the ordinal, or NONE when it is deleted. */
interface NewKey {
  collection: OpenCollection
  key: Buffer
  ordinal: number
}

/** Operations that become durable together, in one entry of the log and one batch of the store. */
export class Group {
  readonly operations: LogOperation[] = []
  readonly records: NewRecord[] = []
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
   * Adds operations, all or none: gives puts their ordinals, and finds what is replaced.
   *
   * @throws {VectorLevelError} VECTOR_FULL, VECTOR_CORRUPTION, VECTOR_IO_ERROR; nothing was added then
   */
  add(operations: WriteOperation[]): void {
    const added: LogOperation[] = []
    const records: NewRecord[] = []
    const keys = new Map<string, NewKey>()
    const puts = new Map<OpenCollection, number>()
    for (const { collection, key, put } of operations) {
      const name = userKey(collection.id, key).toString('latin1')
      const previous = (keys.get(name) ?? this.#keys.get(name))?.ordinal ?? this.#engine.ordinalOf(collection.id, key) ?? NONE
      if (!put && previous === NONE) continue
      let ordinal = NONE
      if (put) {
        ordinal = collection.graph.ordinalFor((this.#puts.get(collection) ?? 0) + (puts.get(collection) ?? 0))
        collection.graph.checkRoom(ordinal)
        puts.set(collection, (puts.get(collection) ?? 0) + 1)
        records.push({ collection, ordinal, key, put })
      }
      keys.set(name, { collection, key, ordinal })
      added.push({ collection: collection.id, ordinal, previous })
    }
    for (const operation of added) this.operations.push(operation)
    for (const record of records) this.records.push(record)
    for (const [name, key] of keys) this.#keys.set(name, key)
    for (const [collection, count] of puts) this.#puts.set(collection, (this.#puts.get(collection) ?? 0) + count)
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
    await truth.commit(batch => {
      for (const { collection: { id }, ordinal, key, put: { vector, metadata } } of this.records) {
        const bits = new Uint32Array(vector.buffer, vector.byteOffset, vector.length)
        batch.put(recordKey(id, ordinal), encodeRecord(checksum, id, ordinal, sequence, bits, key, metadata))
      }
      for (const { collection: { id }, key, ordinal } of this.#keys.values()) {
        if (ordinal === NONE) batch.del(userKey(id, key))
        else batch.put(userKey(id, key), encodeOrdinal(checksum, id, key, { ordinal, tag: tagOf(sequence) }))
      }
      for (const collection of created) batch.put(...this.#engine.descriptionOf(collection))
      batch.put(logKey(sequence), bytes)
    }, synced)
    for (const collection of created) collection.stored = true
    return { hash, byteLength: bytes.length }
  }
}
