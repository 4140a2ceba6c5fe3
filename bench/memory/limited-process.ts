import { mkdir, rm } from 'node:fs/promises'
import { type Collection, VectorLevel } from '../../src/index.js'
import { FbinFile, rowOf, type Matrix } from '../data/fbin-file.js'
import { datasetOf, readQueries } from '../datasets.js'
import { linked } from '../linked.js'
import { answer } from '../macro/child.js'
import type { LimitsStep } from './figures.js'
import type { MemoryWorkload } from './workload.js'

/** `begin` is all but the store, so that it may be told what the process takes by itself. */
export type Step = 'begin' | LimitsStep
export interface LimitedRequest {
  type: Step
  workload: MemoryWorkload
  cacheBytes: number
}
export type LimitedReplies = Record<Step, { seconds: number }>

interface Opened {
  db: VectorLevel
  items: Collection<undefined>
}

const batchCount = 1_000
/** Searches that wait for threads together. */
const atATime = 32
/** One of so many vectors is put anew, as another; and one is deleted. */
const everyChanged = 20
const [k, ef] = [10, 64]

let queries: Matrix
let base: FbinFile
let opened: Opened

const steps: Record<Step, (request: LimitedRequest) => Promise<void>> = {
  async begin({ workload }) {
    const dataset = datasetOf(workload.dataset)
    queries = await readQueries(dataset)
    base = await FbinFile.open(dataset.files.base)
  },

  async load(request) {
    const { directory, count } = request.workload
    await rm(directory, { recursive: true, force: true })
    await mkdir(directory, { recursive: true })
    opened = await open(request)
    for (let from = 0; from < count; from += batchCount) await putRows(from, from, Math.min(batchCount, count - from))
    await settle()
  },

  search,

  async changes({ workload: { count } }) {
    const changed = Math.floor(count / everyChanged)
    // Each becomes what another is, far from it in the file.
    for (let from = 0; from < changed; from += batchCount) await putRows(from, count - changed + from, Math.min(batchCount, changed - from))
    for (let from = changed; from < 2 * changed; from += batchCount) {
      const keys = Array.from({ length: Math.min(batchCount, 2 * changed - from) }, (_, i) => String(from + i))
      await opened.items.batch(keys.map((key) => ({ type: 'del', key })))
    }
    await settle()
  },

  async compact() {
    await opened.db.compact()
  },

  async reopen(request) {
    await opened.db.close()
    opened = await open(request)
    await search()
    await opened.db.close()
  }
}

async function open({ workload: { dataset, M, efConstruction, directory }, cacheBytes }: LimitedRequest): Promise<Opened> {
  const { dim: dimensions, metric } = datasetOf(dataset)
  const db = new VectorLevel(directory, { cacheSize: cacheBytes, durability: 'relaxed' })
  await db.open()
  return { db, items: db.collection<undefined>('items', { dimensions, metric, M, efConstruction }) }
}

/** Rows of the file, under keys that may be those of other rows. */
async function putRows(key: number, row: number, count: number): Promise<void> {
  const block: Matrix = { count, dim: base.dim, values: new Float32Array(count * base.dim) }
  await base.read(row, block.values)
  await opened.items.batch(Array.from({ length: count }, (_, i) => ({ type: 'put', key: String(key + i), vector: rowOf(block, i) })))
}

async function settle(): Promise<void> {
  await linked(opened.items)
  await opened.db.checkpoint()
}

/** On the calling thread, and by threads, many at a time. */
async function search(): Promise<void> {
  const { items } = opened
  const all = Array.from({ length: queries.count }, (_, i) => rowOf(queries, i))
  for (const query of all) items.searchSync(query, { k, ef })
  for (let from = 0; from < all.length; from += atATime) {
    await Promise.all(all.slice(from, from + atATime).map((query) => items.search(query, { k, ef })))
  }
}

answer(async (request: LimitedRequest) => {
  const began = performance.now()
  await steps[request.type](request)
  return { seconds: (performance.now() - began) / 1e3 }
})
