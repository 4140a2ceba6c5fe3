import type { Collection } from '../../src/index.js'
import { openItems } from '../churn/vector-level.js'
import { Random } from '../data/random.js'
import { rowOf, type Matrix } from '../data/fbin-file.js'
import { linked } from '../linked.js'
import { Answers } from './answers.js'
import { Checker } from './checking.js'
import type { MixedFigures, MixedSearches } from './figures.js'
import { History } from './history.js'
import { Latencies } from './latencies.js'
import type { StoreTask } from './subjects.js'

export interface MixedTask extends StoreTask {
  k: number
  callers: number
  seconds: number
  seed: number
}

/** What callers do: searches, of which some look at everything, and writes. */
interface Load {
  writes: number
  /** Of the searches. */
  exact: number
  seconds: number
}

const writeShare = 0.1
const exactShare = 0.05
/** Answers whose recall is measured, and exact ones that are compared with all that was there. */
const [sampled, exactSampled] = [200, 300]
const batchCount = 1_000

/** Searches by some callers alone, then with writes among them, then with exact searches as well; all answers are checked in the end. */
export async function measureMixed(task: MixedTask, base: Matrix, queries: Matrix): Promise<MixedFigures> {
  const { callers, seconds, ef, k } = task
  const { db, items } = await openItems(task, { workers: task.workers })
  const world = new World(items, task, base, queries)
  await world.load()
  await world.run({ writes: 0, exact: 0, seconds: Math.min(1, seconds / 4) })
  const readOnly = await world.run({ writes: 0, exact: 0, seconds: seconds / 3 })
  const mixed = await world.run({ writes: writeShare, exact: 0, seconds })
  const proof = await world.run({ writes: writeShare, exact: exactShare, seconds: seconds / 6 })
  await db.close()

  const checker = new Checker(base, queries, task.metric, world.history, k)
  for (const { answers } of [readOnly, mixed, proof]) checker.check(answers, exactSampled)
  const searchesOf = ({ answers, searches, took }: Ran): MixedSearches => ({
    searches: searches.count, qps: searches.count / took, recall: checker.recall(answers, sampled), ...searches.summary()
  })
  return {
    callers, seconds, ef,
    readOnly: searchesOf(readOnly), mixed: searchesOf(mixed),
    writes: mixed.writes.count, write: mixed.writes.summary(), checked: checker.checked
  }
}

interface Ran {
  answers: Answers
  searches: Latencies
  writes: Latencies
  took: number
}

/** A collection, and all that is known of what its keys were given. */
class World {
  readonly history = new History()
  readonly #items: Collection<unknown>
  readonly #task: MixedTask
  readonly #base: Matrix
  readonly #queries: Matrix
  readonly #random: Random
  /** Keys that have a record once all that was called is done; and the rows that were written last. */
  readonly #live: number[] = []
  readonly #latest: number[] = []
  #keys = 0

  constructor(items: Collection<unknown>, task: MixedTask, base: Matrix, queries: Matrix) {
    this.#items = items
    this.#task = task
    this.#base = base
    this.#queries = queries
    this.#random = new Random(task.seed)
  }

  async load(): Promise<void> {
    while (this.#keys < this.#task.count) {
      const keys = Array.from({ length: Math.min(batchCount, this.#task.count - this.#keys) }, () => this.#keys++)
      // Of all rows, as the later ones: where searches and writes come to other data in time, recall and speed tell of that.
      const versions = keys.map((key) => this.history.begin(key, this.#below(this.#base.count)))
      await this.#items.batch(keys.map((key, i) => ({ type: 'put', key: String(key), vector: rowOf(this.#base, versions[i].row!) })))
      for (const version of versions) this.history.end(version)
      this.#live.push(...keys)
    }
    await linked(this.#items)
  }

  async run({ writes, exact, seconds }: Load): Promise<Ran> {
    const ran = { answers: new Answers(this.#task.k), searches: new Latencies(), writes: new Latencies() }
    const started = performance.now()
    const call = async (): Promise<void> => {
      while (performance.now() - started < seconds * 1e3) {
        const called = performance.now()
        if (this.#random.uniform() < writes) {
          await this.#write()
          ran.writes.note(called)
        } else {
          await this.#search(ran.answers, this.#random.uniform() < exact)
          ran.searches.note(called)
        }
      }
    }
    await Promise.all(Array.from({ length: this.#task.callers }, call))
    return { ...ran, took: (performance.now() - started) / 1e3 }
  }

  /** A third each: a new record, another vector for a record, and a deletion. */
  async #write(): Promise<void> {
    const kind = this.#below(3)
    const chosen = this.#below(this.#live.length)
    const key = kind === 0 ? this.#keys++ : this.#live[chosen]
    if (kind === 0) this.#live.push(key)
    if (kind === 2) {
      this.#live[chosen] = this.#live[this.#live.length - 1]
      this.#live.pop()
      const version = this.history.begin(key, undefined)
      await this.#items.del(String(key))
      return this.history.end(version)
    }
    const row = this.#below(this.#base.count)
    this.#latest[this.#below(100)] = row
    const version = this.history.begin(key, row)
    await this.#items.put(String(key), rowOf(this.#base, row))
    this.history.end(version)
  }

  async #search(answers: Answers, exact: boolean): Promise<void> {
    // Exact searches look for what was just written: there it shows whether that is seen.
    const latest = exact ? this.#latest[this.#below(100)] : undefined
    const ofBase = latest !== undefined
    const query = latest ?? this.#below(this.#queries.count)
    const from = this.history.moment()
    const { k, ef } = this.#task
    const hits = await this.#items.search(rowOf(ofBase ? this.#base : this.#queries, query), { k, ef, exact, metadata: false })
    answers.add({ from, to: this.history.moment(), query, ofBase, exact }, hits)
  }

  #below(count: number): number {
    return Math.floor(this.#random.uniform() * count)
  }
}
