import { pool } from '../../index/threads/pool.js'
import { VectorLevel, VectorLevelError } from '../../src/index.js'
import { linked, SMALL } from './store.js'
import { normalVectors } from './vectors.js'

const DIMENSIONS = 16
const COUNT = 2000
const [location, workers, seed] = [process.argv[2]!, Number(process.argv[3]), Number(process.argv[4])]

/** Writes and searches while worker threads are ended one after the other; says which batches were acknowledged, and what came of searches. */
const db = new VectorLevel(location, { ...SMALL, durability: 'relaxed', workers })
const points = db.collection<number>('points', { dimensions: DIMENSIONS, codec: 'f32', metric: 'l2', M: 6, efConstruction: 60 })
const vectors = normalVectors(seed, COUNT, DIMENSIONS)
let refused: unknown
let acknowledged = 0
let searches = 0

async function write(): Promise<void> {
  for (let from = 0; from < COUNT; from += 100) {
    await points.batch(vectors.slice(from, from + 100).map((vector, i) => ({ type: 'put', key: `k${from + i}`, vector, metadata: from + i })))
    acknowledged = from + 100
  }
}

async function search(): Promise<void> {
  while (acknowledged < COUNT && !refused) {
    const last = Math.max(0, acknowledged - 1)
    const hits = await points.search(vectors[last]!, { k: 1 })
    if (acknowledged && hits[0]?.metadata !== last && last) throw new Error(`${last} was not found, but ${hits[0]?.metadata}`)
    searches++
  }
}

function refusal(error: unknown): void {
  if (!(error instanceof VectorLevelError) || error.code !== 'VECTOR_POISONED') throw error
  refused = error
}

let deaths = 0
const killer = setInterval(() => {
  pool.end(deaths++ % workers)
}, 15)
await Promise.all([write().catch(refusal), search()])
clearInterval(killer)
if (!refused) {
  await linked(db)
  const findings = await db.verify()
  if (findings.length) throw new Error(JSON.stringify(findings.slice(0, 3)))
}
await db.close()
console.log(JSON.stringify({ acknowledged, searches, deaths, refused: refused !== undefined }))
