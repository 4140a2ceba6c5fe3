import type { Engine } from './engine.js'

/** Vectors that wait for being linked, and are scanned by searches, before new writes have to wait: so many, and of so many bytes. */
const MOST_UNLINKED = 1000
const MOST_UNLINKED_BYTES = 4 << 20
/** And nodes that wait for being removed, which crowd the beams of searches. */
const MOST_UNREMOVED = 5000
/** Frames that linking one node changes, at most and with room to spare. */
const FRAMES_A_NODE = 64

/** What the graphs of all collections lack of the operations. */
export class Linking {
  readonly #engine: Engine
  readonly #onRebuild: (left: number) => void

  /** `onRebuild` hears how many nodes an index that is built anew still lacks. */
  constructor(engine: Engine, onRebuild: (left: number) => void) {
    this.#engine = engine
    this.#onRebuild = onRebuild
  }

  /** Nodes to be linked or removed. */
  get pending(): number {
    let count = 0
    for (const { graph } of this.#engine.collections.values()) count += graph.pending
    return count
  }

  /** Whether an index is being built anew: that takes long, and nobody waits for it. */
  get rebuilding(): boolean {
    for (const { graph } of this.#engine.collections.values()) if (graph.rebuilding) return true
    return false
  }

  /** How far the graphs are behind, where 1 is what they may be: then linking must catch up. */
  get lag(): number {
    let links = 0
    let bytes = 0
    let removals = 0
    for (const { graph, options: { dimensions } } of this.#engine.collections.values()) {
      if (!graph.trained) continue
      links += graph.unlinked
      bytes += graph.unlinked * dimensions * 4
      removals += graph.unremoved
    }
    return Math.max(Math.min(links / MOST_UNLINKED, bytes / MOST_UNLINKED_BYTES), removals / MOST_UNREMOVED)
  }

  /** Links for a while. */
  slice(milliseconds: number): void {
    const until = performance.now() + milliseconds
    for (const { graph } of this.#engine.collections.values()) {
      // A slice must not fill the cache with changes: between two looks at it, half of the room may be taken by them.
      let budget = Math.max(1, Math.floor(this.#engine.cache.roomFor(graph.base) / 2 / FRAMES_A_NODE))
      const before = graph.rebuilding
      while (graph.step()) if (--budget <= 0 || performance.now() >= until) break
      if (before) this.#onRebuild(graph.rebuilding)
      if (budget <= 0 || performance.now() >= until) return
    }
  }

  /** Sweeps and makes codes again for a while, until no graph has ghosts, or codes of two codebooks; whether any has still. */
  sweep(milliseconds: number): boolean {
    const until = performance.now() + milliseconds
    for (const { graph } of this.#engine.collections.values()) {
      while (!this.#engine.cacheIsDirty && performance.now() < until) if (!graph.step('rest')) break
      if (graph.pending || graph.ghosts || graph.recoded !== undefined) return true
    }
    return false
  }
}
