import { type CodecChoice, isSameChoice } from '../codecs/codec.js'
import { VectorLevelError } from '../floor/errors.js'
import { Turns } from '../floor/turns.js'
import { type Deadline, NEVER } from './deadline.js'
import type { Engine, OpenCollection } from './engine.js'
import type { CodecOperation } from './write-operation.js'

export interface RecodingsHost {
  write(operation: CodecOperation, deadline: Deadline): Promise<unknown>
  checkpoint(): Promise<void>
  /** Resolves when all is linked, no codes are being made again, and a checkpoint has that. */
  rest(deadline: Deadline): Promise<void>
  /** Something may be to be done. */
  start(): void
}

interface Waiting {
  collection: OpenCollection
  resolve(): void
  reject(error: unknown): void
}

/**
 * How collections change over to other codecs: an operation of the log begins it, linking makes the codes by and by, and when they are all there another
 * operation has them used from its place in the log on. So the graphs are functions of the log, however long it takes.
 */
export class Recodings {
  readonly #engine: Engine
  readonly #host: RecodingsHost
  readonly #waiting = new Set<Waiting>()
  /** Of which the operation is about to be written that ends it. */
  readonly #ending = new Set<OpenCollection>()
  /** Calls of each collection, in their order; and beginnings of all: what one takes is no room for the next. */
  readonly #calls = new Map<OpenCollection, Turns>()
  readonly #beginnings = new Turns()
  /** Why nobody may wait any more. */
  #error: unknown

  constructor(engine: Engine, host: RecodingsHost) {
    this.#engine = engine
    this.#host = host
  }

  /**
   * Has the codes of a collection made by another codec, after those of earlier calls; resolves when they are in use, and in a checkpoint. What waits to be
   * written is taken back when the deadline passes; after that nothing is but the waiting.
   *
   * @throws {VectorLevelError} VECTOR_FULL when there is no room for what the codec takes; VECTOR_ABORTED, and as for writes and checkpoints
   */
  async recode(collection: OpenCollection, choice: CodecChoice, deadline: Deadline): Promise<void> {
    const calls = this.#calls.get(collection) ?? new Turns()
    this.#calls.set(collection, calls)
    await deadline.limit(calls.take(async () => {
      deadline.check()
      await this.#recode(collection, choice, deadline)
    }), () => true)
  }

  async #recode(collection: OpenCollection, choice: CodecChoice, deadline: Deadline): Promise<void> {
    const waited = await this.#settled(collection, deadline)
    const isSame = isSameChoice(choice, collection.options)
    if (!isSame) {
      await deadline.limit(this.#beginnings.take(() => this.#begin(collection, choice, deadline)), () => true)
      await this.#settled(collection, deadline)
    }
    if (waited || !isSame) await deadline.limit(this.#host.checkpoint(), () => true)
  }

  async #begin(collection: OpenCollection, choice: CodecChoice, deadline: Deadline): Promise<void> {
    deadline.check()
    // The checkpoint has the codec of before, so that a replay does as is done now; and the disk is at rest, so that there is room for what is changed at once.
    await this.#host.rest(deadline)
    collection.graph.checkRoomFor(choice)
    await this.#host.write({ collection, recode: choice }, deadline)
  }

  /** Writes the operations that end what is done, and tells those who wait. Called between two groups. */
  look(): void {
    if (this.#error) return
    if (this.#engine.truth.poisoned) {
      this.close(new VectorLevelError('VECTOR_POISONED', 'an earlier write failed, and codecs do not change over; close and open the database again to go on'))
      return
    }
    for (const collection of this.#engine.collections.values()) if (collection.graph.awaitsEnd && !this.#ending.has(collection)) this.#end(collection)
    for (const entry of this.#waiting) {
      if (entry.collection.graph.next) continue
      this.#waiting.delete(entry)
      entry.resolve()
    }
  }

  /** Nobody waits any more: what is under way goes on when the database is opened again. */
  close(error: unknown): void {
    this.#error ??= error
    for (const entry of this.#waiting) entry.reject(error)
    this.#waiting.clear()
  }

  #end(collection: OpenCollection): void {
    this.#ending.add(collection)
    // What cannot be written now is tried again when the next group is.
    this.#host.write({ collection, recoded: true }, NEVER).catch(() => undefined).finally(() => this.#ending.delete(collection))
  }

  /** Waits until a collection changes no more; says whether it did. */
  async #settled(collection: OpenCollection, deadline: Deadline): Promise<boolean> {
    if (!collection.graph.next) return false
    if (this.#error) throw this.#error
    let entry: Waiting
    const settled = new Promise<void>((resolve, reject) => {
      entry = { collection, resolve, reject }
      this.#waiting.add(entry)
      this.#host.start()
    })
    await deadline.limit(settled, () => this.#waiting.delete(entry))
    return true
  }
}
