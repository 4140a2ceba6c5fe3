import { randomBytes } from 'node:crypto'
import { unlessDamaged } from '../floor/errors.js'
import { OrdinalSet } from '../floor/ordinal-set.js'
import { codeBlockKey, KEY_RANGE, META_KEY, ordinalOf, RECORD_RANGE, recordKey, userKey, userPart } from '../storage/keys.js'
import { decodeOrdinal, encodeOrdinal, type TaggedOrdinal, tagOf } from '../storage/ordinal-format.js'
import { decodeRecord, type RecordTail } from '../storage/record-format.js'
import { encodeTruthMeta } from './checkpoint.js'
import { describeCodes, readKeptCodes } from './kept-codes.js'
import type { Engine, OpenCollection } from './engine.js'
import type { Maintenance } from './maintenance.js'
import { StoredCodes } from './stored-codes.js'
import type { TruthCopy } from './truth-copy.js'
import type { Witness } from './witness.js'

/** Something that could not be saved. */
export interface LostItem {
  collection?: string
  key?: string
  /** First and last sequence of operations of which nothing is left. */
  operations?: [number, number]
  message: string
}

/** A record that no key leads to. */
interface Orphan {
  collection: OpenCollection
  key: Buffer
  ordinal: number
  sequence: number
  restores: boolean
}

/**
 * Copies what can be trusted of a damaged truth into a new one.
 *
 * A key counts when it leads to a record of its own that passes its check, and of which no witness says that it is gone. A record that no key
 * leads to is taken back when a witness says that it is live: then its key was lost. Without one it is left out, and told of: to bring back
 * what was deleted would be worse. Where key and record are of different writes, one of them is out of date, and nobody says which.
 */
export class Salvage {
  /** Keys that were lost, and were restored from their records. */
  restored = 0
  /** Records that were replaced or deleted, or belong to nobody, and were left out. */
  dropped = 0
  readonly #engine: Engine
  readonly #witness: Witness
  readonly #copy: TruthCopy
  readonly #maintenance: Maintenance
  /** By collection: the ordinals that saved keys lead to, and those that keys of lost records led to. */
  readonly #saved = new Map<number, OrdinalSet>()
  readonly #mourned = new Map<number, OrdinalSet>()
  /** Of those collections that keep codes in place of vectors. */
  readonly #codes = new Map<number, StoredCodes>()
  /** Ordinals to which a key leads that is not the record's: that may be older than the one that the witnesses know. */
  readonly #contested = new Map<number, OrdinalSet>()
  readonly #lostKeys = new Map<string, LostItem>()
  readonly #lostOthers: LostItem[] = []
  readonly #orphans = new Map<string, Orphan>()
  #newest = 0
  #done = 0

  constructor(engine: Engine, witness: Witness, copy: TruthCopy, maintenance: Maintenance) {
    this.#engine = engine
    this.#witness = witness
    this.#copy = copy
    this.#maintenance = maintenance
  }

  /** What could not be saved. */
  get lost(): LostItem[] {
    return [...this.#lostKeys.values(), ...this.#lostOthers]
  }

  async run(): Promise<void> {
    this.#maintenance.deadline.check()
    for (const collection of this.#engine.storedCollections) {
      this.#saved.set(collection.id, new OrdinalSet())
      this.#mourned.set(collection.id, new OrdinalSet())
      this.#contested.set(collection.id, new OrdinalSet())
      await this.#copy.put(...this.#engine.descriptionOf(collection))
      await this.#saveCodes(collection)
    }
    await this.#saveKeys()
    await this.#saveRecords()
    await this.#saveOrphans()
    for (const operations of this.#witness.missing) {
      this.#lostOthers.push({ operations, message: `operations ${operations[0]} to ${operations[1]} are missing from the log; their records are lost, unless later ones replaced them` })
    }
    // No index that was made for the old log fits the new one, which begins behind all that is known of.
    const sequence = Math.max(this.#newest, this.#witness.last)
    await this.#copy.put(META_KEY, encodeTruthMeta(this.#engine, { sequence, hash: randomBytes(8).readBigUInt64LE() }))
  }

  /** Takes the blocks of codes that are sound, and what they are like: as the truth has it, or else the index, which has a copy. */
  async #saveCodes(collection: OpenCollection): Promise<void> {
    const { truth } = this.#engine
    const kept = unlessDamaged(() => readKeptCodes(this.#engine, collection, truth)) ?? this.#witness.keptCodes(collection.id)
    if (!kept) return
    const codes = new StoredCodes(this.#engine, collection, truth, kept)
    const stored = new Uint8Array(kept.stored.length)
    for (const block of codes.blocks()) {
      if (!unlessDamaged(() => codes.rowsOf(block))) continue
      const key = codeBlockKey({ collection: collection.id, version: kept.version, block })
      await this.#put(key, truth.get(key)!, 'checking codes')
      stored[block >>> 3]! |= 1 << (block & 7)
    }
    for (const entry of describeCodes(this.#engine, collection, { ...kept, stored })) await this.#copy.put(...entry)
    this.#codes.set(collection.id, codes)
  }

  /** Whether a record is all there. */
  #isWhole({ id }: OpenCollection, ordinal: number, { coded }: RecordTail): boolean {
    return !coded || this.#codes.get(id)?.has(ordinal) === true
  }

  async #saveKeys(): Promise<void> {
    const strangers = new Map<number, number>()
    for await (const [stored, value] of this.#engine.truth.entries(KEY_RANGE)) {
      const id = stored.length >= 5 ? stored.readUInt32BE(1) : 0
      const collection = this.#collection(id)
      if (!collection) {
        strangers.set(id, (strangers.get(id) ?? 0) + 1)
        continue
      }
      const key = userPart(stored)
      const named = unlessDamaged(() => decodeOrdinal(this.#engine.checksum, id, key, value))
      const why = named ? this.#whyLost(collection, key, named) : 'its ordinal fails the checksum, and no record of it was found'
      if (why !== undefined) {
        this.#lose(collection, key, why)
        continue
      }
      this.#saved.get(id)!.add(named!.ordinal)
      await this.#put(stored, value, 'checking keys')
    }
    for (const [id, count] of strangers) this.#lostOthers.push({ message: `collection ${id} with ${count} keys: its description is gone, its records cannot be read without` })
  }

  /** Why a key cannot be saved; undefined when it can. */
  #whyLost(collection: OpenCollection, key: Buffer, { ordinal, tag }: TaggedOrdinal): string | undefined {
    const { id, options } = collection
    const value = this.#engine.truth.get(recordKey(id, ordinal))
    const record = value && this.#decode(id, ordinal, value, options.dimensions)
    if (!record) {
      this.#mourned.get(id)!.add(ordinal)
      return `its record (ordinal ${ordinal}) ${value ? 'fails its checksum' : 'is missing'}`
    }
    if (!key.equals(record.key)) {
      this.#contested.get(id)!.add(ordinal)
      return `it leads to the record of '${Buffer.from(record.key).toString()}'`
    }
    if (tagOf(record.sequence) !== tag) {
      this.#mourned.get(id)!.add(ordinal)
      return `its record (ordinal ${ordinal}) is of another write than the key`
    }
    if (!this.#isWhole(collection, ordinal, record)) {
      this.#mourned.get(id)!.add(ordinal)
      return `its record (ordinal ${ordinal}) has no vector, and its code is missing or fails its checksum`
    }
    return this.#witness.ofKept(id, ordinal, record.sequence) === 'gone' ? 'only an older record of it is left, which had been replaced or deleted' : undefined
  }

  async #saveRecords(): Promise<void> {
    for await (const [stored, value] of this.#engine.truth.entries(RECORD_RANGE)) {
      const id = stored.length === 9 ? stored.readUInt32BE(1) : 0
      const collection = this.#collection(id)
      if (!collection) continue
      const ordinal = ordinalOf(stored)
      const record = this.#decode(id, ordinal, value, collection.options.dimensions)
      if (record) this.#newest = Math.max(this.#newest, record.sequence)
      if (this.#saved.get(id)!.has(ordinal)) await this.#put(stored, value, 'copying records')
      else if (record && !this.#isWhole(collection, ordinal, record)) this.#mournNameless(collection, ordinal, `of a record of '${Buffer.from(record.key).toString()}' (ordinal ${ordinal}), to which no key leads, the code is missing or fails its checksum`)
      else if (record) this.#keepOrphan(collection, ordinal, record)
      else this.#mournNameless(collection, ordinal, `the record of ordinal ${ordinal} fails its checksum, and no key leads to it`)
    }
    for (const collection of this.#engine.storedCollections) {
      for (let ordinal = 0; ordinal < collection.graph.ordinals; ordinal++) {
        if (this.#saved.get(collection.id)!.has(ordinal) || this.#witness.ofKept(collection.id, ordinal, 0) !== 'live') continue
        if (this.#engine.truth.get(recordKey(collection.id, ordinal))) continue
        this.#mournNameless(collection, ordinal, `ordinal ${ordinal} is live in the index, and neither its record nor its key is left`)
      }
    }
  }

  /** Tells of a record whose key nobody knows, unless it was told of with its key, or is known to be gone rightly. */
  #mournNameless({ id, name }: OpenCollection, ordinal: number, message: string): void {
    if (this.#mourned.get(id)!.has(ordinal) || this.#witness.ofOrphan(id, ordinal, 0) === 'gone') return
    this.#mourned.get(id)!.add(ordinal)
    this.#lostOthers.push({ collection: name, message })
  }

  #keepOrphan(collection: OpenCollection, ordinal: number, { key, sequence }: RecordTail): void {
    const verdict = this.#witness.ofOrphan(collection.id, ordinal, sequence)
    // A key that leads to this ordinal means another record.
    if (verdict === 'gone' || this.#mourned.get(collection.id)!.has(ordinal)) {
      this.dropped++
      return
    }
    const bytes = Buffer.from(key)
    const name = userKey(collection.id, bytes).toString('latin1')
    const other = this.#orphans.get(name)
    if (!other || sequence > other.sequence) this.#orphans.set(name, { collection, key: bytes, ordinal, sequence, restores: verdict === 'live' && !this.#contested.get(collection.id)!.has(ordinal) })
  }

  /** Takes back the records whose keys were lost. */
  async #saveOrphans(): Promise<void> {
    const saved = await this.#copy.read()
    for (const [name, { collection, key, ordinal, sequence, restores }] of this.#orphans) {
      const { id } = collection
      if (saved.get(userKey(id, key))) {
        this.dropped++
      } else if (restores) {
        await this.#put(userKey(id, key), encodeOrdinal(this.#engine.checksum, id, key, { ordinal, tag: tagOf(sequence) }), 'restoring keys')
        await this.#put(recordKey(id, ordinal), this.#engine.truth.get(recordKey(id, ordinal))!, 'restoring keys')
        this.restored++
        this.#lostKeys.delete(name)
      } else if (!this.#lostKeys.has(name)) {
        this.#lose(collection, key, `a record of it (ordinal ${ordinal}) is there, and nothing says whether it had been deleted`)
      }
    }
  }

  #lose({ name, id }: OpenCollection, key: Buffer, why: string): void {
    this.#lostKeys.set(userKey(id, key).toString('latin1'), { collection: name, key: key.toString(), message: `key '${key.toString()}': ${why}` })
  }

  #collection(id: number): OpenCollection | undefined {
    return unlessDamaged(() => this.#engine.collectionById(id))
  }

  #decode(id: number, ordinal: number, value: Buffer, dimensions: number): RecordTail | undefined {
    return unlessDamaged(() => decodeRecord(this.#engine.checksum, id, ordinal, value, dimensions, new Uint32Array(dimensions), 0))
  }

  async #put(key: Buffer, value: Buffer, step: string): Promise<void> {
    this.#done++
    if (!await this.#copy.put(key, value)) return
    this.#maintenance.deadline.check()
    this.#maintenance.onProgress({ step, done: this.#done, total: this.#done })
  }
}
