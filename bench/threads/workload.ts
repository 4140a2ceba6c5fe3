import { mkdir, rm } from 'node:fs/promises'
import { readMatrix, type Matrix } from '../data/fbin-file.js'
import { datasetOf, readGroundTruth, readQueries } from '../datasets.js'
import { answer } from '../macro/child.js'
import type { IndexTask } from '../macro/engine.js'
import { ownEngine } from '../macro/engines.js'
import { measureBuild, measurePeerBuild, type BuildTask } from './build.js'
import type { BuildFigures, LinkFigures, LoopFigures, MixedFigures, SearchFigures } from './figures.js'
import { measureLink } from './link.js'
import { measureLoop, type LoopTask } from './loop.js'
import { measureMixed, type MixedTask } from './mixed.js'
import { measureSearch, type SearchTask } from './search.js'
import { measureSequential } from './sequential.js'
import { loadAsyncEngine, type StoreTask } from './subjects.js'

/** A task without what its data set says. */
type Workload<T extends IndexTask> = Omit<T, 'dim' | 'metric'> & { dataset: string }

export type Request =
  | { type: 'build'; engine: string; workload: Workload<BuildTask> }
  | { type: 'sequential'; workload: Workload<BuildTask> }
  | { type: 'link'; workload: Workload<StoreTask> }
  | { type: 'search'; workload: Workload<SearchTask> }
  | { type: 'loop'; engine: string; workload: Workload<LoopTask> }
  | { type: 'mixed'; workload: Workload<MixedTask> }

export interface Replies {
  build: BuildFigures
  sequential: BuildFigures
  link: LinkFigures
  search: SearchFigures
  loop: LoopFigures
  mixed: MixedFigures
}

async function handle(request: Request): Promise<Replies[Request['type']]> {
  const { type } = request
  const dataset = datasetOf(request.workload.dataset)
  const { dim, metric } = dataset
  const { count, directory } = request.workload
  const queries = await readQueries(dataset)
  const base = (rows?: number): Promise<Matrix> => readMatrix(dataset.files.base, (components) => new Float32Array(components), rows)
  const truth = (): Promise<Matrix<Int32Array>> => readGroundTruth(dataset, count)
  if (type === 'search') return measureSearch({ ...request.workload, dim, metric }, queries, await truth())
  await rm(directory, { recursive: true, force: true })
  await mkdir(directory, { recursive: true })
  switch (type) {
    case 'build': {
      const task = { ...request.workload, dim, metric }
      if (request.engine === ownEngine) return measureBuild(task, await base(count), queries, await truth())
      return measurePeerBuild(request.engine, task, await base(count), queries, await truth())
    }
    case 'sequential':
      return measureSequential({ ...request.workload, dim, metric }, await base(count), queries, await truth())
    case 'link':
      return measureLink({ ...request.workload, dim, metric }, await base(count))
    case 'loop':
      return measureLoop(await loadAsyncEngine(request.engine), { ...request.workload, dim, metric }, await base(count), queries)
    case 'mixed':
      return measureMixed({ ...request.workload, dim, metric }, await base(), queries)
  }
}

answer(handle)
