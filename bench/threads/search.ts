import { setTimeout as delay } from 'node:timers/promises'
import type { Collection } from '../../src/index.js'
import { openItems } from '../churn/vector-level.js'
import { rowOf, type Matrix } from '../data/fbin-file.js'
import { median } from '../macro/quantile.js'
import { recallOf } from '../macro/sweep.js'
import type { Latency, SearchFigures } from './figures.js'
import { Latencies } from './latencies.js'
import type { StoreTask } from './subjects.js'

export interface SearchTask extends StoreTask {
  k: number
  callers: number
  rounds: number
}

/** After so long without work all threads sleep. */
const pauseMs = 2
/** Searches after a pause, of a round. */
const paused = 300

type Search = (vector: Float32Array) => unknown
type Round = Omit<SearchFigures, 'ef' | 'recall' | 'callers'>

/** Searches a store that a build has left: alone, one after the other, and by many callers, by turns. */
export async function measureSearch(task: SearchTask, queries: Matrix, truth: Matrix<Int32Array>): Promise<SearchFigures> {
  const { k, ef, callers } = task
  const { db, items } = await openItems(task, { workers: task.workers })
  const vectors = Array.from({ length: queries.count }, (_, i) => rowOf(queries, i))
  const sync: Search = (vector) => items.searchSync(vector, { k, ef })
  const search: Search = (vector) => items.search(vector, { k, ef })
  const recall = await recallOfStore(items, vectors, truth, task)
  const round = async (): Promise<Round> => {
    const syncAlone = await oneByOne(vectors, sync)
    const searchAlone = await oneByOne(vectors, search)
    return {
      sync: syncAlone.latency,
      syncQps: syncAlone.qps,
      search: searchAlone.latency,
      callersQps: await together(vectors, search, callers),
      syncAfterPause: (await oneByOne(vectors.slice(0, paused), sync, pauseMs)).latency,
      searchAfterPause: (await oneByOne(vectors.slice(0, paused), search, pauseMs)).latency
    }
  }
  // Once to compile and to fill caches.
  await round()
  const rounds: Round[] = []
  while (rounds.length < task.rounds) rounds.push(await round())
  await db.close()
  return { ef, recall, callers, ...medians(rounds) }
}

async function oneByOne(vectors: Float32Array[], search: Search, pause = 0): Promise<{ latency: Latency, qps: number }> {
  const latencies = new Latencies()
  const started = performance.now()
  for (const vector of vectors) {
    if (pause) await delay(pause)
    const called = performance.now()
    const result = search(vector)
    // What is awaited without need would cost searchSync a turn of the queue.
    if (result instanceof Promise) await result
    latencies.note(called)
  }
  return { latency: latencies.summary(), qps: (vectors.length / (performance.now() - started)) * 1e3 }
}

/** Searches a second of callers, each of which waits for its last answer. */
async function together(vectors: Float32Array[], search: Search, callers: number): Promise<number> {
  const total = 4 * vectors.length
  let next = 0
  const started = performance.now()
  await Promise.all(Array.from({ length: callers }, async () => {
    while (next < total) await search(vectors[next++ % vectors.length])
  }))
  return (total / (performance.now() - started)) * 1e3
}

async function recallOfStore(items: Collection<unknown>, vectors: Float32Array[], truth: Matrix<Int32Array>, { k, ef }: SearchTask): Promise<number> {
  const hits = await items.searchMany(vectors, { k, ef })
  return recallOf(hits.map((each) => each.map(({ key }) => Number(key))), truth, k)
}

function medians(rounds: Round[]): Round {
  const of = (figure: (round: Round) => number): number => median(rounds.map(figure))
  const latency = (figure: (round: Round) => Latency): Latency => ({
    p50Us: of((round) => figure(round).p50Us),
    p99Us: of((round) => figure(round).p99Us)
  })
  return {
    sync: latency(({ sync }) => sync),
    search: latency(({ search }) => search),
    syncAfterPause: latency(({ syncAfterPause }) => syncAfterPause),
    searchAfterPause: latency(({ searchAfterPause }) => searchAfterPause),
    syncQps: of(({ syncQps }) => syncQps),
    callersQps: of(({ callersQps }) => callersQps)
  }
}
