import { setImmediate as nextTurn } from 'node:timers/promises'
import { byAndBy, SLICE_MS } from '../floor/slices.js'
import type { Step } from '../index/batch.js'
import type { Graph } from '../index/graph.js'
import type { Goal } from '../index/linker.js'
import type { Engine } from './engine.js'

/** Vectors that wait for being linked, and are scanned by searches, before new writes have to wait: so many, and of so many bytes. */
const MOST_UNLINKED = 1000
const MOST_UNLINKED_BYTES = 4 << 20
/** And nodes that wait for being removed, which crowd the beams of searches. */
const MOST_UNREMOVED = 5000
/** Frames that linking one node changes, at most and with room to spare. */
const FRAMES_A_NODE = 64

export interface LinkingHost {
  /** Whether a checkpoint is to begin, for which the graphs must rest. */
  isDue(): boolean
  /** Linking has come to an end, for now. */
  ended(): void
  /** Codes of another codec are all there, or in use. */
  recoded(): void
  /** The graph in memory cannot be used any more. */
  failed(error: unknown): void
  /** How many nodes an index that is built anew still lacks. */
  rebuild(left: number): void
}

/** Brings the graphs of all collections up to what is stored, by the threads of the database, while others write and search. */
export class Linking {
  readonly #engine: Engine
  readonly #host: LinkingHost
  #goal: Goal = 'batches'
  #running: Promise<void> | undefined
  /** Whether all that is under way is that codes of another codec are made. */
  #recodes = false
  #turn: Promise<void> | undefined
  #held = 0
  /** The collection whose turn it is. */
  #next = 0

  constructor(engine: Engine, host: LinkingHost) {
    this.#engine = engine
    this.#host = host
  }

  /** Whether an index is being built anew: that takes long, and nobody waits for it. */
  get rebuilding(): boolean {
    for (const { graph } of this.#engine.collections.values()) if (graph.rebuilding) return true
    return false
  }

  /** Whether there was something to do when it was looked for last, and nothing was in the way. */
  get running(): boolean {
    return this.#running !== undefined
  }

  /** Whether what is being done takes long, and is nothing that must be waited for: an index is built anew, or codes of another codec are made. */
  get patient(): boolean {
    return this.rebuilding || (this.running && this.#recodes)
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

  /** Goes on, until there is nothing left to do for `goal`, or changes fill the cache. */
  start(goal: Goal): void {
    this.#goal = goal
    if (this.#running || this.#held) return
    const work = this.#begin()
    if (!work) return
    this.#running = this.#run(work).finally(() => {
      this.#running = undefined
      this.#host.ended()
    })
  }

  /** Resolves when the next step is done, at once when there is none. */
  async turn(): Promise<void> {
    await this.#turn
  }

  /** Runs `work` while the graphs rest. */
  async whileAtRest<T>(work: () => Promise<T> | T): Promise<T> {
    this.#held++
    try {
      await this.#running
      return await work()
    } finally {
      this.#held--
      this.start(this.#goal)
    }
  }

  /** Resolves when nothing is under way, and nothing will be. */
  async close(): Promise<void> {
    this.#held++
    await this.#running
  }

  async #run(first: { graph: Graph, steps: Step[] }): Promise<void> {
    for (let work: typeof first | undefined = first; work; work = this.#held ? undefined : this.#begin()) {
      this.#turn = this.#do(work)
      await this.#turn
    }
  }

  async #do({ graph, steps }: { graph: Graph, steps: Step[] }): Promise<void> {
    try {
      const { rebuilding: before, awaitsEnd } = graph
      this.#recodes = graph.recodesOnly
      // Else nobody else would have a turn: nothing is waited for.
      if (!steps.length) await nextTurn()
      await this.#engine.threads.run(graph.ptr, steps)
      await byAndBy(graph.end(), SLICE_MS)
      if (before) this.#host.rebuild(graph.rebuilding)
      if (!awaitsEnd && graph.awaitsEnd) this.#host.recoded()
    } catch (error) {
      this.#host.failed(error)
    }
  }

  #begin(): { graph: Graph, steps: Step[] } | undefined {
    if (this.#engine.damage || this.#engine.cacheIsDirty || this.#host.isDue()) return undefined
    const graphs = [...this.#engine.collections.values()].map(({ graph }) => graph)
    for (let i = 0; i < graphs.length; i++) {
      const graph = graphs[this.#next++ % graphs.length]!
      try {
        const { next } = graph
        // Half of the room may be taken by changes, between two looks at it.
        const steps = graph.begin(this.#goal, Math.floor(this.#engine.cache.roomFor(graph.base) / 2 / FRAMES_A_NODE))
        if (next && !graph.next) this.#host.recoded()
        if (steps) return { graph, steps }
      } catch (error) {
        this.#host.failed(error)
        return undefined
      }
    }
    return undefined
  }
}
