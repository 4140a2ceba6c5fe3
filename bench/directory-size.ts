import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'

const statBlockByteLength = 512

/**
 * Bytes that a folder takes on disk, as `du` counts them: LMDB's files have holes, which take none.
 *
 * NOTE: Windows counts no blocks; there it is the files' lengths.
 */
export async function directorySize(folder: string): Promise<number> {
  let bytes = 0
  for (const entry of await readdir(folder, { withFileTypes: true, recursive: true })) {
    if (!entry.isFile()) continue
    const { blocks, size } = await stat(join(entry.parentPath ?? entry.path, entry.name))
    bytes += process.platform === 'win32' ? size : blocks * statBlockByteLength
  }
  return bytes
}
