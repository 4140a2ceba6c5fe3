import { mkdir, rm } from 'node:fs/promises'
import { VectorLevel, type Collection } from '../../src/index.js'
import { readMatrix, rowOf, type Matrix } from '../data/fbin-file.js'
import { datasetOf, readGroundTruth, readQueries } from '../datasets.js'
import { linked } from '../linked.js'
import { answer } from '../macro/child.js'
import { quantile } from '../macro/quantile.js'
import { Stopwatch } from '../macro/stopwatch.js'
import { recallOf } from '../macro/sweep.js'
import { usualEf, type CodesPoint, type CodesSweep, type Variant } from './figures.js'

export interface CodesWorkload extends Variant {
  dataset: string
  count: number
  M: number
  efConstruction: number
  k: number
  directory: string
}

export type Request =
  | { type: 'load'; workload: CodesWorkload }
  | { type: 'sweep'; workload: CodesWorkload; cacheBytes: number; efs: number[]; runs: number }

export interface Replies {
  load: { seconds: number; rowBytes: number; indexBytes: number; recordBytes: number }
  sweep: CodesSweep
}

type Items = Collection<undefined>

const blockCount = 1_000
const enough = 0.99
/** Large enough for everything to be resident. */
export const wholeCache = 2 * 1024 ** 3

function handle(request: Request): Promise<Replies[Request['type']]> {
  return request.type === 'load' ? load(request.workload) : sweep(request)
}

async function open(workload: CodesWorkload, cacheSize: number, workers?: number): Promise<{ db: VectorLevel; items: Items }> {
  const { codec, codeBytes, store, M, efConstruction } = workload
  const { dim: dimensions, metric } = datasetOf(workload.dataset)
  const db = new VectorLevel(workload.directory, { cacheSize, durability: 'relaxed', ...(workers !== undefined && { workers }) })
  await db.open()
  const options = { dimensions, metric, codec, M, efConstruction, ...(codeBytes !== undefined && { codeBytes }), ...(store !== undefined && { store }) }
  return { db, items: db.collection<undefined>('items', options) }
}

async function load(workload: CodesWorkload): Promise<Replies['load']> {
  await rm(workload.directory, { recursive: true, force: true })
  await mkdir(workload.directory, { recursive: true })
  const base = await readMatrix(datasetOf(workload.dataset).files.base, floats, workload.count)
  const { db, items } = await open(workload, wholeCache)
  const watch = new Stopwatch()
  for (let first = 0; first < base.count; first += blockCount) {
    const keys = Array.from({ length: Math.min(blockCount, base.count - first) }, (_, i) => first + i)
    await watch.time(() => items.batch(keys.map((key) => ({ type: 'put', key: String(key), vector: rowOf(base, key) }))))
  }
  await watch.time(() => linked(items))
  await db.checkpoint()
  await db.compact()
  const { bytes } = await db.stats()
  const { bytesPerVector } = await items.stats()
  await db.close()
  return { seconds: watch.seconds, rowBytes: bytesPerVector.code, indexBytes: bytes.index - bytes.free, recordBytes: bytes.records }
}

/** On the calling thread, one query after the other. */
async function sweep({ workload, cacheBytes, efs, runs }: Request & { type: 'sweep' }): Promise<CodesSweep> {
  const dataset = datasetOf(workload.dataset)
  const queries = await readQueries(dataset)
  const truth = await readGroundTruth(dataset, workload.count)
  const { db, items } = await open(workload, cacheBytes, 0)
  const missesSoFar = async (): Promise<number> => (await db.stats()).cache.misses
  const points: CodesPoint[] = []
  for (const ef of efs) {
    // Wider ones would find no more.
    if (ef > usualEf && points.every((point) => point.ef < ef / 2 || point.recall >= enough)) break
    // All of the beam is measured again, so that points differ in its width alone; and once as a user finds it.
    const ways = workload.codec !== 'f32' && !workload.store ? ([Math.max(1, ef / workload.k), 'auto'] as const) : (['auto'] as const)
    for (const oversample of ways) {
      const warm = warmUp(items, queries, truth, workload.k, ef, oversample)
      const before = await missesSoFar()
      const timed = time(items, queries, workload.k, ef, oversample, runs)
      points.push({ ef, oversample, ...warm, ...timed, misses: (await missesSoFar() - before) / (runs * queries.count) })
    }
  }
  await db.close()
  return { cacheBytes, points }
}

function warmUp(items: Items, queries: Matrix, truth: Matrix<Int32Array>, k: number, ef: number, oversample: number | 'auto'): { recall: number } {
  const found = Array.from({ length: queries.count }, (_, i) => items.searchSync(rowOf(queries, i), { k, ef, oversample }).map(({ key }) => Number(key)))
  return { recall: recallOf(found, truth, k) }
}

/** Of several rounds, the one of median speed. */
function time(items: Items, queries: Matrix, k: number, ef: number, oversample: number | 'auto', runs: number): { qps: number; p50Us: number } {
  const search = (i: number): unknown => items.searchSync(rowOf(queries, i), { k, ef, oversample })
  const timed = Array.from({ length: runs }, () => {
    const micros = Float64Array.from({ length: queries.count }, (_, i) => {
      const before = performance.now()
      search(i)
      return (performance.now() - before) * 1e3
    })
    return { qps: 1e6 / (micros.reduce((a, b) => a + b) / micros.length), p50Us: quantile(micros, 0.5) }
  }).sort((a, b) => a.qps - b.qps)
  return timed[runs >> 1]
}

function floats(components: number): Float32Array {
  return new Float32Array(components)
}

answer(handle)
