import { parentPort, workerData } from 'node:worker_threads'
import type { Metric } from './dataset.js'
import { exactSearch } from './exact-search.js'
import type { Matrix } from './fbin-file.js'

export interface Task {
  base: Matrix
  queries: Matrix
  metric: Metric
  k: number
}

export type Reply = { type: 'rows'; rows: number } | { type: 'found'; found: Int32Array }

const { base, queries, metric, k } = workerData as Task
const reply = (message: Reply): void => parentPort!.postMessage(message)

const reportEvery = 2_048
let unreported = 0
const found = exactSearch(base, queries, metric, k, (rows) => {
  unreported += rows
  if (unreported < reportEvery) return
  reply({ type: 'rows', rows: unreported })
  unreported = 0
})
reply({ type: 'found', found })
