import { rmSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import type { VectorLevel, VectorLevelError } from '../../src/index.js'
import type { Word } from './workload.js'

/** Says something at once, so that a kill right after does not take it back. */
export function say(word: Word, upTo: number, more = ''): void {
  sayLine(`${word} ${upTo}${more && ` ${more}`}`)
}

/** Says what did not succeed, where errors may come. */
export function sayFailure({ code, message }: VectorLevelError): void {
  sayLine(`failed ${code} ${message.replaceAll('\n', ' ')}`)
}

function sayLine(text: string): void {
  let line = Buffer.from(`${text}\n`)
  while (line.length) {
    try {
      line = line.subarray(writeSync(1, line))
    } catch (error) {
      // The pipe is full, since the other side has not read yet.
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1)
    }
  }
}

/** Says what the database tells by events. */
export function sayEvents(db: VectorLevel): void {
  db.on('opening', () => say('opening', 0))
  db.on('open', () => say('opened', 0))
  db.on('replay', ({ operations }) => say('replayed', operations))
  db.on('rebuild', ({ reason }) => say('rebuilt', 0, reason))
  db.on('checkpoint', ({ sequence }) => say('indexed', sequence))
  db.on('closing', () => say('closing', 0))
}

/** Makes a backup where another may have been, of a store of which so many operations are acknowledged. */
export async function sayBackup(db: VectorLevel, acknowledged: number, directory: string): Promise<void> {
  say('backing-up', acknowledged, directory)
  // What is half removed must not look like a backup.
  rmSync(join(directory, 'STORE'), { force: true })
  rmSync(directory, { recursive: true, force: true })
  await db.backup(directory)
  say('backed-up', acknowledged, directory)
}

/** A line of what was said. */
export interface Said {
  word: Word
  upTo: number
  more: string
}

/** All that was said; the last line may be cut off. */
export function saidIn(output: string): Said[] {
  return output.split('\n').slice(0, -1).map(line => {
    const [word, upTo, ...more] = line.split(' ')
    return { word: word as Word, upTo: Number(upTo), more: more.join(' ') }
  })
}
