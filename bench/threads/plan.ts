import type { DatasetPart, Options } from '../options.js'
import { datasetOf } from '../datasets.js'

/** What is measured, on how much. */
export interface Plan {
  builds: PlannedBuild[]
  /** What the other parts load first. */
  loaded: BuiltPart
  /** Of a store; the loop is measured with as many as a store has by itself. */
  workers: readonly number[]
  usualWorkers: number
  /** Builds of each kind, of which the median counts; and rounds of searches. */
  buildRounds: number
  searchRounds: number
  /** Of the searches; and at which recall is measured after a build. */
  ef: number
  efs: readonly number[]
  /** Of the mixed load. */
  seconds: number
}

export interface BuiltPart extends DatasetPart {
  M: number
  efConstruction: number
}

/** `efConstruction` is missing where the least is looked for that is good enough. */
export type PlannedBuild = Omit<BuiltPart, 'efConstruction'> & { efConstruction?: number }

/** What an efConstruction that is good enough has to give, and which are tried. */
export const goodEnough = { ef: 128, recall: 0.95 }
export const efConstructions = [20, 24, 25, 26, 28, 32, 40, 64, 100, 200]

const quickCount = 10_000
const quickSeconds = 6

export function planOf({ threadsDatasets, seconds, runs, builds, quick }: Options): Plan {
  const parts = threadsDatasets.map(({ dataset, count }) => ({ dataset, count: quick ? Math.min(count, quickCount) : count }))
  const glove = datasetOf('glove-100-angular')
  const [loaded = { dataset: glove, count: quick ? quickCount : 100_000 }] = parts
  return {
    builds: parts.map((part) => ({ ...part, ...(graphs[part.dataset.name] ?? usualGraph) })),
    loaded: { ...loaded, ...usualGraph },
    workers: [1, 2],
    usualWorkers: 1,
    buildRounds: quick ? 1 : builds,
    searchRounds: quick ? 1 : runs,
    ef: 64,
    efs: [32, 64, 128, 256],
    seconds: quick ? Math.min(seconds, quickSeconds) : seconds
  }
}

const usualGraph = { M: 16, efConstruction: 200 }
const graphs: Readonly<Record<string, { M: number; efConstruction?: number }>> = {
  'synth-128': { M: 16 },
  'synth-1536': { M: 48, efConstruction: 200 }
}
