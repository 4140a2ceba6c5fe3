import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { type Collection, VectorLevel } from '../../src/index.js'
import { FbinFile, type Matrix, rowOf } from '../data/fbin-file.js'
import { datasetOf, ensureDataset } from '../datasets.js'
import { linked } from '../linked.js'
import { places } from '../places.js'
import { bareLevel } from './bare-level.js'

const CALLERS = 64
/** Puts of one measurement: a burst, of which linking may lag behind, and so many that it may not. */
const BURST = 8_000
const SUSTAINED = 40_000
const ROUNDS = 5
/** Bytes of a key and its value, and of a record's: what the database writes for a word, without the log. */
const ENTRIES = [{ key: 10, value: 8 }, { key: 9, value: 361 }]
/** Vectors before a checkpoint is timed, and replaced so that about 1,000 blocks have changed. */
const LOADED = 60_000

/** What durability costs: puts of many callers against LevelDB alone, stalls by checkpoints, and a backup under load. */
export async function runDurability(): Promise<void> {
  const dataset = datasetOf('glove-100-angular')
  await ensureDataset(dataset)
  const file = await FbinFile.open(dataset.files.base)
  const values = new Float32Array(LOADED * dataset.dim)
  await file.read(0, values)
  await file.close()
  await mkdir(places.cache, { recursive: true })
  const directory = await mkdtemp(join(places.cache, 'durability-'))
  try {
    await manyCallers(directory, { count: LOADED, dim: dataset.dim, values })
    await checkpointAndBackup(directory, { count: LOADED, dim: dataset.dim, values })
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}

async function manyCallers(directory: string, vectors: Matrix): Promise<void> {
  for (const [name, count] of [['a burst', BURST], ['without a pause', SUSTAINED]] as const) {
    const ceilings: number[] = []
    const puts: number[] = []
    const latencies: number[] = []
    for (let round = 0; round < ROUNDS; round++) {
      ceilings.push(await bareLevel(join(directory, `bare-${count}-${round}`), CALLERS, count, ENTRIES))
      puts.push(await putsBy(join(directory, `store-${count}-${round}`), vectors, count, latencies))
    }
    const [ceiling, rate] = [median(ceilings), median(puts)]
    latencies.sort((a, b) => a - b)
    console.log(`\nStrict puts of ${CALLERS} callers, ${name} of ${format(count)} (glove-100-angular, sq8), median of ${ROUNDS} rounds by turns`)
    console.log(`  LevelDB alone, one fsync a group   ${format(ceiling)} puts/s (${ceilings.map(format).join(', ')})`)
    console.log(`  put()                              ${format(rate)} puts/s (${puts.map(format).join(', ')}), ${(rate / ceiling).toFixed(2)} of it`)
    console.log(`  latency of put()                   p50 ${at(latencies, 0.5)} ms, p99 ${at(latencies, 0.99)} ms, longest ${at(latencies, 1)} ms`)
  }
}

async function putsBy(location: string, vectors: Matrix, count: number, latencies: number[]): Promise<number> {
  const db = new VectorLevel(location)
  const words = db.collection('words', { dimensions: vectors.dim })
  // Codes are trained and the graph has begun, as in a store that is in use.
  await words.batch(Array.from({ length: 4_000 }, (_, i) => ({ type: 'put', key: `w${vectors.count - i}`, vector: rowOf(vectors, vectors.count - 1 - i) })))
  await linked(words)
  const started = performance.now()
  let next = 0
  await Promise.all(Array.from({ length: CALLERS }, async () => {
    while (next < count) {
      const i = next++
      const called = performance.now()
      await words.put(`w${i}`, rowOf(vectors, i))
      latencies.push(performance.now() - called)
    }
  }))
  const seconds = (performance.now() - started) / 1000
  await db.close()
  return count / seconds
}

async function checkpointAndBackup(directory: string, vectors: Matrix): Promise<void> {
  const db = new VectorLevel(join(directory, 'checkpoints'), { checkpoint: { operations: 1_000_000, seconds: 3600 } })
  const words = db.collection('words', { dimensions: vectors.dim })
  for (let i = 0; i < vectors.count - 2_000; i += 1_000) {
    await words.batch(Array.from({ length: 1_000 }, (_, j) => ({ type: 'put', key: `w${i + j}`, vector: rowOf(vectors, i + j) })))
  }
  await linked(words)
  await db.checkpoint()
  const { recall, ef } = await words.measureRecall({ sample: 200 })
  console.log(`\nThe graph that such puts make: recall@10 ${recall.toFixed(3)} at ef ${ef}, ${format(vectors.count - 2_000)} vectors`)
  console.log('\nStalls of the event loop by a checkpoint (glove-100-angular, sq8)')
  for (let round = 0, put = vectors.count - 2_000; round < ROUNDS; round++) {
    while ((await db.stats()).cache.dirty < 1_000) {
      await words.put(`w${put}`, rowOf(vectors, put++))
      await linked(words)
    }
    const { dirty } = (await db.stats()).cache
    const delay = monitorEventLoopDelay({ resolution: 1 })
    delay.enable()
    const started = performance.now()
    await db.checkpoint()
    const took = performance.now() - started
    await new Promise(resolve => setTimeout(resolve, 20))
    delay.disable()
    console.log(`  ${format(dirty)} changed blocks: ${took.toFixed(1)} ms, longest stall ${(delay.max / 1e6).toFixed(1)} ms`)
  }
  await backupUnderLoad(db, words, join(directory, 'copy'), vectors)
  await db.close()
}

async function backupUnderLoad(db: VectorLevel, words: Collection, copy: string, vectors: Matrix): Promise<void> {
  let writing = true
  let puts = 0
  const load = Promise.all(Array.from({ length: CALLERS }, async () => {
    while (writing) {
      const i = puts++ % vectors.count
      await words.put(`x${i}`, rowOf(vectors, i))
    }
  }))
  const started = performance.now()
  await db.backup(copy)
  const took = performance.now() - started
  writing = false
  await load
  const restored = new VectorLevel(copy)
  const { count } = await restored.collection('words', { dimensions: vectors.dim }).stats()
  await linked(restored.collection('words', { dimensions: vectors.dim }))
  const findings = await restored.verify()
  await restored.close()
  console.log(`\nBackup during full write load: ${(took / 1000).toFixed(2)} s with ${format(puts)} puts beside it; restored ${format(count)} records, verify() finds ${findings.length}`)
}

function median(values: number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1]
}

function at(sorted: number[], share: number): string {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))].toFixed(1)
}

function format(value: number): string {
  return Math.round(value).toLocaleString('en-US')
}
