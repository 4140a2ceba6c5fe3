import { mkdirSync, realpathSync, statSync } from 'node:fs'
import { VectorLevelError } from '../floor/errors.js'

const open = new Set<string>()

/**
 * Takes a directory for one handle of this process; returns its canonical path and what gives it back.
 *
 * LevelDB's own lock holds per spelling of the path within a process, so a second spelling or a link would open the store twice.
 *
 * @throws {VectorLevelError} VECTOR_LOCKED when a handle of this process has it, VECTOR_IO_ERROR when it cannot be made
 */
export function takeDirectory(location: string): { directory: string, release: () => void } {
  let directory: string
  let identity: string
  try {
    mkdirSync(location, { recursive: true })
    directory = realpathSync(location)
    const { dev, ino } = statSync(directory, { bigint: true })
    identity = `${dev}:${ino}`
  } catch (error) {
    throw new VectorLevelError('VECTOR_IO_ERROR', `cannot use ${location} as a directory: ${(error as Error).message}`, error)
  }
  if (open.has(identity)) throw new VectorLevelError('VECTOR_LOCKED', `${location} is already open in this process`)
  open.add(identity)
  return { directory, release: () => open.delete(identity) }
}
