import { logKey, recordKey } from '../storage/keys.js'
import type { Engine } from './engine.js'

/** A collection's records are compacted in so many parts, one after the other. */
const PARTS = 8
/** Removed records, as a share of the live ones, for which one part is compacted. */
const REMOVED_SHARE = 0.5 / PARTS
/** Less than LevelDB compacts by itself soon enough. */
const LEAST_REMOVED = 500

/**
 * Has LevelDB give back what removed records take, a part at a time, so that its files stay in proportion to what lives: by itself it
 * compacts only what grows.
 */
export class Tidying {
  readonly #engine: Engine
  readonly #removed = new Map<number, number>()
  readonly #parts = new Map<number, number>()

  constructor(engine: Engine) {
    this.#engine = engine
  }

  /** After the log was cut, and `removed` records of each collection with it. What fails here is not needed. */
  async run(removed: Map<number, number>): Promise<void> {
    try {
      for (const [id, count] of removed) await this.#tidy(id, (this.#removed.get(id) ?? 0) + count)
    } catch {
      // Most likely there is no room; the next checkpoint tries again.
    }
  }

  async #tidy(id: number, removed: number): Promise<void> {
    const { truth, head } = this.#engine
    const { graph } = this.#engine.collectionById(id)
    const due = Math.max(LEAST_REMOVED, graph.live * REMOVED_SHARE)
    const parts = Math.min(PARTS, Math.floor(removed / due))
    this.#removed.set(id, parts === PARTS ? 0 : removed - parts * due)
    if (!parts) return
    const first = this.#parts.get(id) ?? 0
    const size = Math.ceil(graph.ordinals / PARTS)
    for (let part = first; part < first + parts; part++) {
      const from = (part % PARTS) * size
      await truth.compact(recordKey(id, from), recordKey(id, from + size))
    }
    this.#parts.set(id, (first + parts) % PARTS)
    await truth.compact(logKey(0), logKey(head.sequence))
  }
}
