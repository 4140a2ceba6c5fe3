import { existsSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { places } from '../places.js'
import { Progress } from '../progress.js'
import type { Dataset } from './dataset.js'
import { readMatrix, writeMatrix, type Matrix } from './fbin-file.js'
import type { Reply, Task } from './ground-truth-worker.js'

/** Neighbors kept of each query: enough for recall@100. */
const k = 100

/** The file with the exact neighbors of the queries among the first `count` base vectors. */
export function groundTruthFile(dataset: Dataset, count: number): string {
  const part = count === dataset.baseCount ? '' : `.first-${count}`
  return join(places.cache, `${dataset.name}${part}.gt.ibin`)
}

/** Computes that file unless it is there, on all cores, each of which takes a part of the queries. */
export async function ensureGroundTruth(dataset: Dataset, count: number): Promise<void> {
  const file = groundTruthFile(dataset, count)
  if (existsSync(file)) return
  const base = await readMatrix(dataset.files.base, sharedFloats, count)
  const queries = await readMatrix(dataset.files.query, sharedFloats)
  const threads = Math.min(availableParallelism(), 8)
  const share = Math.ceil(queries.count / threads)
  const progress = new Progress(`Exact neighbors in ${dataset.name}`, base.count, 'rows')
  let compared = 0
  const onRows = (rows: number): void => {
    compared += rows
    progress.update(Math.round(compared / threads))
  }
  try {
    const parts = await Promise.all(
      Array.from({ length: threads }, (_, thread) => {
        const part = slice(queries, thread * share, Math.min((thread + 1) * share, queries.count))
        return search({ base, queries: part, metric: dataset.metric, k }, onRows)
      })
    )
    const values = new Int32Array(queries.count * k)
    parts.forEach((part, thread) => values.set(part, thread * share * k))
    await writeMatrix(file, { count: queries.count, dim: k, values })
  } finally {
    progress.stop()
  }
}

function sharedFloats(components: number): Float32Array {
  return new Float32Array(new SharedArrayBuffer(components * 4))
}

function slice({ dim, values }: Matrix, first: number, end: number): Matrix {
  return { count: end - first, dim, values: values.subarray(first * dim, end * dim) }
}

function search(task: Task, onRows: (rows: number) => void): Promise<Int32Array> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL('./ground-truth-worker.js', import.meta.url), { workerData: task })
    worker.on('message', (reply: Reply) => {
      if (reply.type === 'rows') onRows(reply.rows)
      else resolve(reply.found)
    })
    worker.on('error', reject)
    worker.on('exit', (code) => reject(new Error(`the worker ended with code ${code} before it answered`)))
  })
}
