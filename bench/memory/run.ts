import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { askOnce } from '../macro/child.js'
import { prepareInOwnProcess } from '../macro/prepare.js'
import type { DatasetPart, Options } from '../options.js'
import { places } from '../places.js'
import { type MemoryResults, noMemoryResults, type Store } from './figures.js'
import { measureBase, runWithinLimit } from './limits.js'
import type { MemoryPart } from './parts.js'
import { leastCache, wholeCache, type MemoryWorkload, type Replies, type Request } from './workload.js'

const prepareScript = new URL('../macro/prepare-process.js', import.meta.url)
const workloadScript = new URL('./workload.js', import.meta.url)
const M = 16
const efConstruction = 100
const [k, ef] = [10, 64]
const shares = [0.05, 0.1, 0.25, 0.5, 1]
const tenth = 0.1
/** Shares of the index that are cached while it is loaded, everything first; and whether it is compacted when it has doubled. */
const loads: { share?: number; doublings: boolean }[] = [
  { doublings: false }, { share: 0.5, doublings: false }, { share: 0.25, doublings: false }, { share: 0.25, doublings: true }
]
const limitsShares = [0.05, 0.1, 0.25, 1]

/** A store that is kept for other parts. */
interface Built extends Store {
  workload: MemoryWorkload
}

/** Measures what smaller caches cost, each in a process of its own; stores are built where they are missing. */
export async function runMemory(options: Options, onRows: (rows: MemoryResults) => Promise<void>): Promise<void> {
  for (const part of options.memoryDatasets) {
    const { dataset, count } = part
    console.log(`\n${dataset.title}: ${count.toLocaleString('en-US')} vectors, by the size of the cache`)
    if (!(await prepareInOwnProcess(prepareScript, dataset.name, count))) {
      process.exitCode = 1
      continue
    }
    for (const name of options.memoryParts) {
      const rows = await measurers[name](part, options.runs)
      if (rows) await onRows({ ...noMemoryResults(), ...rows })
    }
  }
}

const measurers: Record<MemoryPart, (part: DatasetPart, runs: number) => Promise<Partial<MemoryResults> | undefined>> = {
  async build(part) {
    await built(part)
    await compactedPart(part)
    return undefined
  },

  async ladder(part, runs) {
    const { workload, ...store } = await built(part)
    const rungs = []
    for (const share of [...shares, undefined]) {
      const cacheBytes = share === undefined ? wholeCache : cacheOf(store, share)
      console.log(`  a cache of ${share === undefined ? 'everything' : `${share * 100} %`} ...`)
      const rung = await ask({ type: 'ladder', workload, cacheBytes, searches: { ef, k, runs } })
      rungs.push(share === undefined ? rung : { share, ...rung })
    }
    return { ladder: [{ ...store, ef, k, rungs }] }
  },

  async inserts(part, runs) {
    const searches = { ef, k, runs }
    const { workload, ...before } = await compactedPart(part)
    console.log('  compacted ...')
    const compacted = await ask({ type: 'uniform', workload, indexBytes: before.indexBytes, share: tenth, searches })
    console.log('  with half as many inserted again ...')
    const whole = { ...workload, count: part.count }
    const { indexBytes } = await ask({ type: 'fill', workload: whole, first: before.count, cacheBytes: cacheOf(before, tenth), compact: false })
    await forget(workload)
    const afterInserts = await ask({ type: 'uniform', workload: whole, indexBytes, share: tenth, searches })
    return { inserts: [{ ...before, inserted: part.count - before.count, compacted, afterInserts }] }
  },

  async load(part) {
    const { workload: _, indexBytes, ...store } = await built(part)
    const workload = workloadOf(part, 'load')
    const rows = []
    for (const { share, doublings } of loads) {
      const cacheBytes = share === undefined ? wholeCache : cacheOf({ indexBytes }, share)
      console.log(`  loading with ${share === undefined ? 'everything' : `${share * 100} %`} cached${doublings ? ', compacted when it has doubled' : ''} ...`)
      const outcome = await ask({ type: 'fill', workload, first: 0, cacheBytes, compact: false, doublings }).then(
        ({ indexBytes: _, ...loaded }) => ({ loaded }),
        (error: Error) => ({ failure: error.message.split('\n')[0] })
      )
      rows.push({ ...store, indexBytes, ...(share !== undefined && { share }), doublings, cacheBytes, ...outcome })
    }
    return { load: rows }
  },

  async cold(part) {
    const { workload, ...store } = await built(part)
    console.log('  cold ...')
    return { cold: [{ ...store, ...(await ask({ type: 'cold', workload, searches: { ef, k, runs: 1 } })) }] }
  },

  async paging(part, runs) {
    const { workload, ...store } = await built(part)
    console.log('  blocks and flat arrays in turns ...')
    return { paging: [{ ...store, ef, k, ...(await ask({ type: 'paging', workload, searches: { ef, k, runs } })) }] }
  },

  async limits(part) {
    const { workload: _, ...store } = await built(part)
    const workload = workloadOf(part, 'limited')
    const baseBytes = await measureBase(workload).catch((error: Error) => console.log(`  no limits here: ${error.message}`))
    if (baseBytes === undefined) return undefined
    const rows = []
    // Shares that come to the same cache are one.
    for (const [cacheBytes, share] of new Map(limitsShares.map((share) => [cacheOf(store, share), share]))) {
      console.log(`  within a limit, with ${share * 100} % cached ...`)
      rows.push({ ...store, share, ...(await runWithinLimit(workload, baseBytes, cacheBytes)) })
    }
    return { limits: rows }
  }
}

function cacheOf({ indexBytes }: Pick<Store, 'indexBytes'>, share: number): number {
  return Math.max(leastCache, Math.round(indexBytes * share))
}

function workloadOf({ dataset, count }: DatasetPart, purpose: string): MemoryWorkload {
  return { dataset: dataset.name, count, M, efConstruction, directory: join(places.cache, 'bench', `memory-${dataset.name}-${count}-${purpose}`) }
}

function storeOf({ dataset }: DatasetPart, count: number, indexBytes: number): Store {
  return { dataset: dataset.name, count, dim: dataset.dim, M, efConstruction, indexBytes }
}

/** The store of all vectors, compacted. */
async function built(part: DatasetPart): Promise<Built> {
  return await ensure(part, workloadOf(part, 'whole'))
}

/** That of two thirds of them, so that what is left is half as many again. */
async function compactedPart(part: DatasetPart): Promise<Built> {
  const workload = workloadOf(part, 'part')
  return await ensure(part, { ...workload, count: Math.round((part.count * 2) / 3) })
}

/** Builds a store unless it was built before; a file beside it says what it takes. */
async function ensure(part: DatasetPart, workload: MemoryWorkload): Promise<Built> {
  const known = await readFile(noteOf(workload), 'utf8').catch(() => undefined)
  if (known !== undefined) return { workload, ...(JSON.parse(known) as Store) }
  console.log(`  building a store of ${workload.count.toLocaleString('en-US')} ...`)
  const { indexBytes } = await ask({ type: 'fill', workload, first: 0, cacheBytes: wholeCache, compact: true })
  const store = storeOf(part, workload.count, indexBytes)
  await writeFile(noteOf(workload), JSON.stringify(store))
  return { workload, ...store }
}

/** The store has been changed: who needs it builds it anew. */
async function forget(workload: MemoryWorkload): Promise<void> {
  await rm(noteOf(workload), { force: true })
}

function noteOf({ directory }: MemoryWorkload): string {
  return `${directory}.json`
}

const ask = <T extends Request['type']>(request: Request & { type: T }): Promise<Replies[T]> => askOnce<Request, Replies, T>(workloadScript, request)
