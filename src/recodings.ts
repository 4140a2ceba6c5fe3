import { type CodecChoice, isSameChoice } from '../codecs/codec.js'
import { type Deadline, NEVER } from './deadline.js'
import type { Engine, OpenCollection } from './engine.js'
import type { CodecOperation } from './group.js'

export interface RecodingsHost {
  write(operation: CodecOperation, deadline: Deadline): Promise<unknown>
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
  /** Of which an operation is about to be written that begins it, or ends it. */
  readonly #beginning = new Set<OpenCollection>()
  readonly #ending = new Set<OpenCollection>()
  #closed = false

  constructor(engine: Engine, host: RecodingsHost) {
    this.#engine = engine
    this.#host = host
  }

  /**
   * Has the codes of a collection made by another codec; resolves when they are in use: to false when they were before. What waits to be written is taken back
   * when the deadline passes; after that nothing is but the waiting.
   *
   * @throws {VectorLevelError} VECTOR_FULL when there is no room for what the codec takes; VECTOR_ABORTED, and as for writes
   */
  async recode(collection: OpenCollection, choice: CodecChoice, deadline: Deadline): Promise<boolean> {
    const waited = await this.#settled(collection, deadline)
    if (isSameChoice(choice, collection.options)) return waited
    collection.graph.checkRoomFor(choice)
    this.#beginning.add(collection)
    try {
      await this.#host.write({ collection, recode: choice }, deadline)
    } finally {
      this.#beginning.delete(collection)
      this.#host.start()
    }
    await this.#settled(collection, deadline)
    return true
  }

  /** Writes the operations that end what is done, and tells those who wait. Called between two groups. */
  look(): void {
    if (this.#closed) return
    for (const collection of this.#engine.collections.values()) if (collection.graph.awaitsEnd && !this.#ending.has(collection)) this.#end(collection)
    for (const entry of this.#waiting) {
      if (this.#isUnderWay(entry.collection)) continue
      this.#waiting.delete(entry)
      entry.resolve()
    }
  }

  /** Nobody waits any more: what is under way goes on when the database is opened again. */
  close(error: unknown): void {
    this.#closed = true
    for (const entry of this.#waiting) entry.reject(error)
    this.#waiting.clear()
  }

  #end(collection: OpenCollection): void {
    this.#ending.add(collection)
    // What cannot be written now is tried again when the next group is.
    this.#host.write({ collection, recoded: true }, NEVER).catch(() => undefined).finally(() => this.#ending.delete(collection))
  }

  #isUnderWay(collection: OpenCollection): boolean {
    return collection.graph.next !== undefined || this.#beginning.has(collection)
  }

  /** Waits until a collection changes no more; says whether it did. */
  async #settled(collection: OpenCollection, deadline: Deadline): Promise<boolean> {
    let waited = false
    // Of several that wait, one may begin anew as soon as it hears of it.
    for (; this.#isUnderWay(collection); waited = true) {
      let entry: Waiting
      const settled = new Promise<void>((resolve, reject) => {
        entry = { collection, resolve, reject }
        this.#waiting.add(entry)
        this.#host.start()
      })
      await deadline.limit(settled, () => this.#waiting.delete(entry))
    }
    return waited
  }
}
