import { VectorLevel } from '../../src/index.js'
import { SMALL } from '../src/store.js'
import { say, sayBackup, sayEvents } from './tell.js'
import { operationsOf, pointsOf, type Workload } from './workload.js'

// Does the same each time, one thing after the other, so that a call of the system can be named by its number.

const { location, durability, seed, from } = JSON.parse(process.argv[2]!) as Workload
let acknowledged = from

/** Opens the store, does `use` between writes, and closes it. */
async function session(use: (db: VectorLevel) => Promise<void>): Promise<void> {
  const db = new VectorLevel(location, { ...SMALL, durability, checkpoint: { operations: 10 } })
  sayEvents(db)
  const points = db.collection<number>('points', pointsOf(seed))
  const write = async (count: number): Promise<void> => {
    for (let i = 0; i < count; i++) {
      await points.batch(operationsOf(seed, acknowledged))
      say('acknowledged', ++acknowledged)
    }
  }
  await points.has('k0')
  await write(6)
  await use(db)
  await write(3)
  await db.close()
}

await session(async db => {
  await db.checkpoint()
  say('checkpointed', acknowledged)
})
await session(db => db.compact())
await session(db => sayBackup(db, acknowledged, `${location}-backup-0`))
