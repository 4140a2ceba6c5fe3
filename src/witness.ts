import { unlessDamaged } from '../floor/errors.js'
import { isFindable } from '../index/graph.js'
import { logKey, sequenceOf } from '../storage/keys.js'
import { decodeLogEntry, type LogEntry, NONE, readLogEntry } from '../storage/log-format.js'
import type { Checkpoint } from './checkpoint.js'
import { type CodesInTruth, keptCodesIn } from './kept-codes.js'
import { Writings } from './writings.js'
import type { Engine, LogPosition } from './engine.js'

/** What is known of a record: that it counts, that it was replaced or deleted, or nothing. */
export type Verdict = 'live' | 'gone' | 'unknown'

/** What the index and the log say of records, where these themselves are in doubt. */
export class Witness {
  /** Operations that are missing from the log: first and last of each gap. */
  readonly missing: [number, number][] = []
  /** The last operation that is known of. */
  last = 0
  readonly #engine: Engine
  readonly #checkpoint: Checkpoint | undefined
  /** By collection and ordinal: whether the log put it last, or replaced or deleted it. */
  readonly #logged = new Map<string, Verdict>()
  /** What entries that could not be checked say was replaced or deleted. */
  readonly #suspected = new Set<string>()
  /** Whether entries are missing or damaged: what they replaced or deleted is not known. */
  #doubt = false

  private constructor(engine: Engine, checkpoint: Checkpoint | undefined) {
    this.#engine = engine
    this.#checkpoint = checkpoint
  }

  /** Hears the log from `trimmed` on, when that is known, and the index, when there is one whose graphs are restored. */
  static async hear(engine: Engine, trimmed: LogPosition | undefined, checkpoint: Checkpoint | undefined): Promise<Witness> {
    const witness = new Witness(engine, checkpoint)
    // The index knows the log's hash at its watermark as well.
    await witness.#readLog(trimmed ?? checkpoint)
    if (checkpoint && checkpoint.sequence > witness.last) {
      witness.#miss(witness.last + 1, checkpoint.sequence)
      witness.last = checkpoint.sequence
    }
    return witness
  }

  /** Of a record that a key leads to; `sequence` is its own, 0 where only the ordinal is known. */
  ofKept(collection: number, ordinal: number, sequence: number): Verdict {
    return this.#logged.get(`${collection}/${ordinal}`) ?? this.#indexed(collection, ordinal, sequence)
  }

  /** Of a record that no key leads to: it must be certain that nothing deleted it before it is taken back. */
  ofOrphan(collection: number, ordinal: number, sequence: number): Verdict {
    if (this.#suspected.has(`${collection}/${ordinal}`)) return 'gone'
    const verdict = this.ofKept(collection, ordinal, sequence)
    return verdict === 'live' && this.#doubt ? 'unknown' : verdict
  }

  /** What the index knows of codes that are kept in place of vectors. */
  keptCodes(collection: number): CodesInTruth | undefined {
    const state = this.#checkpoint?.graphs.find(({ id, options }) => id === collection && options.store === 'codes')?.state
    return state && keptCodesIn(state, new Writings())
  }

  #indexed(collection: number, ordinal: number, sequence: number): Verdict {
    const state = this.#checkpoint?.graphs.find(({ id }) => id === collection)?.state
    // Of what was written behind its checkpoint the index knows nothing, not even under an ordinal that another record had before.
    if (!state || ordinal >= state.ordinals || sequence > this.#checkpoint!.sequence) return 'unknown'
    const found = unlessDamaged(() => this.#engine.collectionById(collection).graph.stateOf(ordinal))
    if (found !== undefined && isFindable(found)) return 'live'
    // An index that was built anew knows only what keys led to then.
    return found === undefined || ordinal < state.rebuilt ? 'unknown' : 'gone'
  }

  async #readLog(from: LogPosition | undefined): Promise<void> {
    let hash = from?.hash
    this.last = from?.sequence ?? 0
    for await (const [key, value] of this.#engine.truth.entries({ gte: logKey(this.last + 1), lt: logKey(Number.MAX_SAFE_INTEGER) })) {
      const sequence = sequenceOf(key)
      if (hash === undefined) this.#doubt = true
      else if (sequence > this.last + 1) this.#miss(this.last + 1, sequence - 1)
      const entry = this.#decode(sequence === this.last + 1 ? hash : undefined, sequence, value)
      this.last = Math.max(this.last, sequence + Math.max(1, entry.operations.length) - 1)
      hash = entry.hash
    }
  }

  /** Takes in an entry; one that does not continue the chain is only suspected to be right. */
  #decode(hash: bigint | undefined, sequence: number, value: Buffer): Pick<LogEntry, 'hash' | 'operations'> {
    const sound = hash === undefined ? undefined : unlessDamaged(() => decodeLogEntry(this.#engine.checksum, hash, sequence, value))
    if (!sound) this.#doubt = true
    const entry = sound ?? readLogEntry(value)
    for (const { collection, ordinal, previous } of entry.operations) {
      if (ordinal !== NONE && sound) this.#logged.set(`${collection}/${ordinal}`, 'live')
      if (previous === NONE) continue
      if (sound) this.#logged.set(`${collection}/${previous}`, 'gone')
      else this.#suspected.add(`${collection}/${previous}`)
    }
    return entry
  }

  #miss(first: number, last: number): void {
    this.#doubt = true
    this.missing.push([first, last])
  }
}
