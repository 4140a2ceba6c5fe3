import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'

const statBlockByteLength = 512

/**
 * Bytes that a folder takes on disk, as `du` counts them: LMDB's files have holes, which take none.
 *
 * A file that goes while others are counted takes none either: a store that is open removes what it needs no more.
 *
 * NOTE: Windows counts no blocks; there it is the files' lengths.
 */
export async function directorySize(folder: string): Promise<number> {
  let bytes = 0
  for (const entry of await readdir(folder, { withFileTypes: true }).catch(unlessGone)) {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) bytes += await directorySize(path)
    if (!entry.isFile()) continue
    for (const { blocks, size } of await stat(path).then((found) => [found], unlessGone)) {
      bytes += process.platform === 'win32' ? size : blocks * statBlockByteLength
    }
  }
  return bytes
}

function unlessGone(error: NodeJS.ErrnoException): never[] {
  if (error.code !== 'ENOENT') throw error
  return []
}
