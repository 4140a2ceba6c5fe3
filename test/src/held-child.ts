import { readFileSync } from 'node:fs'
import { VectorLevel } from '../../src/index.js'
import { normalVectors } from './vectors.js'

/** Looks at all of a store within a cache, and says by how many bytes that are not of files the process grew: the heap, and what is shared with threads. */
const [location, cacheSize] = process.argv.slice(2) as [string, string]

function bytesHeld(): number {
  const status = readFileSync('/proc/self/status', 'utf8')
  return ['RssAnon', 'RssShmem'].reduce((sum, name) => sum + 1024 * Number(new RegExp(`^${name}:\\s*(\\d+) kB$`, 'm').exec(status)![1]), 0)
}

const before = bytesHeld()
const db = new VectorLevel(location, { cacheSize: Number(cacheSize), workers: 0 })
await db.open()
const points = db.collection('points', { dimensions: 1000 })
const keys: string[][] = []
let most = 0
for (const vector of normalVectors(7, 3, 1000)) {
  keys.push(points.searchSync(vector, { exact: true }).map(({ key }) => key))
  most = Math.max(most, bytesHeld())
}
const { evictions, residentBytes } = db.cacheStats()
await db.close()
console.log(JSON.stringify({ grown: most - before, evictions, residentBytes, keys }))
