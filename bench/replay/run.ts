import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { VectorLevel } from '../../src/index.js'
import { FbinFile } from '../data/fbin-file.js'
import { datasetOf, ensureDataset } from '../datasets.js'
import { linked } from '../linked.js'
import { places } from '../places.js'

const loaded = 50_000
const tail = 10_000

/** Kills a process that has written without a checkpoint, and times how the next one opens its store. */
export async function runReplay(): Promise<void> {
  const dataset = datasetOf('glove-100-angular')
  await ensureDataset(dataset)
  await mkdir(places.cache, { recursive: true })
  const directory = await mkdtemp(join(places.cache, 'replay-'))
  try {
    const child = fork(fileURLToPath(new URL('./process.js', import.meta.url)), [directory, String(loaded), String(tail)])
    const [{ insertSeconds }] = (await once(child, 'message')) as [{ insertSeconds: number }]
    child.kill('SIGKILL')
    await once(child, 'exit')
    console.log(`\nReplay: ${loaded} vectors in a checkpoint, ${tail} behind it, then SIGKILL (glove-100-angular, sq8)`)
    console.log(`  inserted before      ${rate(insertSeconds)}`)
    await reopen(directory, insertSeconds)
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}

async function reopen(directory: string, insertSeconds: number): Promise<void> {
  const { dim, files } = datasetOf('glove-100-angular')
  const file = await FbinFile.open(files.base)
  const last = new Float32Array(dim)
  await file.read(loaded + tail - 1, last)
  const start = performance.now()
  const db = new VectorLevel(directory)
  let replayed = 0
  db.on('replay', ({ operations }) => { replayed = operations })
  const items = db.collection('items', { dimensions: dim })
  const [nearest] = await items.search(last, { k: 1 })
  const answered = performance.now() - start
  await linked(items)
  const seconds = (performance.now() - start) / 1000
  console.log(`  first answer after   ${answered.toFixed(0)} ms, ${nearest?.key === String(loaded + tail - 1) ? 'right' : 'WRONG'}`)
  console.log(`  all linked again     ${rate(seconds)}, ${(insertSeconds / seconds).toFixed(2)} times the speed of inserting`)
  const { count } = await items.stats()
  const findings = await db.verify()
  console.log(`  operations replayed  ${replayed}; records ${count} of ${loaded + tail}; findings of verify ${findings.length}`)
  await db.close()
}

function rate(seconds: number): string {
  return `${Math.round(tail / seconds).toLocaleString('en-US')} vectors/s (${seconds.toFixed(2)} s)`
}
