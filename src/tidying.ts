import { logKey, recordKey } from '../storage/keys.js'
import type { Engine } from './engine.js'

/** A collection's records are compacted in so many parts, one after the other. */
const PARTS = 8
/** Removed records, as a share of the live ones, for which one part is compacted. */
const REMOVED_SHARE = 0.5 / PARTS
/** Less than LevelDB compacts by itself soon enough. */
const LEAST_REMOVED = 500

interface Tidied {
  removed: number
  /** The part that comes next. */
  part: number
}

/**
 * Has LevelDB give back what removed records take, a part at a time, so that its files stay in proportion to what lives: by itself it
 * compacts only what grows. Nobody waits for it but who closes the store.
 */
export class Tidying {
  readonly #engine: Engine
  readonly #collections = new Map<number, Tidied>()
  #running: Promise<void> | undefined
  #closing = false

  constructor(engine: Engine) {
    this.#engine = engine
  }

  /** Goes on after the log was cut, and `removed` records of each collection with it. */
  after(removed: Map<number, number>): void {
    for (const [id, count] of removed) {
      const tidied = this.#collections.get(id) ?? { removed: 0, part: 0 }
      tidied.removed += count
      this.#collections.set(id, tidied)
    }
    // What fails is not needed, most likely there is no room: it is tried again after the next checkpoint.
    this.#running ??= this.#run().catch(() => undefined).finally(() => { this.#running = undefined })
  }

  /** Ends with the part that is under way. */
  async rest(): Promise<void> {
    await this.#running
  }

  async close(): Promise<void> {
    this.#closing = true
    await this.#running
  }

  async #run(): Promise<void> {
    for (const [id, tidied] of this.#collections) {
      const { graph } = this.#engine.collectionById(id)
      const due = Math.max(LEAST_REMOVED, graph.live * REMOVED_SHARE)
      for (let parts = 0; tidied.removed >= due && parts < PARTS && !this.#closing; parts++) {
        const { truth, head } = this.#engine
        const size = Math.ceil(graph.ordinals / PARTS)
        await truth.compact(recordKey(id, tidied.part * size), recordKey(id, (tidied.part + 1) * size))
        await truth.compact(logKey(0), logKey(head.sequence))
        tidied.removed -= due
        tidied.part = (tidied.part + 1) % PARTS
      }
      // All of it was compacted.
      tidied.removed = Math.min(tidied.removed, due)
    }
  }
}
