import { closeSync, existsSync, fstatSync, openSync, readFileSync, readSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { dataFile } from './block-store.js'
import type { Checksum } from './checksum.js'
import { PAGE_BYTES } from './kernel/layout.js'

const MAGIC = 0xbeefc0de
const SEAL = 'SEAL'

interface MetaPage {
  bytes: Buffer
  transaction: bigint
  lastPage: bigint
}

/**
 * Says why LMDB must not be given a generation, or undefined when it may: LMDB dies with the process on some damaged data files.
 *
 * Reads the two meta pages: magic at 24, last page at 144 and transaction at 152 (data format 2 of lmdb 3.5). The file must hold all
 * pages that the newer of them counts, and the one that was sealed last must be as it was.
 */
export function reasonToDiscard(directory: string, checksum: Checksum): string | undefined {
  if (!existsSync(dataFile(directory))) return 'no data file'
  const file = openSync(dataFile(directory), 'r')
  try {
    const { size } = fstatSync(file)
    if (size < 2 * PAGE_BYTES) return `the data file has ${size} bytes, less than its two meta pages`
    const metas = [0, 1].map(page => readMeta(file, page))
    const foreign = metas.findIndex(({ bytes }) => bytes.readUInt32LE(24) !== MAGIC)
    if (foreign >= 0) return `meta page ${foreign} of the data file has no magic number`
    const newest = newestOf(metas)
    const needed = (newest.lastPage + 1n) * BigInt(PAGE_BYTES)
    if (BigInt(size) < needed) return `the data file has ${size} bytes of ${needed}`
    return brokenSeal(directory, metas, checksum)
  } finally {
    closeSync(file)
  }
}

/**
 * Remembers the newest meta page, after a transaction of ours. It has no checksum of its own, and a damaged one can kill the process.
 *
 * A seal that is lost, or older than the pages, proves nothing, so it need not be durable, nor be written at all.
 */
export function sealMeta(directory: string, checksum: Checksum): void {
  let file: number | undefined
  try {
    file = openSync(dataFile(directory), 'r')
    const newest = newestOf([readMeta(file, 0), readMeta(file, 1)])
    const temporary = join(directory, `${SEAL}.tmp`)
    writeFileSync(temporary, JSON.stringify({ transaction: String(newest.transaction), hash: String(checksum.hash(0n, newest.bytes)) }))
    renameSync(temporary, join(directory, SEAL))
  } catch {
    // On a full disk, for example: the older seal stays.
  } finally {
    if (file !== undefined) closeSync(file)
  }
}

function brokenSeal(directory: string, metas: MetaPage[], checksum: Checksum): string | undefined {
  let transaction: bigint
  let hash: bigint
  try {
    const seal = JSON.parse(readFileSync(join(directory, SEAL), 'utf8')) as { transaction: string, hash: string }
    transaction = BigInt(seal.transaction)
    hash = BigInt(seal.hash)
  } catch {
    return undefined
  }
  const newest = newestOf(metas)
  if (newest.transaction < transaction) return `its newest transaction is ${newest.transaction}, and ${transaction} was written`
  const sealed = metas.find(meta => meta.transaction === transaction)
  if (sealed && checksum.hash(0n, sealed.bytes) !== hash) return `the meta page of transaction ${transaction} is not as it was written`
  // Two transactions on, both pages are newer; until then the sealed page must be there.
  if (!sealed && metas.some(meta => meta.transaction < transaction)) return `the meta page of transaction ${transaction} is gone`
  return undefined
}

function newestOf(metas: MetaPage[]): MetaPage {
  return metas.reduce((a, b) => (a.transaction > b.transaction ? a : b))
}

function readMeta(file: number, page: number): MetaPage {
  const bytes = Buffer.alloc(PAGE_BYTES)
  readSync(file, bytes, 0, PAGE_BYTES, page * PAGE_BYTES)
  return { bytes, transaction: bytes.readBigUInt64LE(152), lastPage: bytes.readBigUInt64LE(144) }
}
