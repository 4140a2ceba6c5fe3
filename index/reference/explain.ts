/** What a search took, into the words of its job. Told in kernel/explain.ts. */

import { now } from '../clock.js'
import {
  JOB_DISTANCES, JOB_EXPLAINS, JOB_FAULTS, JOB_HOPS, JOB_LAP, JOB_READS, JOB_RERANKED, JOB_THREAD, JOB_WIDENED, JOB_WIDTH
} from '../kernel/layout.js'
import type { GraphRows } from './graph.js'
import type { Work } from './search.js'

export class Explanation {
  readonly #graph: GraphRows
  readonly #work: Work
  readonly #job: number
  readonly #isAsked: boolean

  constructor(graph: GraphRows, work: Work, job: number) {
    this.#graph = graph
    this.#work = work
    this.#job = job
    this.#isAsked = graph.memory.u32(job + JOB_EXPLAINS) !== 0
  }

  begin(): void {
    if (!this.#isAsked) return
    this.#graph.memory.setU32(this.#job + JOB_THREAD, this.#graph.rows.thread)
    this.#addCounts(-1)
    this.#graph.memory.setF64(this.#job + JOB_LAP, now())
  }

  end(): void {
    if (this.#isAsked) this.#addCounts(1)
  }

  /** The time since the last change of stages was spent in this one. */
  lap(stage: number): void {
    if (!this.#isAsked) return
    const { memory } = this.#graph
    const [at, time] = [this.#job + stage, now()]
    memory.setF64(at, memory.f64(at) + time - memory.f64(this.#job + JOB_LAP))
    memory.setF64(this.#job + JOB_LAP, time)
  }

  /** A beam of this width is next. */
  noteWidth(width: number): void {
    const { memory } = this.#graph
    const before = memory.u32(this.#job + JOB_WIDTH)
    if (!this.#isAsked || width <= before) return
    if (before) this.#add(JOB_WIDENED, 1)
    memory.setU32(this.#job + JOB_WIDTH, width)
  }

  #addCounts(sign: number): void {
    const { rows, spaces } = this.#graph
    for (const space of spaces) {
      const { reads, faults } = rows.counts(space)
      this.#add(JOB_READS, sign * Number(BigInt.asUintN(32, reads)))
      this.#add(JOB_FAULTS, sign * Number(BigInt.asUintN(32, faults)))
    }
    this.#add(JOB_DISTANCES, sign * this.#work.distances)
    this.#add(JOB_HOPS, sign * this.#work.hops)
    this.#add(JOB_RERANKED, sign * this.#work.measured)
  }

  #add(word: number, count: number): void {
    const { memory } = this.#graph
    memory.setU32(this.#job + word, memory.u32(this.#job + word) + count)
  }
}
