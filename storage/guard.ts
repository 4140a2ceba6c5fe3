import { closeSync, existsSync, fstatSync, openSync, readFileSync, readSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { dataFile } from './block-store.js'
import type { Checksum } from './checksum.js'
import { PAGE_BYTES } from './kernel/layout.js'
import { decodeMeta, type Meta, newestOf } from './lmdb-format.js'
import { findInTrees } from './tree-check.js'

const SEAL = 'SEAL'

/**
 * Says why LMDB must not be given a generation, or undefined when it may: LMDB dies with the process on some damaged data files.
 *
 * The two meta pages must be as LMDB writes them, the file hold all pages that the newer of them counts, the one that was sealed last be
 * as it was, and the pages of the trees lead nowhere else.
 */
export function reasonToDiscard(directory: string, checksum: Checksum): string | undefined {
  if (!existsSync(dataFile(directory))) return 'no data file'
  let file: number | undefined
  try {
    file = openSync(dataFile(directory), 'r')
    return reasonInFile(file, directory, checksum)
  } catch (error) {
    // What cannot be read here kills the process when LMDB reads it in its mapping.
    return `the data file cannot be read: ${(error as Error).message}`
  } finally {
    if (file !== undefined) closeSync(file)
  }
}

function reasonInFile(file: number, directory: string, checksum: Checksum): string | undefined {
  const { size } = fstatSync(file)
  if (size < 2 * PAGE_BYTES) return `the data file has ${size} bytes, less than its two meta pages`
  const metas: Meta[] = []
  for (const number of [0, 1]) {
    const meta = decodeMeta(readPage(file, number), number)
    if (typeof meta === 'string') return `meta page ${number} of the data file ${meta}`
    metas.push(meta)
  }
  const newest = newestOf(metas)
  const needed = (newest.lastPage + 1) * PAGE_BYTES
  if (size < needed) return `the data file has ${size} bytes of ${needed}`
  return brokenSeal(directory, metas, checksum) ?? findInTrees(file, newest)
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
    const newest = newestOf([0, 1].map(number => decodeMeta(readPage(file!, number), number)).filter(meta => typeof meta !== 'string'))
    const temporary = join(directory, `${SEAL}.tmp`)
    writeFileSync(temporary, JSON.stringify({ transaction: String(newest.transaction), hash: String(checksum.hash(0n, newest.bytes)) }))
    renameSync(temporary, join(directory, SEAL))
  } catch {
    // On a full disk, for example: the older seal stays.
  } finally {
    if (file !== undefined) closeSync(file)
  }
}

function brokenSeal(directory: string, metas: Meta[], checksum: Checksum): string | undefined {
  let transaction: number
  let hash: bigint
  try {
    const seal = JSON.parse(readFileSync(join(directory, SEAL), 'utf8')) as { transaction: string, hash: string }
    transaction = Number(BigInt(seal.transaction))
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

function readPage(file: number, number: number): Buffer {
  const bytes = Buffer.alloc(PAGE_BYTES)
  readSync(file, bytes, 0, PAGE_BYTES, number * PAGE_BYTES)
  return bytes
}
