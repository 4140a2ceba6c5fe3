import { closeSync, fsyncSync, openSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { VectorLevelError } from '../floor/errors.js'

/**
 * Makes names created or replaced in a directory durable. Windows has no such call, and needs none.
 *
 * @throws {VectorLevelError} VECTOR_IO_ERROR
 */
export function syncDirectory(directory: string): void {
  if (process.platform === 'win32') return
  try {
    const file = openSync(directory, 'r')
    try {
      fsyncSync(file)
    } finally {
      closeSync(file)
    }
  } catch (error) {
    throw new VectorLevelError('VECTOR_IO_ERROR', `cannot sync ${directory}: ${(error as Error).message}`, error)
  }
}

/** Makes what was written to a file durable. What the system says of it is thrown as it is: callers look for a file that is gone. */
export async function syncFile(path: string): Promise<void> {
  const file = await open(path, 'r+')
  try {
    await file.datasync()
  } finally {
    await file.close()
  }
}
