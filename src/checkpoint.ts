import { Packr } from 'msgpackr'
import { VectorLevelError } from '../floor/errors.js'
import { byAndBy, Pauses, SLICE_MS, type Slices } from '../floor/slices.js'
import type { GraphOptions, GraphState } from '../index/graph.js'
import { type BlockStore, TransactionAborted } from '../storage/block-store.js'
import type { StandingBlock } from '../storage/block-writer.js'
import { reasonToDiscard, sealMeta } from '../storage/guard.js'
import { META_KEY, logKey, recordKey, sequenceOf } from '../storage/keys.js'
import { decodeLogEntry, NONE } from '../storage/log-format.js'
import { removeDirectory, removeLeftOver } from '../storage/remove.js'
import { seal, unseal } from '../storage/sealed.js'
import type { Space } from '../storage/space.js'
import { PAGE_SLACK } from '../storage/space.js'
import { generationDirectory, writeGeneration } from '../storage/store-file.js'
import type { TruthBatch, TruthSnapshot } from '../storage/truth.js'
import { type Engine, indexPlaceOf, isInTruth, type LogPosition, type OpenCollection } from './engine.js'
import { dropVectors, forgetCodes, writeCodes } from './keeping.js'
import type { CodeFrame } from './kept-codes.js'

const CHECKPOINT = 'checkpoint'
const CHECKPOINT_SEED = 0x636865636b7074n
const TRUTH_META_SEED = 0x7472757468n
/** Log operations whose traces are removed by one batch. */
const TRIM_OPERATIONS = 20_000
/** And records that are written anew by one: no other may be meanwhile. */
const DROPPED_AT_ONCE = 1000
/** A generation is copied without its free pages at close when they are more than this share of it. */
const FREE_SHARE = 0.25
/** Bytes that went through the log, or of an index, from which on reclaiming is worth its time. */
const TRIMMED_BYTES = 1 << 20
/** Typed arrays and large integers come back as what they were. */
const packr = new Packr({ structuredClone: true, useRecords: false, useBigIntExtension: true })

/** How often in a row a transaction may be given up. */
export const MOST_ABORTED = 3

/** Of blocks and checkpoint: an index of another format is built anew. */
export const INDEX_FORMAT = 7

/** What the index knows of itself, written with its blocks in one transaction. */
export interface Checkpoint {
  format: number
  uuid: string
  sequence: number
  hash: bigint
  /** Of each collection, with a second copy of its description. */
  graphs: { id: number, name: string, options: GraphOptions, state: GraphState }[]
}

/** What goes with the blocks into one transaction: graphs that hold all operations up to `position`. */
export function writeMeta(engine: Engine, position: LogPosition, graphs: Checkpoint['graphs']): Map<string, Buffer> {
  const checkpoint: Checkpoint = { format: INDEX_FORMAT, uuid: engine.identity.uuid, ...position, graphs }
  return new Map([[CHECKPOINT, seal(engine.plainChecksum, CHECKPOINT_SEED, packr.pack(checkpoint))]])
}

/** @throws {VectorLevelError} VECTOR_CORRUPTION when its checksum does not fit */
export function readCheckpoint(engine: Engine, blocks: BlockStore): Checkpoint | undefined {
  const bytes = blocks.readMeta(CHECKPOINT)
  return bytes && packr.unpack(unseal(engine.plainChecksum, CHECKPOINT_SEED, bytes, 'the checkpoint')) as Checkpoint
}

/**
 * Writes all that changed in the index, with the position in the log that it stands for, in one transaction.
 *
 * Resolves, with the promise of the end, as soon as the index may change again. The operations up to `position` must have been applied
 * before the call, and none may be until then.
 *
 * IMPORTANT: the order is what recovery rests on. First everything up to the watermark is on stable storage in the log (strict commits
 * are; relaxed ones need a barrier of ours), then the codes that are kept in place of vectors, then the index is written, then the log is cut.
 */
export async function writeCheckpoint(engine: Engine, position: LogPosition = engine.head): Promise<{ written: Promise<void> }> {
  if (engine.damage) throw engine.damage
  if (engine.settings.durability === 'relaxed') await engine.truth.sync()
  try {
    return await beginWriting(engine, position)
  } catch (error) {
    engine.threads.stop(() => engine.cache.endWriting(false))
    throw error
  }
}

/** The same, to its end; where LMDB gives up the transaction, it is tried again, so often. */
export async function completeCheckpoint(engine: Engine, position: LogPosition, tries = MOST_ABORTED): Promise<void> {
  try {
    await (await writeCheckpoint(engine, position)).written
  } catch (error) {
    if (!(error instanceof TransactionAborted) || !tries) throw error
    await completeCheckpoint(engine, position, tries - 1)
  }
}

async function beginWriting(engine: Engine, position: LogPosition): Promise<{ written: Promise<void> }> {
  const codes: CodeFrame[] = []
  const blocks: StandingBlock[] = []
  const pauses = new Pauses()
  for (const { space, block, frame } of engine.cache.dirtyBlocks()) {
    const { collection, kind } = engine.spaceOf(space)
    if (isInTruth(collection, kind)) codes.push({ place: { collection: collection.id, version: collection.graph.versionOf(kind), block }, space, frame })
    else blocks.push(sealed(engine, space, frame, indexPlaceOf(collection, kind, block)))
    // It stays resident until it is written, so it may count as stored from now on.
    space.markStored(block)
    space.markWriting(block)
    if (pauses.isDue) await pauses.take()
  }
  const removed: number[] = []
  for (const { space, block } of engine.cache.leavingBlocks()) {
    const { collection, kind } = engine.spaceOf(space)
    if (!isInTruth(collection, kind)) removed.push(indexPlaceOf(collection, kind, block))
  }
  for (const { graph } of engine.collections.values()) graph.noteCheckpoint()
  const graphs = engine.storedCollections.map(({ id, name, options, graph }) => ({ id, name, options, state: graph.state() }))
  await writeCodes(engine, codes, graphs)
  const { copied, written } = engine.blockWriter!.write(blocks, writeMeta(engine, position, graphs), removed)
  await copied
  return {
    written: written.then(async () => {
      engine.readers?.refresh()
      // Who changes a block meanwhile must not be overlooked.
      engine.threads.stop(() => engine.cache.endWriting(true))
      sealMeta(generationDirectory(engine.data, engine.generation), engine.plainChecksum)
      engine.watermark = position
      await forgetCodes(engine, graphs)
    }, (error: unknown) => {
      engine.threads.stop(() => engine.cache.endWriting(false))
      throw error
    })
  }
}

/** Completes a block where it stands. */
function sealed(engine: Engine, space: Space, frame: number, place: number): StandingBlock {
  const byteLength = space.frameBytes - PAGE_SLACK
  engine.kernel.sealBlock(frame, byteLength, place, engine.storeTag)
  return { frame, byteLength, place }
}

/**
 * Cuts off the log up to the watermark, removes the records that its operations replaced or deleted, and from those that they wrote the vectors in place of
 * which codes are kept.
 *
 * Until then those records stay as they are, so that a replay finds the vectors of all operations that it repeats, and linking those of all nodes.
 * Returns how many records of each collection were removed, or written anew.
 */
export async function trimLog(engine: Engine): Promise<Map<number, number>> {
  const removed = new Map<number, number>()
  const count = (id: number): void => void removed.set(id, (removed.get(id) ?? 0) + 1)
  const pauses = new Pauses()
  // Codes that are still to be made, or that the checkpoint has not, need their records.
  for (const { graph } of engine.collections.values()) if (!graph.coded) return removed
  while (engine.trimmed.sequence < engine.watermark.sequence) {
    let position = engine.trimmed
    let operations = 0
    const keys: Buffer[] = []
    const coded: [OpenCollection, number][] = []
    for await (const [key, value] of engine.truth.entries({ gte: logKey(position.sequence + 1), lte: logKey(engine.watermark.sequence) })) {
      const entry = decodeLogEntry(engine.checksum, position.hash, sequenceOf(key), value)
      const last = entry.sequence + entry.operations.length - 1
      keys.push(key)
      for (const { collection: id, ordinal, previous } of entry.operations) {
        const collection = engine.collectionById(id)
        if (ordinal !== NONE && collection.graph.keepsCodes) coded.push([collection, ordinal])
        if (previous === NONE) continue
        keys.push(recordKey(id, previous))
        count(id)
      }
      position = { sequence: last, hash: entry.hash }
      operations += entry.operations.length
      if (operations >= TRIM_OPERATIONS || coded.length >= DROPPED_AT_ONCE) break
      if (pauses.isDue) await pauses.take()
    }
    // Synced, so that no later one is there without it: what it removes would count again.
    await engine.rewrites.take(() => engine.truth.commit(async batch => {
      for (const id of await byAndBy(dropVectors(engine, coded, batch), SLICE_MS)) count(id)
      await byAndBy(fillTrim(batch, keys, encodeTruthMeta(engine, position)), SLICE_MS)
    }, true))
    engine.trimmed = position
  }
  for (const { graph } of engine.collections.values()) graph.noteTrim()
  return removed
}

function* fillTrim(batch: TruthBatch, keys: Buffer[], meta: Buffer): Slices<void> {
  for (const key of keys) {
    batch.del(key)
    yield
  }
  batch.put(META_KEY, meta)
}

export function encodeTruthMeta(engine: Pick<Engine, 'plainChecksum' | 'identity'>, trimmed: LogPosition): Buffer {
  return seal(engine.plainChecksum, TRUTH_META_SEED, packr.pack({ uuid: engine.identity.uuid, sequence: trimmed.sequence, hash: trimmed.hash }))
}

/** Up to where the log is cut off. @throws {VectorLevelError} VECTOR_CORRUPTION when the truth is not the one of this store */
export function readTruthMeta(engine: Engine, truth: Pick<TruthSnapshot, 'get'> = engine.truth): LogPosition {
  const { uuid, sequence, hash } = readTruthIdentity(engine, truth)
  if (uuid !== engine.identity.uuid) {
    throw new VectorLevelError('VECTOR_CORRUPTION', `the records in ${engine.directory} belong to store ${uuid}, the directory to ${engine.identity.uuid}`)
  }
  return { sequence, hash }
}

/** To which store the truth belongs, and up to where its log is cut off. @throws {VectorLevelError} VECTOR_CORRUPTION */
export function readTruthIdentity({ directory, plainChecksum }: Engine, truth: Pick<TruthSnapshot, 'get'>): LogPosition & { uuid: string } {
  const bytes = truth.get(META_KEY)
  if (!bytes) throw new VectorLevelError('VECTOR_CORRUPTION', `the records in ${directory} have lost the state of their log`)
  return packr.unpack(unseal(plainChecksum, TRUTH_META_SEED, bytes, 'the state of the log')) as LogPosition & { uuid: string }
}

/**
 * Gives back, before closing, what the log and free pages take: compacts the log's part of the truth, and makes a copy of the index
 * without its free pages the current one. The index is not used after that. What fails here is not needed: nothing is lost by it.
 */
export async function reclaim(engine: Engine, logBytes: number): Promise<void> {
  try {
    if (logBytes > TRIMMED_BYTES) await engine.truth.compact(logKey(0), logKey(engine.head.sequence + 1))
    await engine.blockWriter!.close()
    const { bytes, free } = engine.blocks!.size()
    if (free <= bytes * FREE_SHARE || bytes < TRIMMED_BYTES) return
    const directory = await copyGeneration(engine)
    await engine.closeIndex()
    if (reasonToDiscard(directory, engine.plainChecksum)) return
    // IMPORTANT: the copy is on stable storage before it becomes the current generation.
    writeGeneration(engine.data, engine.generation + 1)
    removeLeftOver(generationDirectory(engine.data, engine.generation))
  } catch {
    // Most likely there is no room for the copy.
  }
}

/** Copies the live pages of the index into the next generation; returns its directory. What a failed copy leaves is removed. */
async function copyGeneration(engine: Engine): Promise<string> {
  const directory = generationDirectory(engine.data, engine.generation + 1)
  removeDirectory(directory)
  try {
    await engine.blocks!.copyTo(directory)
  } catch (error) {
    removeLeftOver(directory)
    throw error
  }
  sealMeta(directory, engine.plainChecksum)
  return directory
}
