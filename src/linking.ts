import type { Engine } from './engine.js'

/** Stored vectors that wait for being linked, and are searched by scanning, before new writes have to wait: so many, or of so many bytes. */
const MOST_UNLINKED = 1000
const MOST_UNLINKED_BYTES = 4 << 20
/** Frames that linking one node changes, at most and with room to spare. */
const FRAMES_A_NODE = 64

/** What is stored and not in its graph yet, of all collections. */
export class Linking {
  readonly #engine: Engine
  readonly #onRebuild: (left: number) => void

  /** `onRebuild` hears how many nodes an index that is built anew still lacks. */
  constructor(engine: Engine, onRebuild: (left: number) => void) {
    this.#engine = engine
    this.#onRebuild = onRebuild
  }

  get unlinked(): number {
    let count = 0
    for (const { graph } of this.#engine.collections.values()) if (graph.trained) count += graph.ordinals - graph.linked
    return count
  }

  /** Whether an index is being built anew: that takes long, and nobody waits for it. */
  get rebuilding(): boolean {
    for (const { graph } of this.#engine.collections.values()) if (graph.rebuilding) return true
    return false
  }

  /** How much searches have to scan, where 1 is what they may have: then linking must catch up. */
  get lag(): number {
    let count = 0
    let bytes = 0
    for (const { graph, options: { dimensions } } of this.#engine.collections.values()) {
      if (!graph.trained) continue
      count += graph.ordinals - graph.linked
      bytes += (graph.ordinals - graph.linked) * dimensions * 4
    }
    return Math.min(count / MOST_UNLINKED, bytes / MOST_UNLINKED_BYTES)
  }

  /** Links for a while. */
  slice(milliseconds: number): void {
    const until = performance.now() + milliseconds
    for (const { graph } of this.#engine.collections.values()) {
      // A slice must not fill the cache with changes: between two looks at it, half of the room may be taken by them.
      let budget = Math.max(1, Math.floor(this.#engine.cache.roomFor(graph.base) / 2 / FRAMES_A_NODE))
      const before = graph.rebuilding
      while (graph.linkNext()) if (--budget <= 0 || performance.now() >= until) break
      if (before) this.#onRebuild(graph.rebuilding)
      if (budget <= 0 || performance.now() >= until) return
    }
  }
}
