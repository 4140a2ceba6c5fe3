import { readFileSync } from 'node:fs'
import { VectorLevel } from '../../src/index.js'
import { linked, SMALL } from './store.js'
import { normalVectors } from './vectors.js'

const [location] = process.argv.slice(2) as [string]
const COUNT = 8000
const DIMENSIONS = 600
const batch = (from: number): Float32Array[] => normalVectors(from, 500, DIMENSIONS)

/** Bytes in memory that are not of files: the heap, and what is shared with threads. */
function bytesHeld(): number {
  const status = readFileSync('/proc/self/status', 'utf8')
  return ['RssAnon', 'RssShmem'].reduce((sum, name) => sum + 1024 * Number(new RegExp(`^${name}:\\s*(\\d+) kB$`, 'm').exec(status)![1]), 0)
}

const db = new VectorLevel(location, { ...SMALL, durability: 'relaxed' })
const points = db.collection('points', { dimensions: DIMENSIONS, metric: 'l2', codec: 'f32', M: 4, efConstruction: 8 })
await points.put('first', batch(999_999)[0]!)
const before = bytesHeld()
let most = before
const look = (): void => {
  most = Math.max(most, bytesHeld())
}
const timer = setInterval(look, 20)
for (let from = 0; from < COUNT; from += 500) {
  await points.batch(batch(from + 1).map((vector, i) => ({ type: 'put', key: `k${from + i}`, vector })))
  await linked(db)
  look()
}
let wrong = 0
for (let from = 0; from < COUNT; from += 2000) {
  for (const [i, vector] of batch(from + 1).entries()) {
    if (i % 100) continue
    const exact = points.searchSync(vector, { k: 10, exact: true })
    const found = points.searchSync(vector, { k: 10 })
    if (exact[0]!.key !== `k${from + i}` || exact[0]!.distance !== 0 || exact.length !== 10) wrong++
    if (found.length !== 10 || found.some((hit, n) => hit.distance < exact[n]!.distance)) wrong++
  }
}
const findings = (await db.verify()).length
clearInterval(timer)
look()
const { cache, bytes } = await db.stats()
await db.close()
console.log(JSON.stringify({ grown: most - before, index: bytes.index, resident: cache.residentBytes, cacheSize: cache.limit, evictions: cache.evictions, wrong, findings }))
