import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { askOnce } from '../macro/child.js'
import { installPeers, ownEngine, versionOf } from '../macro/engines.js'
import { prepareInOwnProcess } from '../macro/prepare.js'
import type { Codec } from '../macro/engine.js'
import type { DatasetPart, Options } from '../options.js'
import { places } from '../places.js'
import { noThreadsResults, type BuildRow, type LinkRow, type Subject, type ThreadsResults } from './figures.js'
import type { Part } from './parts.js'
import { efConstructions, goodEnough, planOf, type BuiltPart, type Plan, type PlannedBuild } from './plan.js'
import type { Replies, Request } from './workload.js'

type Tell = (rows: Partial<ThreadsResults>) => Promise<void>
type Durability = 'strict' | 'relaxed'

const prepareScript = new URL('../macro/prepare-process.js', import.meta.url)
const workloadScript = new URL('./workload.js', import.meta.url)
const directory = join(places.cache, 'bench', 'threads')
const k = 10
/** The peer that changes its index in place, in the memory of this process; it has no threads of its own. */
const peer = 'hnswlib-node'

/** Runs the parts that were asked for; `onRows` gets what was found as soon as it is there. */
export async function runThreads(options: Options, onRows: (rows: ThreadsResults) => Promise<void>): Promise<void> {
  const peers = options.engines.includes(peer)
  if (peers) await installPeers()
  const plan = planOf(options)
  const tell: Tell = (rows) => onRows({ ...noThreadsResults(), ...rows })
  try {
    for (const part of options.parts) {
      console.log(`\nThreads: ${part}`)
      await runPart[part](plan, peers, tell)
    }
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}

const runPart: Record<Part, (plan: Plan, peers: boolean, tell: Tell) => Promise<void>> = {
  async build(plan, peers, tell) {
    for (const planned of plan.builds) {
      if (!(await prepared(planned))) continue
      const part = { ...planned, efConstruction: planned.efConstruction ?? (await leastEfConstruction(planned, plan)) }
      const kinds = (['strict', 'relaxed'] as const).flatMap((durability) =>
        plan.workers.map((workers) => ({ durability, workers, rows: [] as BuildRow[] })))
      for (let round = 0; round < plan.buildRounds; round++) {
        // By turns, so that a machine that gets slower meanwhile does so for all.
        for (const { durability, workers, rows } of kinds) rows.push(...(await buildStore(part, plan, workers, durability)))
      }
      const build = kinds.flatMap(({ rows }) => medianOf(rows))
      build.push(...(await buildSequentially(part, plan)))
      if (peers) build.push(...(await buildByPeer(part, plan)))
      await tell({ build })
    }
  },

  async link({ loaded, workers: all, buildRounds }, _peers, tell) {
    if (!(await prepared(loaded))) return
    const kinds = all.map((workers) => ({ workers, rows: [] as LinkRow[] }))
    for (let round = 0; round < buildRounds; round++) {
      for (const { workers, rows } of kinds) {
        const figures = await ask(`linking alone, workers ${workers}`, { type: 'link', workload: { ...taskOf(loaded, 'sq8'), workers, ef: 0 } })
        if (figures) rows.push({ ...(await subjectOf(loaded, workers)), ...figures })
      }
    }
    await tell({ link: kinds.flatMap(({ rows }) => medianOf(rows)) })
  },

  async search({ loaded, workers: all, ef, searchRounds: rounds, ...plan }, _peers, tell) {
    if (!(await prepared(loaded))) return
    if ((await buildStore(loaded, { ...plan, efs: [] }, Math.max(...all), 'relaxed')).length === 0) return
    for (const workers of all) {
      const workload = { ...taskOf(loaded, 'sq8'), workers, ef, callers: 64, rounds }
      const figures = await ask(`searches, workers ${workers}`, { type: 'search', workload })
      if (figures) await tell({ search: [{ ...(await subjectOf(loaded, workers)), ...figures }] })
    }
  },

  async loop({ loaded, usualWorkers: workers, ef }, peers, tell) {
    if (!(await prepared(loaded))) return
    for (const engine of peers ? [ownEngine, peer] : [ownEngine]) {
      const own = engine === ownEngine
      const codec = own ? 'sq8' : 'f32'
      for (const batch of [1_000, 100, 1]) {
        // Single puts of one caller would wait for the disk, each of them.
        const workload = { ...taskOf(loaded, codec), workers, ef, batch, callers: own && batch === 1 ? 16 : 1, searchesPerSecond: 200 }
        const figures = await ask(`${engine}, ${batch === 1 ? 'single puts' : `batches of ${batch}`}`, { type: 'loop', engine, workload })
        const subject = await subjectOf(loaded, own ? workers : undefined, engine, codec)
        if (figures) await tell({ loop: [{ ...subject, ...figures }] })
      }
    }
  },

  async mixed({ loaded, workers: all, ef, seconds }, _peers, tell) {
    if (!(await prepared(loaded))) return
    for (const workers of all) {
      const workload = { ...taskOf(loaded, 'sq8'), workers, ef, callers: 8, seconds, seed: 1 }
      const figures = await ask(`searches and writes, workers ${workers}`, { type: 'mixed', workload })
      if (figures) await tell({ mixed: [{ ...(await subjectOf(loaded, workers)), ...figures }] })
    }
  }
}

/** The least that is good enough, or else the largest. */
async function leastEfConstruction(part: PlannedBuild, plan: Plan): Promise<number> {
  const { ef, recall } = goodEnough
  for (const efConstruction of efConstructions) {
    const [row] = await buildStore({ ...part, efConstruction }, { ...plan, efs: [ef] }, Math.max(...plan.workers), 'relaxed')
    const found = row?.recalls[0].recall ?? 0
    console.log(`  efConstruction ${efConstruction}: recall ${found.toFixed(4)} at ef ${ef}`)
    if (found >= recall) return efConstruction
  }
  return Math.max(...efConstructions)
}

async function buildStore(part: BuiltPart, { efs }: Pick<Plan, 'efs'>, workers: number, durability: Durability): Promise<BuildRow[]> {
  const workload = { ...taskOf(part, 'sq8'), workers, ef: 0, efs, durability }
  const figures = await ask(`${part.dataset.name}, workers ${workers}, ${durability}`, { type: 'build', engine: ownEngine, workload })
  return figures ? [{ ...(await subjectOf(part, workers)), ...figures }] : []
}

async function buildSequentially(part: BuiltPart, { efs }: Plan): Promise<BuildRow[]> {
  const workload = { ...taskOf(part, 'sq8'), workers: 0, ef: 0, efs }
  const figures = await ask(`${part.dataset.name}, vector by vector`, { type: 'sequential', workload })
  return figures ? [{ ...(await subjectOf(part, undefined)), ...figures }] : []
}

async function buildByPeer(part: BuiltPart, { efs }: Plan): Promise<BuildRow[]> {
  const workload = { ...taskOf(part, 'f32'), workers: 0, ef: 0, efs }
  const figures = await ask(`${part.dataset.name}, ${peer}`, { type: 'build', engine: peer, workload })
  return figures ? [{ ...(await subjectOf(part, undefined, peer, 'f32')), ...figures }] : []
}

function taskOf({ dataset, count, M, efConstruction }: BuiltPart, codec: Codec) {
  return { dataset: dataset.name, count, codec, M, efConstruction, k, directory }
}

async function subjectOf(part: BuiltPart, workers: number | undefined, engine = ownEngine, codec: Codec = 'sq8'): Promise<Subject> {
  const { dataset, count, M, efConstruction } = part
  const version = await versionOf(engine)
  return { engine, version, dataset: dataset.name, count, codec, M, efConstruction, ...(workers !== undefined && { workers }) }
}

function medianOf<R extends { seconds: number }>(rows: R[]): R[] {
  return rows.sort((a, b) => a.seconds - b.seconds).slice(rows.length >> 1, (rows.length >> 1) + 1)
}

async function prepared({ dataset, count }: DatasetPart): Promise<boolean> {
  console.log(`${dataset.title}: ${count.toLocaleString('en-US')} vectors`)
  if (await prepareInOwnProcess(prepareScript, dataset.name, count)) return true
  process.exitCode = 1
  return false
}

/** Runs one workload in a process of its own; undefined when it failed, which has been said then. */
async function ask<T extends Request['type']>(what: string, request: Request & { type: T }): Promise<Replies[T] | undefined> {
  console.log(`  ${what} ...`)
  try {
    return await askOnce<Request, Replies, T>(workloadScript, request)
  } catch (error) {
    process.exitCode = 1
    console.error(`  ${what}: ${(error as Error).message}`)
    return undefined
  }
}
