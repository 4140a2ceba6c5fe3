import { rmSync } from 'node:fs'
import { VectorLevelError } from '../floor/errors.js'

/**
 * Removes a directory, if there is one.
 *
 * @throws {VectorLevelError} VECTOR_IO_ERROR
 */
export function removeDirectory(directory: string): void {
  try {
    rmSync(directory, { recursive: true, force: true })
  } catch (error) {
    throw new VectorLevelError('VECTOR_IO_ERROR', `cannot remove ${directory}: ${(error as Error).message}`, error)
  }
}

/** The same for what nothing needs any more: where it cannot be removed now it is when the store is opened next. */
export function removeLeftOver(directory: string): void {
  try {
    removeDirectory(directory)
  } catch {
    // Whoever calls this has something else to tell, or nothing.
  }
}
