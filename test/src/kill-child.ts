import { writeSync } from 'node:fs'
import { VectorLevel } from '../../src/index.js'
import { KILLED, operationsOf } from './kill-operations.js'
import { SMALL } from './store.js'

const [location, durability, seed, from] = process.argv.slice(2) as [string, 'strict' | 'relaxed', string, string]
const db = new VectorLevel(location, { ...SMALL, durability, checkpoint: { operations: 50 } })
const points = db.collection<number>('points', KILLED)
let next = Number(from)

/** One of several that write without waiting for each other; says what is acknowledged, until it is killed. */
async function write(): Promise<void> {
  for (;;) {
    const i = next++
    await points.batch(operationsOf(Number(seed), i))
    writeSync(1, `${i}\n`)
  }
}

await points.has('k0')
await Promise.all(Array.from({ length: 6 }, write))
