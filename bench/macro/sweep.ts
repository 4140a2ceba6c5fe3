import { rowOf, type Matrix } from '../data/fbin-file.js'
import type { Engine, Searcher } from './engine.js'
import { quantile } from './quantile.js'

export interface Timing {
  /** Queries a second, and a second of processor time. */
  qps: number
  qpsCpu: number
  p50Us: number
  p99Us: number
}

export interface SweepPoint {
  ef: number
  recall: number
  /** The share of the queries that gave fewer than k results. */
  short: number
  /** From Float32Array to result. */
  timing: Timing
  /** With vectors that were turned into what the library takes before; only where it demands that. */
  preparedTiming?: Timing
}

export interface SweepTask {
  efs: readonly number[]
  k: number
  repetitions: number
}

/** Searches all queries, one after the other, at each ef: once to warm up and to measure recall, then for the time. */
export async function sweep(
  engine: Pick<Engine, 'prepare'>,
  searcher: Searcher<unknown, unknown>,
  queries: Matrix,
  truth: Matrix<Int32Array>,
  { efs, k, repetitions }: SweepTask
): Promise<SweepPoint[]> {
  const vectors = Array.from({ length: queries.count }, (_, i) => rowOf(queries, i))
  const prepared = engine.prepare ? vectors.map(engine.prepare) : vectors
  const searchPrepared = (i: number): unknown => searcher.search(prepared[i], k)
  const search = engine.prepare ? (i: number) => searcher.search(engine.prepare!(vectors[i]), k) : searchPrepared
  const points: SweepPoint[] = []
  for (const ef of efs) {
    await searcher.setEf(ef)
    const found = prepared.map((_, i) => searcher.ordinalsOf(searchPrepared(i)))
    points.push({
      ef,
      recall: recallOf(found, truth, k),
      short: found.filter((ordinals) => new Set(ordinals).size < k).length / found.length,
      timing: medianOf(repetitions, () => time(vectors.length, search)),
      ...(engine.prepare && { preparedTiming: medianOf(repetitions, () => time(vectors.length, searchPrepared)) })
    })
  }
  return points
}

/** The share of the `k` true neighbors that were found, over all queries. */
export function recallOf(found: readonly number[][], truth: Matrix<Int32Array>, k: number): number {
  let hits = 0
  found.forEach((ordinals, i) => {
    const nearest = new Set(rowOf(truth, i).subarray(0, k))
    for (const ordinal of new Set(ordinals.slice(0, k))) if (nearest.has(ordinal)) hits++
  })
  return hits / (found.length * k)
}

function time(count: number, search: (i: number) => unknown): Timing {
  const micros = new Float64Array(count)
  const cpu = process.cpuUsage()
  const started = performance.now()
  let before = started
  for (let i = 0; i < count; i++) {
    search(i)
    const after = performance.now()
    micros[i] = (after - before) * 1e3
    before = after
  }
  const seconds = (before - started) / 1e3
  const { user, system } = process.cpuUsage(cpu)
  return {
    qps: count / seconds,
    qpsCpu: count / ((user + system) / 1e6),
    p50Us: quantile(micros, 0.5),
    p99Us: quantile(micros, 0.99)
  }
}

/** The median repetition, by its speed. */
function medianOf(repetitions: number, measure: () => Timing): Timing {
  const timings = Array.from({ length: repetitions }, measure).sort((a, b) => a.qps - b.qps)
  return timings[Math.floor(repetitions / 2)]
}
