import { execFile } from 'node:child_process'
import { mkdir, readdir, readFile } from 'node:fs/promises'
import { cpus, totalmem } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { writeAtomically } from './data/atomic-file.js'
import type { ChurnCosts, ChurnRow } from './churn/figures.js'
import type { BuildFigures } from './macro/build.js'
import type { Codec } from './macro/engine.js'
import type { Timing } from './macro/sweep.js'
import { places } from './places.js'
import type { CodesRow } from './codes/figures.js'
import { type MemoryResults, noMemoryResults } from './memory/figures.js'
import { noThreadsResults, type ThreadsResults } from './threads/figures.js'

/** One run of the benches, as it is stored in `bench/results/`. */
export interface Results {
  date: string
  /** Abbreviated; ends with `-dirty` when files differed from it. */
  commit: string
  node: string
  platform: string
  cpu: string
  cores: number
  memoryBytes: number
  options: Record<string, unknown>
  macro: MacroRow[]
  micro: MicroRow[]
  churn: ChurnRow[]
  churnCosts: ChurnCosts[]
  threads: ThreadsResults
  codes: CodesRow[]
  memory: MemoryResults
}

/** One engine and codec on one data set. */
export interface MacroRow {
  dataset: string
  count: number
  dim: number
  metric: string
  engine: string
  version: string
  codec: Codec
  /** Set where vectors were turned into what the library takes before the clock started: what they were turned into. */
  prepared?: string
  M: number
  efConstruction: number
  k: number
  build: Omit<BuildFigures, 'prepareSeconds'>
  vectorsPerSecond: number
  bytesPerVector: number
  reopenMs: number
  searchPeakRssBytes: number
  sweep: MacroPoint[]
}

/** Medians over the rounds; `qpsRounds` shows how far they lie apart. */
export interface MacroPoint extends Timing {
  ef: number
  recall: number
  qpsRounds: number[]
}

export interface MicroRow {
  name: string
  opsPerSecond: number
  p50Us: number
  p99Us: number
  samples: number
}

/** What is known of this machine and this checkout before anything was measured. */
export async function emptyResults(options: Record<string, unknown>): Promise<Results> {
  return {
    date: new Date().toISOString(),
    commit: await commit(),
    node: process.version,
    platform: `${process.platform} ${process.arch}`,
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: cpus().length,
    memoryBytes: totalmem(),
    options,
    macro: [],
    micro: [],
    churn: [],
    churnCosts: [],
    threads: noThreadsResults(),
    codes: [],
    memory: noMemoryResults()
  }
}

export async function storeResults(results: Results): Promise<string> {
  await mkdir(places.results, { recursive: true })
  const minute = results.date.slice(0, 16).replace(':', '')
  const file = join(places.results, `${minute}-${results.commit}.json`)
  await writeAtomically(file, (handle) => handle.writeFile(`${JSON.stringify(results, undefined, 1)}\n`))
  return file
}

/** All stored runs, newest first; those of old lack what was not measured then. */
export async function storedResults(): Promise<Results[]> {
  const names = await readdir(places.results).catch(() => [])
  const files = names.filter((name) => name.endsWith('.json'))
  const runs = await Promise.all(
    files.map(async (name): Promise<Results> => {
      const stored = JSON.parse(await readFile(join(places.results, name), 'utf8')) as Results
      return {
        ...stored, churn: stored.churn ?? [], churnCosts: stored.churnCosts ?? [], threads: { ...noThreadsResults(), ...stored.threads }, codes: stored.codes ?? [],
        memory: { ...noMemoryResults(), ...stored.memory }
      }
    })
  )
  return runs.sort((a, b) => b.date.localeCompare(a.date))
}

async function commit(): Promise<string> {
  const git = async (...args: string[]): Promise<string> =>
    (await promisify(execFile)('git', args, { cwd: places.root })).stdout.trim()
  try {
    const changes = await git('status', '--porcelain', '--', ':!bench/results', ':!docs', ':!README.md')
    return `${await git('rev-parse', '--short', 'HEAD')}${changes === '' ? '' : '-dirty'}`
  } catch {
    return 'no-commit'
  }
}
