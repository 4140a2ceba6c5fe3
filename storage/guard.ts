import { closeSync, existsSync, fstatSync, openSync, readSync } from 'node:fs'
import { dataFile } from './block-store.js'

const PAGE_BYTES = 4096
const META_BYTES = 160
const MAGIC = 0xbeefc0de

/**
 * Says why LMDB must not be given a generation, or undefined when it may: LMDB dies with the process on a data file that is
 * truncated or garbage.
 *
 * Reads the two meta pages: magic at 24, last page at 144 and transaction at 152 (data format 2 of lmdb 3.5). The file must hold all
 * pages that the newer of them counts.
 */
export function reasonToDiscard(directory: string): string | undefined {
  const path = dataFile(directory)
  if (!existsSync(path)) return 'no data file'
  const file = openSync(path, 'r')
  try {
    const { size } = fstatSync(file)
    let newest = -1n
    let lastPage = -1n
    for (const page of [0, 1]) {
      const meta = Buffer.alloc(META_BYTES)
      if (readSync(file, meta, 0, META_BYTES, page * PAGE_BYTES) < META_BYTES) return `the data file has ${size} bytes, less than its two meta pages`
      if (meta.readUInt32LE(24) !== MAGIC) return `meta page ${page} of the data file has no magic number`
      const transaction = meta.readBigUInt64LE(152)
      if (transaction <= newest) continue
      newest = transaction
      lastPage = meta.readBigUInt64LE(144)
    }
    const needed = (lastPage + 1n) * BigInt(PAGE_BYTES)
    return BigInt(size) < needed ? `the data file has ${size} bytes of ${needed}` : undefined
  } finally {
    closeSync(file)
  }
}
