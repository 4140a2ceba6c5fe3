import { existsSync } from 'node:fs'
import * as assert from 'uvu/assert'
import { opened } from '../src/store.js'
import { History } from './history.js'

/** A store that a fault left, and what must be in it. It is opened in a process of its own, since a damaged index may end that. */
export interface Recovery {
  location: string
  durability: 'strict' | 'relaxed'
  seed: number
  /** Operations that must be there, and that were asked for, if that is known. */
  least: number
  most?: number
  /** For which the index may be built anew; none given: for any. */
  reasons?: string[]
  /** Also after reopenings, a compaction and a backup. */
  thoroughly: boolean
  /** Backups that were complete, each with the operations that must be in it. */
  backups: { location: string, least: number }[]
}

export interface Recovered {
  count: number
  /** Why the index was built anew, if it was. */
  rebuilt?: string
  replayed?: number
  /** What must not have happened. */
  violation?: string
}

async function recover({ location, durability, seed, least, most, reasons, thoroughly, backups }: Recovery): Promise<Recovered> {
  const history = new History(seed)
  const found: Recovered = { count: 0 }
  try {
    await opened(location, async db => {
      db.on('rebuild', ({ reason }) => { found.rebuilt = reason })
      db.on('replay', ({ operations }) => { found.replayed = operations })
      await history.findIn(db, least, most)
      found.count = history.count
      await history.expectIn(db)
    }, { durability })
    const { rebuilt } = found
    assert.ok(rebuilt === undefined || !reasons || reasons.includes(rebuilt), `the index was built anew: ${rebuilt}`)
    if (thoroughly) await history.expectAfterMaintenance(location, { durability })
    for (const backup of backups) {
      assert.ok(existsSync(`${backup.location}/STORE`), `the backup ${backup.location} has no STORE file`)
      const copied = new History(seed)
      await opened(backup.location, async db => {
        await copied.findIn(db, backup.least, most)
        await copied.expectIn(db)
      })
    }
  } catch (error) {
    found.violation = (error as Error).stack ?? String(error)
  }
  return found
}

process.on('message', (recovery: Recovery) => {
  void recover(recovery).then(recovered => process.send!(recovered))
})
