import { mkdir, rm } from 'node:fs/promises'
import { readMatrix, type Matrix } from '../data/fbin-file.js'
import { datasetOf, readGroundTruth, readQueries } from '../datasets.js'
import { answer } from './child.js'
import { measureBuild, type BuildFigures } from './build.js'
import type { Codec, Engine, IndexTask, Searcher } from './engine.js'
import { loadEngine } from './engines.js'
import { sweep, type SweepPoint, type SweepTask } from './sweep.js'

/** One engine on one data set. */
export interface Workload {
  engine: string
  codec: Codec
  dataset: string
  count: number
  M: number
  efConstruction: number
  directory: string
}

export type Request =
  | { type: 'build'; workload: Workload }
  | { type: 'open'; workload: Workload }
  | { type: 'sweep'; task: SweepTask }
  | { type: 'close' }

export interface Replies {
  build: BuildFigures & { preparedName?: string }
  open: { reopenMs: number }
  sweep: SweepPoint[]
  close: { peakRssBytes: number }
}

interface Opened {
  engine: Engine
  searcher: Searcher<unknown, unknown>
  queries: Matrix
  truth: Matrix<Int32Array>
}

let opened: Opened | undefined

async function handle(request: Request): Promise<Replies[Request['type']]> {
  switch (request.type) {
    case 'build':
      return build(request.workload)
    case 'open':
      return open(request.workload)
    case 'sweep': {
      const { engine, searcher, queries, truth } = opened!
      return sweep(engine, searcher, queries, truth, request.task)
    }
    case 'close':
      await opened!.searcher.close()
      return { peakRssBytes: process.resourceUsage().maxRSS * 1024 }
  }
}

async function build(workload: Workload): Promise<Replies['build']> {
  const engine = await loadEngine(workload.engine)
  await rm(workload.directory, { recursive: true, force: true })
  await mkdir(workload.directory, { recursive: true })
  const figures = await measureBuild(engine, taskOf(workload), datasetOf(workload.dataset).files.base)
  return { ...figures, ...(engine.preparedName !== undefined && { preparedName: engine.preparedName }) }
}

/** Opens what a build left and asks for its first row, which has to be found: only a correct answer stops the clock. */
async function open(workload: Workload): Promise<Replies['open']> {
  const dataset = datasetOf(workload.dataset)
  const engine = await loadEngine(workload.engine)
  const queries = await readQueries(dataset)
  const truth = await readGroundTruth(dataset, workload.count)
  const firstRow = await readMatrix(dataset.files.base, (components) => new Float32Array(components), 1)
  const query = engine.prepare ? engine.prepare(firstRow.values) : firstRow.values

  const started = performance.now()
  const searcher = await engine.open(taskOf(workload))
  const found = searcher.ordinalsOf(searcher.search(query, 10))
  const reopenMs = performance.now() - started

  if (!found.includes(0)) throw new Error(`reopened, row 0 is not found by itself, but [${found.join(' ')}]`)
  opened = { engine, searcher, queries, truth }
  return { reopenMs }
}

function taskOf({ dataset, ...workload }: Workload): IndexTask {
  const { dim, metric } = datasetOf(dataset)
  return { ...workload, dim, metric }
}

answer(handle)
