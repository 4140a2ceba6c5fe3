import { existsSync, mkdirSync, readdirSync } from 'node:fs'
import { VectorLevelError } from '../floor/errors.js'
import { BlockStore } from '../storage/block-store.js'
import { sealMeta } from '../storage/guard.js'
import { generationDirectory, truthDirectory, writeGeneration, writeIdentity } from '../storage/store-file.js'
import { Truth } from '../storage/truth.js'
import { copyGeneration } from './checkpoint.js'
import { checkNames } from './options.js'
import type { Session } from './session.js'

/** Entries and bytes that are copied in one write. */
const CHUNK_ENTRIES = 1000
const CHUNK_BYTES = 4 << 20

export interface BackupOptions {
  signal?: AbortSignal
  /** Called now and then with the number of entries that are copied. */
  onProgress?: (entries: number) => void
}

/**
 * Copies the store, as it is at one moment between two commits, into a new directory; writes go on meanwhile.
 *
 * The copy has the records, keys and log of that moment, and the index up to its last checkpoint: it is opened like a store whose process
 * was killed then. The identity is written last; a copy that was interrupted is none.
 *
 * @throws {VectorLevelError} VECTOR_IO_ERROR when the directory is not empty or cannot be written, VECTOR_ABORTED
 */
export async function backupStore({ engine, writer }: Session, directory: string, options: BackupOptions = {}): Promise<void> {
  checkNames(options, ['signal', 'onProgress'])
  if (typeof directory !== 'string' || directory === '') throw new TypeError(`a backup goes into the path of a directory, not ${String(directory)}`)
  const { signal, onProgress } = options
  if (existsSync(directory) && readdirSync(directory).length) {
    throw new VectorLevelError('VECTOR_IO_ERROR', `${directory} is not empty: it has ${readdirSync(directory).length} entries`)
  }
  mkdirSync(directory, { recursive: true })
  // The snapshot is taken before the index is copied, and no checkpoint is written until it is: so the copy's log reaches as far as its index.
  const snapshot = await writer.whileIndexRests(async () => {
    const taken = engine.truth.snapshot()
    try {
      await engine.blocks!.copyTo(generationDirectory(directory, 1))
      return taken
    } catch (error) {
      await taken.close()
      throw error
    }
  })
  try {
    sealMeta(generationDirectory(directory, 1), engine.checksum)
    const copy = await Truth.open(truthDirectory(directory), true)
    try {
      let entries = 0
      let chunk: [Buffer, Buffer][] = []
      let bytes = 0
      const write = async (sync: boolean): Promise<void> => {
        const written = chunk
        chunk = []
        bytes = 0
        await copy.commit(batch => {
          for (const [key, value] of written) batch.put(key, value)
        }, sync)
        entries += written.length
        onProgress?.(entries)
      }
      for await (const entry of engine.truth.entries({}, snapshot)) {
        chunk.push(entry)
        bytes += entry[1].length
        if (chunk.length < CHUNK_ENTRIES && bytes < CHUNK_BYTES) continue
        if (signal?.aborted) throw new VectorLevelError('VECTOR_ABORTED', `the backup was aborted after ${entries} entries`, signal.reason)
        await write(false)
      }
      await write(true)
      await copy.sync()
    } finally {
      await copy.close()
    }
  } finally {
    await snapshot.close()
  }
  writeGeneration(directory, 1)
  writeIdentity(directory, engine.identity.uuid)
}

/** Rewrites records and index without what was replaced or deleted, so that the files give their space back; reads and writes go on. */
export async function compactStore({ engine, writer }: Session): Promise<void> {
  await writer.checkpoint()
  await writer.whileIndexRests(async () => {
    const directory = await copyGeneration(engine)
    await engine.switchGeneration(engine.generation + 1, new BlockStore(directory))
  })
  await engine.truth.compact(Buffer.of(0), Buffer.of(0xff))
}
