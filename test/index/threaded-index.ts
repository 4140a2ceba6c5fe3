import { atOnce } from '../../floor/slices.js'
import type { GraphState } from '../../index/graph.js'
import type { Goal } from '../../index/linker.js'
import type { Nearest } from '../../index/searcher.js'
import { MemoryIndex, type MemoryIndexOptions } from './memory-index.js'

export interface ThreadedIndexOptions extends MemoryIndexOptions {
  workers: number
}

/** A MemoryIndex whose nodes are linked by worker threads, which also search it. It must be closed. */
export class ThreadedIndex extends MemoryIndex {
  readonly #given: ThreadedIndexOptions
  #linking: Promise<boolean> | undefined

  constructor(given: ThreadedIndexOptions) {
    super(given)
    this.#given = given
  }

  /** Whether the threads link. */
  get linking(): boolean {
    return this.#linking !== undefined
  }

  /** Has the threads do the next of what is to be done, if they are not at it: nodes of several batches, as long as these are `most`. Says whether there was any. */
  start(goal: Goal = 'batches', most = 0): boolean {
    const steps = this.#linking ? undefined : this.graph.begin(goal, most)
    if (!steps) return false
    this.#linking = this.threads!.run(this.graph.ptr, steps).then(() => {
      atOnce(this.graph.end())
      return true
    }).finally(() => { this.#linking = undefined })
    return true
  }

  /** Waits until the threads have done what they began. */
  async rest(): Promise<void> {
    await this.#linking
  }

  /** As MemoryIndex.link, by the threads. */
  async linkTogether(goal: Goal = 'tasks', most = 0): Promise<void> {
    do await this.rest()
    while (this.start(goal, most))
  }

  /** A search by one of the threads. */
  async ask(vector: Float32Array, k: number, ef: number): Promise<Nearest> {
    for (;;) {
      const job = this.graph.ask(vector, k, ef, false)
      try {
        await this.threads!.call('find', this.graph.ptr, job.ptr)
        const nearest = this.graph.finish(job)
        if (nearest) return nearest
      } finally {
        job.release()
      }
    }
  }

  /** As reopen; this one is closed. The threads must be at rest. */
  async reopenTogether(state: GraphState): Promise<ThreadedIndex> {
    const next = this.goOn(new ThreadedIndex(this.#given), state)
    await this.close()
    return next
  }

  async close(): Promise<void> {
    await this.rest()
    await this.threads!.close()
  }
}
