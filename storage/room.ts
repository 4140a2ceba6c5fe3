import { closeSync, existsSync, openSync, rmSync, statfsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { VectorLevelError } from '../floor/errors.js'
import { PAGE_BYTES } from './kernel/layout.js'

/** What LMDB writes first to a new data file: its meta pages, and the pages of the two databases. */
const FIRST_BYTES = 16 * PAGE_BYTES
/** Of a lock file with LMDB's default number of readers. */
const LOCK_BYTES = 8272

/**
 * Tries what LMDB does when it opens an environment: there a failure ends the process, here it is an error.
 *
 * A page of the lock file that finds no room on the disk ends it too (SIGBUS, the file is written through memory), so a new one is filled.
 */
export function tryOpening(directory: string): void {
  const data = join(directory, 'data.mdb')
  const lock = join(directory, 'lock.mdb')
  if (!existsSync(lock)) fill(lock, LOCK_BYTES)
  if (existsSync(data)) {
    closeSync(openSync(data, 'r+'))
    return
  }
  const probe = `${data}.tmp`
  fill(probe, FIRST_BYTES)
  rmSync(probe)
}

/**
 * Looks whether a transaction that writes so many bytes finds room. LMDB damages the heap of the process when a write of pages fails: its
 * message is longer than the memory for it.
 *
 * @throws {VectorLevelError} VECTOR_IO_ERROR
 */
export function checkRoom(directory: string, byteLength: number): void {
  const { bavail, bsize } = statfsSync(directory)
  // Beside the blocks, pages of the trees above them, and lists of free ones.
  const needed = Math.ceil(byteLength * 1.1) + 32 * PAGE_BYTES
  if (bavail * bsize < needed) {
    throw new VectorLevelError('VECTOR_IO_ERROR', `a checkpoint needs ${needed} bytes on the disk of ${directory}, ${bavail * bsize} are free`)
  }
}

/** A file of zeros, that has its room on the disk; none when there is too little. */
function fill(path: string, byteLength: number): void {
  try {
    writeFileSync(path, Buffer.alloc(byteLength))
  } catch (error) {
    rmSync(path, { force: true })
    throw error
  }
}
