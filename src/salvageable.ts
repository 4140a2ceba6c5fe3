import { cpSync, existsSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { VectorLevelError } from '../floor/errors.js'
import { isOrdinalKey, META_KEY } from '../storage/keys.js'
import { damagedTables } from '../storage/table-check.js'
import { soundEntriesOf } from '../storage/table-format.js'
import { Truth } from '../storage/truth.js'
import { peekTrimmed } from './checkpoint.js'

/** Entries that are taken over in one write. */
const CHUNK = 1000

/**
 * Opens the records of a store that may be damaged. What LevelDB cannot or must not open, it opens as a copy, made openable, without the tables
 * that are damaged; what is sound in those is taken over.
 *
 * Shapes: `copy` is the directory for that; `actions` takes sentences of what was done.
 *
 * @throws {VectorLevelError} VECTOR_LOCKED, VECTOR_IO_ERROR, VECTOR_CORRUPTION when there is nothing to open
 */
export async function openSalvageable(directory: string, copy: string, actions: string[]): Promise<Truth> {
  if (!existsSync(directory)) throw new VectorLevelError('VECTOR_CORRUPTION', `there are no records: ${directory} is missing`)
  const damaged = await damagedTables(directory)
  if (!damaged.length) {
    try {
      return await Truth.open(directory, false)
    } catch (error) {
      if ((error as VectorLevelError).code === 'VECTOR_LOCKED') throw error
      actions.push(`LevelDB repaired its files, which it could not open: ${(error as Error).message}`)
    }
  }
  cpSync(directory, copy, { recursive: true, filter: source => basename(source) !== 'LOCK' && !damaged.includes(basename(source)) })
  await Truth.repair(copy)
  const truth = await Truth.open(copy, false)
  try {
    for (const name of damaged) {
      const count = await takeOver(truth, readFileSync(join(directory, name)))
      actions.push(`table ${name} is damaged: took ${count} entries from its sound blocks`)
    }
    return truth
  } catch (error) {
    await truth.close()
    throw error
  }
}

/** Puts the entries of a table where there are none, or older ones; returns how many. */
async function takeOver(truth: Truth, table: Buffer): Promise<number> {
  let count = 0
  let chunk: [Buffer, Buffer][] = []
  const write = async (): Promise<void> => {
    const entries = chunk
    chunk = []
    count += entries.length
    await truth.commit(batch => {
      for (const [key, value] of entries) batch.put(key, value)
    }, false)
  }
  for (const [key, value] of soundEntriesOf(table)) {
    const present = truth.get(key)
    if (present && !isNewer(key, value, present)) continue
    chunk.push([Buffer.from(key), Buffer.from(value)])
    if (chunk.length === CHUNK) await write()
  }
  await write()
  return count
}

/** Of what is written more than once under a key: ordinals only grow in the same data, and so does the log. */
function isNewer(key: Buffer, value: Buffer, present: Buffer): boolean {
  if (isOrdinalKey(key)) return value.length === present.length && value.readUInt32LE(0) > present.readUInt32LE(0)
  return key.equals(META_KEY) && peekTrimmed(value) > peekTrimmed(present)
}
