import type { SearchWork } from '../index/explanation.js'
import { now } from '../index/clock.js'
import type { Explanation } from './hits.js'

const NO_WORK: SearchWork = {
  by: 'caller', blockAccesses: 0, blocksRead: 0, distances: 0, reranked: 0, hops: 0, width: 0, widened: 0, graph: 0, rerank: 0, scan: 0
}

/** What a search takes: of all that it asks of its graph, until its end. */
export class Explaining {
  readonly #began = now()
  #work = NO_WORK
  #records = 0

  /** Adds what an answer took; undefined where the search was ended before it began. */
  add(work: SearchWork = NO_WORK): void {
    const sum = this.#work
    this.#work = {
      by: work.by,
      blockAccesses: sum.blockAccesses + work.blockAccesses, blocksRead: sum.blocksRead + work.blocksRead,
      distances: sum.distances + work.distances, reranked: sum.reranked + work.reranked, hops: sum.hops + work.hops,
      width: Math.max(sum.width, work.width), widened: sum.widened + work.widened,
      graph: sum.graph + work.graph, rerank: sum.rerank + work.rerank, scan: sum.scan + work.scan
    }
  }

  /** Runs what reads keys and metadata. */
  reading<T>(read: () => T): T {
    const began = now()
    const result = read()
    this.#records += now() - began
    return result
  }

  end(): Explanation {
    const total = now() - this.#began
    const { graph, rerank, scan } = this.#work
    return { ...this.#work, records: this.#records, waiting: Math.max(0, total - graph - rerank - scan - this.#records), total }
  }
}
