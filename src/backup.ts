import { existsSync, mkdirSync, readdirSync, realpathSync } from 'node:fs'
import { dirname, resolve, sep } from 'node:path'
import { VectorLevelError } from '../floor/errors.js'
import { sealMeta } from '../storage/guard.js'
import { removeLeftOver } from '../storage/remove.js'
import { dataDirectory, generationDirectory, truthDirectory, writeGeneration, writeIdentity } from '../storage/store-file.js'
import type { Engine } from './engine.js'
import { type Maintenance, refuseDamagedTables } from './maintenance.js'
import type { Session } from './session.js'
import { TruthCopy } from './truth-copy.js'
import type { Writer } from './writer.js'

/**
 * Copies the store, as it is at one moment between two commits, into a new directory; writes go on meanwhile.
 *
 * The copy has the records, keys and log of that moment, and the index up to its last checkpoint: it is opened like a store whose process
 * was killed then. The identity is written last; a copy that was interrupted is none.
 *
 * @throws {VectorLevelError} VECTOR_IO_ERROR when the directory is not empty or cannot be written, VECTOR_ABORTED
 */
export async function backupStore({ engine, writer }: Session, directory: string, maintenance: Maintenance): Promise<void> {
  if (typeof directory !== 'string' || directory === '') throw new TypeError(`a backup goes into the path of a directory, not ${String(directory)}`)
  if (engine.damage) throw engine.damage
  maintenance.deadline.check()
  refuseInside(engine.directory, directory)
  await refuseDamagedTables(engine, maintenance)
  makeEmpty(directory)
  const data = dataDirectory(directory, 1)
  try {
    await copyData(engine, writer, data, maintenance)
    writeIdentity(directory, { ...engine.identity, data: 1 })
  } catch (error) {
    removeLeftOver(data)
    throw error
  }
}

async function copyData(engine: Engine, writer: Writer, data: string, { deadline, onProgress }: Maintenance): Promise<void> {
  // The snapshot is taken before the index is copied, and no checkpoint is written until it is: so the copy's log reaches as far as its index.
  const { snapshot, total } = await writer.whileIndexRests(async () => {
    const snapshot = engine.truth.snapshot()
    const total = engine.storedCollections.reduce((count, { graph }) => count + 2 * graph.live, 0)
    try {
      await engine.blocks!.copyTo(generationDirectory(data, 1))
      return { snapshot, total }
    } catch (error) {
      await snapshot.close()
      throw error
    }
  }, deadline)
  try {
    sealMeta(generationDirectory(data, 1), engine.plainChecksum)
    const copy = await TruthCopy.create(truthDirectory(data))
    try {
      for await (const [key, value] of snapshot.entries({})) {
        if (!await copy.put(key, value)) continue
        engine.underWay.check()
        deadline.check(`after ${copy.count} entries`)
        onProgress({ step: 'copying records', done: copy.count, total: Math.max(total, copy.count) })
      }
      await copy.finish()
    } finally {
      await copy.close()
    }
  } finally {
    await snapshot.close()
  }
  writeGeneration(data, 1)
}

/** @throws {VectorLevelError} VECTOR_IO_ERROR when something is there already, or it cannot be made */
function makeEmpty(directory: string): void {
  let names: string[]
  try {
    mkdirSync(directory, { recursive: true })
    names = readdirSync(directory)
  } catch (error) {
    throw new VectorLevelError('VECTOR_IO_ERROR', `cannot make ${directory}: ${(error as Error).message}`, error)
  }
  if (names.length) throw new VectorLevelError('VECTOR_IO_ERROR', `${directory} is not empty: it has ${names.length} entries`)
}

/** @throws {VectorLevelError} VECTOR_IO_ERROR when the directory of a copy lies in that of the store, whose files come and go */
function refuseInside(store: string, directory: string): void {
  let parent = resolve(directory)
  while (!existsSync(parent)) parent = dirname(parent)
  const real = realpathSync(parent)
  if (real === store || real.startsWith(store + sep)) throw new VectorLevelError('VECTOR_IO_ERROR', `${directory} lies in the store that is to be copied`)
}
