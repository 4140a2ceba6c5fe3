import { cpSync, existsSync, readdirSync, rmSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import * as assert from 'uvu/assert'
import type { Random } from '../../floor/random.js'
import { VectorLevel } from '../../src/index.js'
import { opened, rejects, SMALL } from '../src/store.js'
import { type CampaignReport, tally, tallyMost } from './campaign.js'
import { History } from './history.js'
import type { Ended } from './spawned.js'
import { saidIn } from './tell.js'

const NOT_SURVIVED = 'an earlier opening did not survive it'
const NO_INDEX = 'there is no index'
const NO_CHECKPOINT = 'it has no checkpoint'

/** Keeps what something was found in, if FAULT_KEEP says where; says so. */
export function keep(directory: string, name: string): string {
  const place = process.env['FAULT_KEEP']
  if (!place) return ''
  const kept = join(place, name)
  cpSync(directory, kept, { recursive: true })
  return ` (kept in ${kept})`
}

/** A store that lives through several faults, and what must be true of it after each. */
export class Life {
  readonly location: string
  readonly history: History
  /** Operations that must be there. */
  acknowledged = 0
  /** Whether all that the store holds is known, so that the next process may go on where the history ends. */
  seen = true
  readonly #report: CampaignReport
  /** Whether the last process ended while it opened the store. */
  #endedOpening = false
  /** Whether the index surely has a checkpoint; until then the next opening may build it anew. */
  #indexed = false
  /** Of each directory: operations that its backup must hold, and whether it was said to be complete. */
  readonly #backups = new Map<string, { least: number, complete: boolean }>()

  constructor(location: string, seed: number, report: CampaignReport) {
    this.location = location
    this.history = new History(seed)
    this.#report = report
  }

  /** Takes note of what a process said before it ended, whether or not it was killed. */
  heard({ code, signal, output, errors }: Pick<Ended, 'code' | 'signal' | 'output' | 'errors'>): void {
    assert.ok(signal === 'SIGKILL' || code === 0, `the process ended with ${signal ?? `code ${code}`} by itself: ${errors}`)
    assert.is(errors, '', `the process said: ${errors}`)
    this.seen = false
    const mayBuild = this.#endedOpening
    let opening = false
    for (const { word, upTo, more } of saidIn(output)) {
      if (word === 'acknowledged') this.acknowledged = Math.max(this.acknowledged, upTo)
      if (word === 'opening') opening = true
      if (word === 'opened') opening = false
      if (word === 'indexed') this.#indexed = true
      if (word === 'backing-up') this.#backups.set(more, { least: upTo, complete: false })
      if (word === 'backed-up') this.#backups.set(more, { least: upTo, complete: true })
      if (word === 'replayed') tally(this.#report, 'replays')
      if (word === 'rebuilt') {
        this.#expectReason(more, mayBuild)
        this.#indexed = false
      }
    }
    // It may have begun an index without having said so.
    if (opening && mayBuild) this.#indexed = false
    this.#endedOpening = opening
  }

  /** All that must hold. Looks at the store itself or, as often, at a copy, so that the next process finds what the last one left. */
  async look(random: Random): Promise<void> {
    const copy = `${this.location}-copy`
    rmSync(copy, { recursive: true, force: true })
    if (existsSync(this.location)) cpSync(this.location, copy, { recursive: true })
    const inPlace = random.below(2) === 0
    try {
      await this.#lookAt(inPlace ? this.location : copy)
      await this.#lookAtBackups()
    } catch (error) {
      throw this.#kept(error as Error, inPlace ? copy : this.location)
    }
    this.seen = true
    if (!inPlace) return
    this.#endedOpening = false
    this.#indexed = true
  }

  async #lookAt(location: string): Promise<void> {
    await opened(location, async db => {
      const reasons: string[] = []
      db.on('rebuild', ({ reason }) => reasons.push(reason))
      db.on('replay', () => tally(this.#report, 'replays'))
      const began = performance.now()
      await db.open()
      for (const reason of reasons) this.#expectReason(reason, this.#endedOpening)
      tallyMost(this.#report, 'slowest opening, ms', performance.now() - began)
      await this.history.findIn(db, this.acknowledged)
      await this.history.expectIn(db)
    })
  }

  /** A process that ended while LMDB opened an index costs it, and so does one that ended before its first checkpoint; nothing else does. */
  #expectReason(reason: string, endedOpening: boolean): void {
    tally(this.#report, `built anew: ${reason}`)
    const expected = reason === NO_CHECKPOINT ? !this.#indexed : endedOpening && [NOT_SURVIVED, NO_INDEX].includes(reason)
    assert.ok(expected, `the index was built anew without need: ${reason}`)
  }

  async #lookAtBackups(): Promise<void> {
    const directory = dirname(this.location)
    for (const name of readdirSync(directory).filter(name => name.startsWith(`${basename(this.location)}-backup-`))) {
      const backup = join(directory, name)
      const { least = 0, complete = false } = this.#backups.get(backup) ?? {}
      if (existsSync(join(backup, 'STORE'))) {
        await opened(backup, async db => {
          const reasons: string[] = []
          db.on('rebuild', ({ reason }) => reasons.push(reason))
          await db.open()
          for (const reason of reasons) assert.is(reason, NO_CHECKPOINT, `the index of a backup was built anew: ${reason}`)
          const history = new History(this.history.seed)
          await history.findIn(db, least, this.history.count)
          await history.expectIn(db)
        })
        tally(this.#report, 'backups')
      } else {
        assert.not(complete, `a backup that was said to be complete is none: ${backup}`)
        if (existsSync(join(backup, 'index-1'))) await rejects(new VectorLevel(backup, SMALL).open(), 'VECTOR_FORMAT_UNSUPPORTED')
        tally(this.#report, 'backups that were interrupted')
      }
      rmSync(backup, { recursive: true })
    }
    this.#backups.clear()
  }

  /** Says where the files are that the error was found in, if they are to be kept. */
  #kept(error: Error, location: string): Error {
    if (existsSync(location)) error.message += keep(location, `${this.history.seed}-${this.acknowledged}`)
    return error
  }
}
