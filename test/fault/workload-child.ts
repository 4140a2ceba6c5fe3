import { setTimeout as delay } from 'node:timers/promises'
import { Random } from '../../floor/random.js'
import { VectorLevel } from '../../src/index.js'
import { SMALL } from '../src/store.js'
import { say, sayBackup, sayEvents } from './tell.js'
import { operationsOf, POINTS, type Workload } from './workload.js'

const workload = JSON.parse(process.argv[2]!) as Workload
const { location, durability, seed, from, count = Infinity, writers = 6, checkpointEvery = 50, maintenance = false } = workload
const db = new VectorLevel(location, { ...SMALL, durability, checkpoint: { operations: checkpointEvery } })
const points = db.collection<number>('points', POINTS)
let next = from
let acknowledged = from
let ended = false

/** One of several that write without waiting for each other. Acknowledgements come in the order of the calls. */
async function write(): Promise<void> {
  while (next < from + count) {
    const i = next++
    await points.batch(operationsOf(seed, i))
    acknowledged = Math.max(acknowledged, i + 1)
    say('acknowledged', acknowledged)
  }
}

async function maintain(): Promise<void> {
  const random = new Random(seed ^ from)
  for (let turn = 0; !ended; turn++) {
    await delay(random.below(20))
    const before = acknowledged
    switch (random.below(8)) {
      case 0:
        await db.compact()
        break
      case 1:
        await sayBackup(db, before, `${location}-backup-${turn % 2}`)
        break
      case 2:
        if ((await db.verify()).length) throw new Error('verify() found something while writes went on')
        break
      case 3:
      case 4:
        await points.search(new Float32Array(8), { k: 5 })
        break
      default:
        await db.checkpoint()
        say('checkpointed', before)
    }
  }
}

sayEvents(db)
await points.has('k0')
const maintained = maintenance ? maintain() : undefined
await Promise.all(Array.from({ length: writers }, write))
ended = true
await maintained
await db.close()
