import { existsSync, readdirSync, rmSync, statfsSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import * as assert from 'uvu/assert'
import { VectorLevel, VectorLevelError } from '../../src/index.js'
import { opened, SMALL } from '../src/store.js'
import type { FullDisk } from './full-disk.js'
import { History } from './history.js'
import { operationsOf, pointsOf } from './workload.js'

const { location, durability, seed, action, before, checkpointEvery, room, roomToClose } = JSON.parse(process.argv[2]!) as FullDisk
const options = { ...SMALL, durability, checkpoint: { operations: checkpointEvery } }
const ballast = join(dirname(location), 'ballast')
const backup = join(dirname(location), 'backup')
const history = new History(seed)
let db: VectorLevel
let acknowledged = 0

function fill(): void {
  for (;;) {
    const { bavail, bsize } = statfsSync(dirname(location))
    try {
      writeFileSync(ballast, Buffer.alloc(Math.max(0, bavail * bsize - room)))
      return
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error
      // LevelDB took some of it meanwhile, in a thread of its own. What was written stays, and fills the disk.
      if (!room) return
      rmSync(ballast)
    }
  }
}

/** There is room again; which the system may tell a moment later. */
async function giveBack(): Promise<void> {
  const { size } = statSync(ballast, { throwIfNoEntry: false }) ?? { size: 0 }
  rmSync(ballast, { force: true })
  for (let i = 0; i < 1000; i++) {
    const { bavail, bsize } = statfsSync(dirname(location))
    if (bavail * bsize >= size) return
    await delay(2)
  }
}

/** The code of an error of ours that it fails with, undefined when it does not. Any other error ends the process. */
async function codeOf(work: () => Promise<unknown>): Promise<string | undefined> {
  try {
    await work()
    return undefined
  } catch (error) {
    const { code } = (error instanceof VectorLevelError && error.code === 'VECTOR_DATABASE_NOT_OPEN' && error.cause || error) as VectorLevelError
    assert.ok(code === 'VECTOR_IO_ERROR' || code === 'VECTOR_POISONED', `not of a full disk: ${(error as Error).stack}`)
    return code
  }
}

async function write(count: number): Promise<void> {
  const points = db.collection<number>('points', pointsOf(seed))
  for (const to = acknowledged + count; acknowledged < to; acknowledged++) await points.batch(operationsOf(seed, acknowledged))
}

function open(): VectorLevel {
  const opening = new VectorLevel(location, options)
  opening.on('checkpointFailed', () => undefined)
  return opening
}

async function meet(): Promise<string | undefined> {
  switch (action) {
    case 'writes':
      return await codeOf(() => write(2000))
    case 'checkpoints':
      for (let i = 0; i < 100; i++) {
        const code = await codeOf(() => write(10)) ?? await codeOf(() => db.checkpoint())
        if (code) return code
      }
      return undefined
    case 'compaction':
      return await codeOf(() => db.compact())
    case 'backup':
      return await codeOf(() => db.backup(backup))
    case 'closing':
      return await codeOf(() => db.close())
    case 'opening':
    case 'creation':
      db = open()
      return await codeOf(() => db.open())
  }
}

/** What was acknowledged is there, and one more operation at most: the one that failed. */
async function expectAll(): Promise<void> {
  await history.findIn(db, acknowledged, acknowledged + 1)
  await history.expectIn(db)
}

if (action !== 'creation') {
  db = open()
  await write(before)
  if (action === 'opening') await db.close()
}
fill()
const code = await meet()
if (db!.status === 'open') {
  // Reads and searches go on; whether writes do is told by an error, and nothing is half done.
  await expectAll()
  if (roomToClose) await giveBack()
  if (history.count === acknowledged) await codeOf(() => write(5))
  await expectAll()
  await codeOf(() => db.close())
}
await giveBack()
if (existsSync(join(backup, 'STORE'))) {
  const copied = new History(seed)
  await opened(backup, async copy => {
    await copied.findIn(copy, 0, acknowledged + 1)
    await copied.expectIn(copy)
  })
}
rmSync(backup, { recursive: true, force: true })
for (let turn = 0; turn < 2; turn++) {
  db = open()
  await db.open()
  await expectAll()
  acknowledged = history.count
  await write(30)
  await db.checkpoint()
  await db.compact()
  await db.backup(backup)
  await expectAll()
  const left = readdirSync(location).filter(name => !/^(STORE|data-\d+)$/.test(name))
  assert.equal(left, [], 'files that belong to nothing')
  assert.is(readdirSync(location).filter(name => name.startsWith('data-')).length, 1, 'copies of the data')
  await db.close()
  rmSync(backup, { recursive: true })
}
process.stdout.write(code ?? 'enough room')
