import { setTimeout as delay } from 'node:timers/promises'
import { Random } from '../../floor/random.js'
import { VectorLevel, VectorLevelError } from '../../src/index.js'
import { linked, SMALL } from '../src/store.js'
import { say, sayBackup, sayEvents, sayFailure } from './tell.js'
import { changesCodec, operationsOf, pointsOf, type Workload } from './workload.js'

/** Operations between two rests. */
const REST = 15

const workload = JSON.parse(process.argv[2]!) as Workload
const { location, durability, seed, from, count = Infinity, writers = 6, checkpointEvery = 50, maintenance = false, rests = false, faults = false } = workload
const db = new VectorLevel(location, { ...SMALL, durability, checkpoint: { operations: checkpointEvery } })
const points = db.collection<number>('points', pointsOf(seed))
let next = from
let acknowledged = from
let ended = false
/** Until when writers rest; one rest follows the other, so that the calls keep their order. */
let rest = Promise.resolve()

/** Whether it succeeds; where errors of ours may come, they are said. */
async function succeeds(work: () => Promise<unknown>): Promise<boolean> {
  try {
    await work()
    return true
  } catch (error) {
    if (!faults || !(error instanceof VectorLevelError)) throw error
    // Why it could not be opened is an error of ours, too.
    if (error.code === 'VECTOR_DATABASE_NOT_OPEN' && error.cause && !(error.cause instanceof VectorLevelError)) throw error
    sayFailure(error)
    return false
  }
}

/** One of several that write without waiting for each other. Acknowledgements come in the order of the calls. */
async function write(): Promise<void> {
  while (next < from + count) {
    const i = next++
    if (rests && i % REST === 0) rest = rest.then(() => linked(db))
    await rest
    if (!await succeeds(() => points.batch(operationsOf(seed, i)))) {
      next = Infinity
      return
    }
    acknowledged = Math.max(acknowledged, i + 1)
    say('acknowledged', acknowledged)
  }
}

async function maintain(): Promise<void> {
  const random = new Random(seed ^ from)
  for (let turn = 0; !ended; turn++) {
    await delay(random.below(20))
    const choice = random.below(8)
    if (changesCodec(seed) && choice > 5) await succeeds(() => points.recode(turn % 2 ? 'sq8' : 'f32'))
    else await succeeds(() => maintainOnce(choice, `${location}-backup-${turn % 2}`))
  }
}

async function maintainOnce(choice: number, copy: string): Promise<void> {
  const before = acknowledged
  switch (choice) {
    case 0:
      await db.compact()
      break
    case 1:
      await sayBackup(db, before, copy)
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

sayEvents(db)
if (await succeeds(() => points.has('k0'))) {
  const maintained = maintenance ? maintain() : undefined
  await Promise.all(Array.from({ length: writers }, write))
  ended = true
  await maintained
  if (faults) await succeeds(() => points.search(new Float32Array(8), { k: 10_000, exact: true }))
}
await succeeds(() => db.close())
