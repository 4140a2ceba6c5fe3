import { createHash } from 'node:crypto'
import { execFileSync } from 'node:child_process'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { type CacheKind, type Collection, type Hits, VectorLevel } from '../../src/index.js'
import { FbinFile, rowOf, type Matrix } from '../data/fbin-file.js'
import { datasetOf, readGroundTruth, readQueries } from '../datasets.js'
import { linked } from '../linked.js'
import { answer } from '../macro/child.js'
import { median, quantile } from '../macro/quantile.js'
import { Stopwatch } from '../macro/stopwatch.js'
import { recallOf } from '../macro/sweep.js'
import { type Draw, uniformDraws, zipfDraws } from './draws.js'
import type { ColdRow, LadderRung, Load, Loaded, PagingRow } from './figures.js'
import { held, watchHeld } from './held.js'
import { comparePaging } from './paging.js'

export interface MemoryWorkload {
  dataset: string
  count: number
  M: number
  efConstruction: number
  directory: string
}

export interface Searches {
  ef: number
  k: number
  /** Rounds of as many searches as there are queries. */
  runs: number
}

export type Request =
  /** Puts rows [first, count) into a store, which is made anew when first is 0. */
  | { type: 'fill'; workload: MemoryWorkload; first: number; cacheBytes: number; compact: boolean; doublings?: boolean }
  | { type: 'ladder'; workload: MemoryWorkload; cacheBytes: number; searches: Searches }
  /** With a share of the blocks in memory. */
  | { type: 'uniform'; workload: MemoryWorkload; indexBytes: number; share: number; searches: Searches }
  | { type: 'cold'; workload: MemoryWorkload; searches: Searches }
  | { type: 'paging'; workload: MemoryWorkload; searches: Searches }

export interface Replies {
  fill: Loaded & { indexBytes: number }
  ladder: Omit<LadderRung, 'share'>
  uniform: Load
  cold: Omit<ColdRow, 'dataset' | 'count' | 'dim' | 'M' | 'efConstruction' | 'indexBytes'>
  paging: Pick<PagingRow, 'pagedQps' | 'flatQps' | 'ratios'>
}

type Items = Collection<undefined>

interface Opened {
  db: VectorLevel
  items: Items
}

/** Large enough for everything to be resident. */
export const wholeCache = 3 * 1024 ** 3
/** The smallest cache that a database takes. */
export const leastCache = 8 * 2 ** 20
const blockCount = 16_384
/** Seconds of searches from which it is told how fast they become, and of one window of them. */
const coldSeconds = 10
const windowSeconds = 0.25
const warmShare = 0.9
/** From so many vectors on a store is compacted when it has doubled. */
const leastCompacted = 65_536

function handle(request: Request): Promise<Replies[Request['type']]> {
  if (request.type === 'fill') return fill(request)
  if (request.type === 'ladder') return ladder(request)
  if (request.type === 'uniform') return uniform(request)
  if (request.type === 'cold') return cold(request)
  return paging(request)
}

async function open({ dataset, M, efConstruction, directory }: MemoryWorkload, cacheSize: number, workers?: number): Promise<Opened> {
  const { dim: dimensions, metric } = datasetOf(dataset)
  const db = new VectorLevel(directory, { cacheSize, durability: 'relaxed', ...(workers !== undefined && { workers }) })
  await db.open()
  return { db, items: db.collection<undefined>('items', { dimensions, metric, M, efConstruction }) }
}

/** Until all is linked and in a checkpoint; rows are read outside the clock. */
async function fill({ workload, first, cacheBytes, compact, doublings }: Request & { type: 'fill' }): Promise<Replies['fill']> {
  if (first === 0) await rm(workload.directory, { recursive: true, force: true })
  await mkdir(workload.directory, { recursive: true })
  const base = await FbinFile.open(datasetOf(workload.dataset).files.base)
  const before = held()
  const stopWatching = watchHeld()
  const { db, items } = await open(workload, cacheBytes)
  const watch = new Stopwatch()
  const values = new Float32Array(blockCount * base.dim)
  let doubled = leastCompacted
  for (let from = first; from < workload.count; from += blockCount) {
    const rows = Math.min(blockCount, workload.count - from)
    await base.read(from, values.subarray(0, rows * base.dim))
    const block: Matrix = { count: rows, dim: base.dim, values }
    await watch.time(() => items.batch(Array.from({ length: rows }, (_, i) => ({ type: 'put', key: String(from + i), vector: rowOf(block, i) }))))
    if (!doublings || from + rows < doubled || from + rows === workload.count) continue
    doubled *= 2
    await watch.time(() => db.compact())
  }
  await watch.time(() => linked(items))
  await watch.time(() => db.checkpoint())
  const most = stopWatching()
  if (compact) await db.compact()
  const { bytes } = await db.stats()
  await db.close()
  await base.close()
  return { seconds: watch.seconds, cpuSeconds: watch.cpuSeconds, indexBytes: bytes.index - bytes.free, before, most }
}

/** On the calling thread, one query after the other. */
async function ladder({ workload, cacheBytes, searches }: Request & { type: 'ladder' }): Promise<Replies['ladder']> {
  const dataset = datasetOf(workload.dataset)
  const queries = await readQueries(dataset)
  const truth = await readGroundTruth(dataset, workload.count)
  const before = held()
  const stopWatching = watchHeld()
  const { db, items } = await open(workload, cacheBytes)
  const hash = createHash('sha256')
  const found = Array.from({ length: queries.count }, (_, i) => {
    const hits = search(items, queries, i, searches)
    hash.update(JSON.stringify(hits.map(({ key, distance }) => [key, distance])))
    return hits.map(({ key }) => Number(key))
  })
  const uniform = await time(db, items, queries, searches, uniformDraws(queries.count, 1))
  const zipf = await time(db, items, queries, searches, zipfDraws(queries.count, 2))
  const most = stopWatching()
  await db.close()
  return { cacheBytes, recall: recallOf(found, truth, searches.k), results: hash.digest('hex').slice(0, 16), uniform, zipf, before, most }
}

async function uniform({ workload, indexBytes, share, searches }: Request & { type: 'uniform' }): Promise<Load> {
  const queries = await readQueries(datasetOf(workload.dataset))
  const cacheBytes = Math.max(leastCache, Math.round(indexBytes * share))
  const { db, items } = await open(workload, cacheBytes + await otherThanFrames(workload, cacheBytes, queries, searches))
  const load = await time(db, items, queries, searches, uniformDraws(queries.count, 1))
  await db.close()
  return load
}

/** Bytes of a cache that are not for blocks. */
async function otherThanFrames(workload: MemoryWorkload, cacheBytes: number, queries: Matrix, searches: Searches): Promise<number> {
  const { db, items } = await open(workload, cacheBytes)
  for (let i = 0; i < queries.count; i++) search(items, queries, i, searches)
  const { limit, bytes } = db.cacheStats()
  await db.close()
  return limit - bytes.blocks - bytes.emptyFrames - bytes.free
}

function search(items: Items, queries: Matrix, i: number, { ef, k }: Searches): Hits<undefined> {
  return items.searchSync(rowOf(queries, i), { ef, k })
}

/** A round to get warm; then several, the speed of which is that of the median one. */
async function time(db: VectorLevel, items: Items, queries: Matrix, searches: Searches, draw: Draw): Promise<Load> {
  for (let i = 0; i < queries.count; i++) search(items, queries, draw(), searches)
  const before = db.cacheStats()
  const micros = new Float64Array(searches.runs * queries.count)
  for (let i = 0; i < micros.length; i++) {
    const query = draw()
    const began = performance.now()
    search(items, queries, query, searches)
    micros[i] = (performance.now() - began) * 1e3
    // Whoever watches the memory must have turns.
    if (i % 100 === 0) await nextTurn()
  }
  const after = db.cacheStats()
  const rounds = Array.from({ length: searches.runs }, (_, run) => micros.subarray(run * queries.count, (run + 1) * queries.count))
  const kinds = Object.keys(after.kinds) as CacheKind[]
  const hitsOf = (kind: CacheKind): number => after.kinds[kind].hits - before.kinds[kind].hits
  const missesOf = (kind: CacheKind): number => after.kinds[kind].misses - before.kinds[kind].misses
  const [hits, misses] = [after.hits - before.hits, after.misses - before.misses]
  const [blockHits, blockMisses] = [hits - hitsOf('records'), misses - missesOf('records')]
  return {
    qps: median(rounds.map((round) => 1e6 / (round.reduce((a, b) => a + b) / round.length))),
    p50Us: quantile(micros, 0.5),
    p99Us: quantile(micros, 0.99),
    hitRatio: hits / (hits + misses),
    blockHitRatio: blockHits / (blockHits + blockMisses),
    blocksRead: misses / micros.length,
    reads: Object.fromEntries(kinds.map((kind) => [kind, missesOf(kind) / micros.length])) as Record<CacheKind, number>
  }
}

/** Empties the system's cache of files, where that is allowed. */
async function dropFiles(): Promise<boolean> {
  try {
    execFileSync('sync')
    await writeFile('/proc/sys/vm/drop_caches', '3')
    return true
  } catch {
    return false
  }
}

async function cold({ workload, searches }: Request & { type: 'cold' }): Promise<Replies['cold']> {
  const queries = await readQueries(datasetOf(workload.dataset))
  const draw = uniformDraws(queries.count, 3)
  const dropped = await dropFiles()
  const opening = performance.now()
  const { db, items } = await open(workload, wholeCache, 0)
  const start = performance.now()
  search(items, queries, draw(), searches)
  const firstMs = performance.now() - start
  const windows = new Float64Array(coldSeconds / windowSeconds)
  for (let at = 0; at < windows.length; at = Math.floor((performance.now() - start) / 1e3 / windowSeconds)) {
    search(items, queries, draw(), searches)
    windows[at] += 1 / windowSeconds
  }
  await db.close()
  const warmQps = median(windows.subarray(windows.length * 0.7))
  const warm = windows.findIndex((qps) => qps >= warmShare * warmQps)
  return { dropped, openMs: start - opening, firstMs, warmSeconds: (warm + 1) * windowSeconds, warmQps }
}

async function paging({ workload, searches }: Request & { type: 'paging' }): Promise<Replies['paging']> {
  return await comparePaging(workload.directory, wholeCache, await readQueries(datasetOf(workload.dataset)), searches)
}

answer(handle)
