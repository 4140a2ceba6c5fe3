import { mkdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { open, type Database, type RootDatabase } from 'lmdb'
import { VectorLevelError } from '../floor/errors.js'
import { PAGE_BYTES } from './kernel/layout.js'
import { tryOpening } from './room.js'
import { RunCheck } from './run-check.js'
import { syncDirectory, syncFile } from './sync.js'

const META_PAGES = 2
/** A name in the metadata, written for the pages that this frees. */
const FREE_LIST = 'free list'

interface TreeStats {
  treeBranchPageCount: number
  treeLeafPageCount: number
  overflowPages: number
}

function pagesOf(stats: TreeStats): number {
  return stats.treeBranchPageCount + stats.treeLeafPageCount + stats.overflowPages
}

export interface SealedBlock {
  place: number
  bytes: Uint8Array
}

/** Codes of LMDB that mean damage: it goes on failing until the index is built anew. */
const DAMAGE = /MDB_(CORRUPTED|PANIC|PROBLEM|PAGE_NOTFOUND|INVALID|VERSION_MISMATCH|BAD_DBI)/

/**
 * LMDB gave up a transaction as a whole: once in many thousands its list of free pages fails to be written ("reserved freelist had a data entry with zero-size"). It reads the
 * list anew for the next one, which finds everything as it was before.
 */
export class TransactionAborted extends VectorLevelError {
  constructor(message: string, cause?: unknown) {
    super('VECTOR_IO_ERROR', message, cause)
  }
}

function wrap(error: unknown, what: string): VectorLevelError {
  const { message } = error as Error
  if (/MDB_BAD_TXN/.test(message)) return new TransactionAborted(`${what}: ${message}`, error)
  if (DAMAGE.test(message)) return new VectorLevelError('VECTOR_CORRUPTION', `${what}: ${message}; the next opening builds the index anew from the records`, error)
  return new VectorLevelError('VECTOR_IO_ERROR', `${what}: ${(error as Error).message}`, error)
}

/** One generation of the derived index: blocks and their metadata in LMDB. The only file that knows lmdb. */
export class BlockStore {
  readonly #directory: string
  readonly #environment: RootDatabase<Buffer, string>
  readonly #blocks: Database<Buffer, number>
  readonly #meta: Database<Buffer, string>
  #lent: Uint8Array = new Uint8Array(0)

  /** Opens or creates the generation in `directory`. Guard an existing one first (guard.ts): LMDB dies on garbage. */
  constructor(directory: string) {
    this.#directory = directory
    try {
      mkdirSync(directory, { recursive: true })
      tryOpening(directory)
      this.#environment = open<Buffer, string>({
        path: directory, noSubdir: false, maxDbs: 8, pageSize: PAGE_BYTES, overlappingSync: false, encoding: 'binary',
        ...(process.platform === 'win32' ? {} : { mapSize: 64 * 2 ** 30 })
      } as Parameters<typeof open<Buffer, string>>[0])
      this.#blocks = this.#environment.openDB<Buffer, number>({ name: 'blocks', encoding: 'binary' })
      this.#meta = this.#environment.openDB<Buffer, string>({ name: 'meta', encoding: 'binary' })
    } catch (error) {
      throw wrap(error, `cannot open ${directory}`)
    }
  }

  /** Copies a block of `byteLength` bytes to `target`, from `at` on; false when there is none of that length. */
  read(place: number, target: Uint8Array, at = 0, byteLength = target.length): boolean {
    let lent: Buffer | undefined
    try {
      lent = this.#blocks.getBinaryFast(place)
    } catch (error) {
      if (DAMAGE.test((error as Error).message)) return false
      throw wrap(error, `cannot read block ${place}`)
    }
    if (lent?.length !== byteLength) return false
    target.set(this.#lentBytes(lent, byteLength), at)
    return true
  }

  /** HOT PATH of misses: the buffer that LMDB lends is longer than its length says, and the same as a rule. The next read overwrites it. */
  #lentBytes({ buffer, byteOffset }: Buffer, byteLength: number): Uint8Array {
    const { buffer: known, byteOffset: from, length } = this.#lent
    if (buffer !== known || byteOffset !== from || byteLength !== length) this.#lent = new Uint8Array(buffer, byteOffset, byteLength)
    return this.#lent
  }

  readMeta(name: string): Buffer | undefined {
    return this.#meta.getBinary(name)
  }

  places(): Iterable<number> {
    return this.#blocks.getKeys()
  }

  /**
   * Removes the blocks of some places, and writes others and metadata, in one transaction, on stable storage on return.
   *
   * @throws {VectorLevelError} VECTOR_IO_ERROR, VECTOR_CORRUPTION when LMDB must not touch what is replaced; nothing was written then
   */
  write(blocks: Iterable<SealedBlock>, meta: Map<string, Buffer>, removed: Iterable<number> = []): void {
    let runs: RunCheck | undefined
    try {
      this.#environment.readerCheck()
      this.#freePages()
      runs = new RunCheck(dataFile(this.#directory))
      const checkRun = (place: number): void => {
        const reason = runs!.find(place)
        if (reason) throw new VectorLevelError('VECTOR_CORRUPTION', `${reason}; the next opening builds the index anew from the records`)
      }
      this.#environment.transactionSync(() => {
        for (const place of removed) {
          checkRun(place)
          this.#blocks.removeSync(place)
        }
        for (const { place, bytes } of blocks) {
          checkRun(place)
          this.#blocks.putSync(place, Buffer.from(bytes))
        }
        for (const [name, value] of meta) this.#meta.putSync(name, value)
      })
    } catch (error) {
      throw error instanceof VectorLevelError ? error : wrap(error, 'a checkpoint failed')
    } finally {
      runs?.close()
    }
  }

  /**
   * Writes a small transaction, behind which the pages that the last checkpoint replaced can be written again: LMDB keeps them for one more
   * transaction, and the file would be another copy longer.
   *
   * IMPORTANT: it also has LMDB begin its list of free pages where it has none, as in a copy: a transaction whose first list is too long for a page
   * reads it before it is there, and ends the process.
   */
  #freePages(): void {
    this.#environment.transactionSync(() => this.#meta.putSync(FREE_LIST, Buffer.of(1)))
  }

  /** Lets reads see what another thread wrote. */
  refresh(): void {
    this.#environment.resetReadTxn()
  }

  /** Bytes of the file, and of the pages in it that hold nothing. */
  size(): { bytes: number, free: number } {
    const environment = this.#environment.getStats() as TreeStats & { lastPageNumber: number, free: TreeStats }
    const pages = environment.lastPageNumber + 1
    let used = META_PAGES + pagesOf(environment) + pagesOf(environment.free)
    for (const database of [this.#blocks, this.#meta] as Database[]) used += pagesOf(database.getStats() as TreeStats)
    return { bytes: pages * PAGE_BYTES, free: Math.max(0, pages - used) * PAGE_BYTES }
  }

  /** Copies the live pages into a new generation, on stable storage when the promise resolves. */
  async copyTo(directory: string): Promise<void> {
    try {
      mkdirSync(directory, { recursive: true })
      await this.#environment.backup(directory, true)
      await syncFile(dataFile(directory))
      syncDirectory(directory)
      syncDirectory(dirname(directory))
    } catch (error) {
      throw wrap(error, `cannot copy the index to ${directory}`)
    }
  }

  async close(): Promise<void> {
    await this.#environment.close()
  }
}

export function dataFile(directory: string): string {
  return join(directory, 'data.mdb')
}
