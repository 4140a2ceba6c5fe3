import { setImmediate as nextTurn, setTimeout as delay } from 'node:timers/promises'
import { rowOf, type Matrix } from '../data/fbin-file.js'
import type { LoopFigures } from './figures.js'
import { every } from './every.js'
import { Latencies } from './latencies.js'
import { delaysDuring } from './loop-delay.js'
import { recallAmong, type Answer } from './recall.js'
import type { AsyncEngine, AsyncIndex, StoreTask } from './subjects.js'

export interface LoopTask extends StoreTask {
  k: number
  batch: number
  callers: number
  searchesPerSecond: number
}

/** How long the loop is watched before there is anything to do. */
const restMs = 5_000
/** Searches whose recall is measured: so many are compared with all vectors. */
const sampled = 300

/** Inserts all rows of the base into an empty index, while searches are asked for at a steady pace. */
export async function measureLoop(engine: AsyncEngine, task: LoopTask, base: Matrix, queries: Matrix): Promise<LoopFigures> {
  const { k, batch, callers, ef, count } = task
  const index = await engine.create(task)
  await index.setEf(ef)
  const prepared = (vector: Float32Array): unknown => (engine.prepare ? engine.prepare(vector) : vector)
  const paced = new PacedSearches(index, k, Array.from({ length: queries.count }, (_, i) => prepared(rowOf(queries, i))))
  let [begun, written] = [0, 0]

  const insert = async (): Promise<void> => {
    while (begun < count) {
      const first = begun
      begun = Math.min(count, first + batch)
      const keys = Array.from({ length: begun - first }, (_, i) => first + i)
      await index.insert(keys, keys.map((key) => prepared(rowOf(base, key))))
      written += keys.length
      // A library that never waits would keep searches and the monitor out until the end.
      await nextTurn()
    }
  }
  const delayAtRestMs = await delaysDuring(() => delay(restMs))
  let seconds = 0
  const delayMs = await delaysDuring(async () => {
    const started = performance.now()
    const searching = paced.run(task.searchesPerSecond, () => written)
    await Promise.all(Array.from({ length: callers }, insert))
    await index.settle()
    seconds = (performance.now() - started) / 1e3
    await paced.stop()
    await searching
  })

  const answers: Answer[] = []
  for (let query = 0; query < queries.count; query++) {
    const result = await index.search(prepared(rowOf(queries, query)), k)
    answers.push({ query, there: count, found: index.ordinalsOf(result) })
  }
  await index.close()
  return {
    batch, callers, ef,
    vectorsPerSecond: count / seconds,
    delayMs, delayAtRestMs,
    searches: paced.answers.length,
    recallMeanwhile: recallAmong(base, task.metric, queries, every(paced.answers, sampled), k),
    recallAfter: recallAmong(base, task.metric, queries, every(answers, sampled), k),
    search: paced.fromCall.summary(),
    searchFromDue: paced.fromDue.summary()
  }
}

/** Searches that are due at a steady pace, whether or not those before them have been answered. */
class PacedSearches {
  readonly answers: Answer[] = []
  readonly fromCall = new Latencies()
  readonly fromDue = new Latencies()
  readonly #index: AsyncIndex
  readonly #k: number
  readonly #queries: unknown[]
  readonly #asked = new Set<Promise<void>>()
  #next = 0
  #stopped = false

  constructor(index: AsyncIndex, k: number, queries: unknown[]) {
    this.#index = index
    this.#k = k
    this.#queries = queries
  }

  /** Asks until it is stopped; `there` says how many vectors have been written. */
  async run(perSecond: number, there: () => number): Promise<void> {
    while (there() < this.#k && !this.#stopped) await delay(1)
    for (let due = performance.now(); !this.#stopped; due += 1e3 / perSecond) {
      const wait = due - performance.now()
      // A timer takes whole milliseconds, and would be early otherwise.
      if (wait > 0) await delay(Math.ceil(wait))
      const asked: Promise<void> = this.#ask(due, there()).finally(() => this.#asked.delete(asked))
      this.#asked.add(asked)
    }
  }

  async stop(): Promise<void> {
    this.#stopped = true
    await Promise.all(this.#asked)
  }

  async #ask(due: number, there: number): Promise<void> {
    const query = this.#next++ % this.#queries.length
    const called = performance.now()
    const result = await this.#index.search(this.#queries[query], this.#k)
    this.fromCall.note(called)
    this.fromDue.note(due)
    this.answers.push({ query, there, found: this.#index.ordinalsOf(result) })
  }
}
