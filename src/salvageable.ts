import { existsSync } from 'node:fs'
import { cp, readFile, rm, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { VectorLevelError } from '../floor/errors.js'
import { damagedTables } from '../storage/table-check.js'
import { soundTableOf } from '../storage/table-format.js'
import { Truth } from '../storage/truth.js'

/**
 * Opens the records of a store that may be damaged. What LevelDB cannot or must not open is opened as a copy that it made openable, in which
 * damaged tables have only their sound blocks.
 *
 * Shapes: `copy` is the directory for that; `actions` takes sentences of what was done.
 *
 * @throws {VectorLevelError} VECTOR_LOCKED, VECTOR_IO_ERROR, VECTOR_CORRUPTION when there is nothing to open
 */
export async function openSalvageable(directory: string, copy: string, actions: string[]): Promise<Truth> {
  if (!existsSync(directory)) throw new VectorLevelError('VECTOR_CORRUPTION', `there are no records: ${directory} is missing`)
  await Truth.refuseLocked(directory)
  const damaged = await damagedTables(directory)
  if (!damaged.count) {
    try {
      return await Truth.open(directory, false)
    } catch (error) {
      if ((error as VectorLevelError).code === 'VECTOR_LOCKED') throw error
      actions.push(`LevelDB repaired its files, which it could not open: ${(error as Error).message}`)
    }
  }
  await cp(directory, copy, { recursive: true, filter: source => basename(source) !== 'LOCK' })
  for (const name of damaged.names) actions.push(await mendTable(join(copy, name)))
  await Truth.repair(copy)
  return await Truth.open(copy, false)
}

/** Leaves a table with its sound blocks, or takes it away when it has none; says which. */
async function mendTable(path: string): Promise<string> {
  const sound = soundTableOf(await readFile(path))
  if (sound) await writeFile(path, sound)
  else await rm(path)
  return `table ${basename(path)} is damaged: ${sound ? 'took its sound blocks' : 'nothing of it could be read'}`
}
