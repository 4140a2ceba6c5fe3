import { readdirSync, rmSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { unlessDamaged, VectorLevelError } from '../floor/errors.js'
import { byAndBy, SLICE_MS } from '../floor/slices.js'
import { BlockStore, dataFile } from '../storage/block-store.js'
import { reasonToDiscard } from '../storage/guard.js'
import { logKey, META_KEY, ordinalOf, recordKey, sequenceOf, userKey, userKeyEnd, userPart } from '../storage/keys.js'
import { decodeLogEntry, type LogEntry, NONE, readLogEntry } from '../storage/log-format.js'
import { decodeOrdinal } from '../storage/ordinal-format.js'
import { ReadAhead } from '../storage/read-ahead.js'
import { decodeRecord } from '../storage/record-format.js'
import {
  clearOpeningMarker, dataDirectory, generationDirectory, hasOpeningMarker, newIdentity, readGeneration, readIdentity, setOpeningMarker, type StoreIdentity,
  truthDirectory, writeGeneration, writeIdentity
} from '../storage/store-file.js'
import { syncDirectory } from '../storage/sync.js'
import { Truth } from '../storage/truth.js'
import { applyEntry } from './apply.js'
import { type Checkpoint, completeCheckpoint, encodeTruthMeta, INDEX_FORMAT, readCheckpoint, readTruthMeta } from './checkpoint.js'
import { Engine, type LogPosition } from './engine.js'
import { readKeptCodes } from './kept-codes.js'
import { forgetBehindGap } from './log-gap.js'
import type { DatabaseSettings } from './options.js'

/** Ordinals between two looks at how much of the cache is dirty. */
const LOOK = 256
/** More than LevelDB's log of a store in creation has: one entry. */
const META_BYTES = 512

export interface Recovery {
  engine: Engine
  /** Operations that were applied again from the log. */
  replayed: number
  /** Why the index was built anew, if it was. */
  rebuilt: string | undefined
}

/**
 * Opens or creates the store in a directory, and brings its index to the end of the log.
 *
 * @throws {VectorLevelError} VECTOR_CORRUPTION when what was acknowledged is missing or damaged, so that what is there might be out of date
 */
export async function openStore(directory: string, settings: DatabaseSettings, again = false): Promise<Recovery> {
  const known = readIdentity(directory)
  if (!known) refuseForeign(directory)
  const identity = known ?? newIdentity()
  const data = dataDirectory(directory, identity.data)
  const readAhead = new ReadAhead(dataFile(generationDirectory(data, readGeneration(data))), settings.cacheSize)
  let truth: Truth | undefined
  let engine: Engine | undefined
  try {
    truth = known ? await Truth.open(truthDirectory(data), false) : await openNewTruth(truthDirectory(data))
    if (known) refuseChanged(directory, known)
    engine = new Engine(directory, settings, identity, truth)
    engine.readAhead = readAhead
    if (!known) await create(engine)
    engine.trimmed = readTruthMeta(engine)
    engine.head = engine.trimmed
    await engine.loadCollections()
    const recovery = await openIndexed(engine)
    removeOtherData(directory, identity)
    return recovery
  } catch (error) {
    await engine?.threads.close()
    await engine?.closeIndex()
    await truth?.close()
    await readAhead.close()
    // The index was found damaged while the log was applied to it, and is given up by now.
    if (engine?.damage && !again) return { ...await openStore(directory, settings, true), rebuilt: engine.damage.message }
    throw error
  }
}

async function openIndexed(engine: Engine): Promise<Recovery> {
  const { log, gap } = await readLog(engine)
  const checkpoint = await openIndex(engine, log)
  if (gap) await forgetBehindGap(engine, log)
  if (typeof checkpoint !== 'string') return { engine, replayed: await replay(engine, log, checkpoint), rebuilt: undefined }
  await rebuild(engine)
  return { engine, replayed: 0, rebuilt: checkpoint }
}

/** @throws {VectorLevelError} VECTOR_FORMAT_UNSUPPORTED when a directory without a store holds something else */
function refuseForeign(directory: string): void {
  const names = readdirSync(directory)
  if (names.some(name => /^data-\d+$/.test(name) && name !== 'data-1')) {
    throw new VectorLevelError('VECTOR_CORRUPTION', `${directory} has data but no STORE file; restore that file, or call repair()`)
  }
  const foreign = names.filter(name => name !== 'data-1' && name !== 'STORE.tmp')
  if (foreign.length) {
    throw new VectorLevelError('VECTOR_FORMAT_UNSUPPORTED',
      `${directory} is not a store: it has no STORE file, but ${foreign.length} other entries, such as '${foreign[0]}'`)
  }
}

/** @throws {VectorLevelError} VECTOR_LOCKED when another process changed over to other data before these were locked */
function refuseChanged(directory: string, known: StoreIdentity): void {
  if (readIdentity(directory)?.data !== known.data) throw new VectorLevelError('VECTOR_LOCKED', `another process has ${directory} open, and compacted it`)
}

/** Removes what a compaction or a repair that was interrupted left. */
function removeOtherData(directory: string, { data }: StoreIdentity): void {
  for (const name of readdirSync(directory)) {
    if (/^data-\d+$/.test(name) && name !== `data-${data}`) rmSync(join(directory, name), { recursive: true, force: true })
  }
}

/** LevelDB does not sync the first files of a new database: when the power is cut then, what is left may not open, and holds nothing. */
async function openNewTruth(directory: string): Promise<Truth> {
  try {
    return await Truth.open(directory, true)
  } catch (error) {
    if (!(error instanceof VectorLevelError) || error.code !== 'VECTOR_CORRUPTION') throw error
    const left = readdirSync(directory).map(name => ({ name, size: statSync(join(directory, name)).size }))
    if (left.some(({ name, size }) => /\.(ldb|sst)$/.test(name) || (name.endsWith('.log') && size > META_BYTES))) throw error
    rmSync(directory, { recursive: true })
    return await Truth.open(directory, true)
  }
}

/** IMPORTANT: the identity is written last: what an interrupted creation leaves is no store, and is created again. */
async function create(engine: Engine): Promise<void> {
  for await (const [key] of engine.truth.entries({ limit: 2 })) {
    if (key.equals(META_KEY)) continue
    throw new VectorLevelError('VECTOR_CORRUPTION',
      `${engine.directory} has records (key ${key.toString('hex', 0, 12)}) but no STORE file; restore that file, or call repair()`)
  }
  await engine.truth.commit(batch => batch.put(META_KEY, encodeTruthMeta(engine, { sequence: 0, hash: 0n })), true)
  // LevelDB does not sync the directory in which it names its files.
  syncDirectory(truthDirectory(engine.data))
  syncDirectory(engine.data)
  syncDirectory(dirname(engine.directory))
  writeIdentity(engine.directory, engine.identity)
}

/**
 * Reads the log behind what was cut off, up to its end, or to a gap that a power cut may leave: of entries that were not synced.
 *
 * @throws {VectorLevelError} VECTOR_CORRUPTION when an operation is damaged, or missing that had been on stable storage
 */
async function readLog(engine: Engine): Promise<{ log: LogEntry[], gap: boolean }> {
  const log: LogEntry[] = []
  let gap = false
  for await (const [key, value] of engine.truth.entries({ gte: logKey(engine.trimmed.sequence + 1), lt: logKey(Number.MAX_SAFE_INTEGER) })) {
    const sequence = sequenceOf(key)
    const { sequence: last, hash } = engine.head
    gap ||= sequence !== last + 1
    if (gap) {
      // The entries behind it show how those in it were written: what came before a rewrite had been on stable storage as well.
      const { synced, operations } = readLogEntry(value)
      if (!synced && !operations.some(({ rewrite }) => rewrite)) continue
      throw new VectorLevelError('VECTOR_CORRUPTION',
        `the log has a gap: operations ${last + 1} to ${sequence - 1} are missing; repair() saves what is there`)
    }
    const entry = decodeLogEntry(engine.checksum, hash, sequence, value)
    engine.head = { sequence: sequence + entry.operations.length - 1, hash: entry.hash }
    log.push(entry)
  }
  return { log, gap }
}

/** Opens the current generation when it fits the log; else begins a new one and says why. */
async function openIndex(engine: Engine, log: LogEntry[]): Promise<Checkpoint | string> {
  const generation = readGeneration(engine.data)
  const found = await openGeneration(engine, generation)
  if (typeof found === 'string') return await begin(engine, generation + 1, found)
  let reason: string | undefined = 'it is not known'
  try {
    reason = reasonToReject(engine, log, found.checkpoint)
  } finally {
    if (reason) await found.blocks.close()
  }
  if (reason) return await begin(engine, generation + 1, reason)
  engine.useGeneration(generation, found.blocks)
  removeOtherGenerations(engine)
  return found.checkpoint
}

interface FoundIndex {
  blocks: BlockStore
  checkpoint: Checkpoint
}

/** Opens a generation of the index; says why not when it is not to be trusted. */
export async function openGeneration(engine: Engine, generation: number): Promise<FoundIndex | string> {
  if (generation === 0) return 'there is no index'
  if (hasOpeningMarker(engine.data)) return 'an earlier opening did not survive it'
  const directory = generationDirectory(engine.data, generation)
  const reason = reasonToDiscard(directory, engine.plainChecksum)
  if (reason) return reason
  setOpeningMarker(engine.data)
  let blocks: BlockStore | undefined
  try {
    blocks = new BlockStore(directory)
    const checkpoint = readCheckpoint(engine, blocks)
    if (checkpoint) return { blocks, checkpoint }
    await blocks.close()
    return 'it has no checkpoint'
  } catch (error) {
    await blocks?.close()
    return (error as Error).message
  } finally {
    clearOpeningMarker(engine.data)
  }
}

async function begin(engine: Engine, generation: number, reason: string): Promise<string> {
  await engine.readAhead?.close()
  const directory = generationDirectory(engine.data, generation)
  rmSync(directory, { recursive: true, force: true })
  engine.useGeneration(generation, new BlockStore(directory))
  writeGeneration(engine.data, generation)
  clearOpeningMarker(engine.data)
  removeOtherGenerations(engine)
  return reason
}

/**
 * Why a checkpoint is not one of this log; undefined when it is.
 *
 * @throws {VectorLevelError} VECTOR_CORRUPTION when it holds operations that the log lacks: a checkpoint is written after its log
 */
function reasonToReject(engine: Engine, log: LogEntry[], checkpoint: Checkpoint): string | undefined {
  const { sequence, hash } = checkpoint
  if (checkpoint.format !== INDEX_FORMAT) return `it has format ${checkpoint.format}, this version reads ${INDEX_FORMAT}`
  if (checkpoint.uuid !== engine.identity.uuid) return `it belongs to store ${checkpoint.uuid}`
  if (sequence > engine.head.sequence) {
    throw new VectorLevelError('VECTOR_CORRUPTION',
      `operations ${engine.head.sequence + 1} to ${sequence} are missing at the end of the log, the index holds them; repair() saves what is there`)
  }
  if (sequence < engine.trimmed.sequence) return `the log is cut off behind it: sequence ${sequence} of ${engine.trimmed.sequence}`
  const ends: LogPosition[] = [engine.trimmed, ...log.map(entry => ({ sequence: entry.sequence + entry.operations.length - 1, hash: entry.hash }))]
  if (!ends.some(end => end.sequence === sequence && end.hash === hash)) return `its history differs from the log's at sequence ${sequence}`
  return undefined
}

function removeOtherGenerations(engine: Engine): void {
  for (const name of readdirSync(engine.data)) {
    if (/^index-\d+$/.test(name) && name !== `index-${engine.generation}`) rmSync(join(engine.data, name), { recursive: true, force: true })
  }
}

/** Applies the operations behind the checkpoint; linking goes on where it was. Returns how many. */
async function replay(engine: Engine, log: LogEntry[], checkpoint: Checkpoint): Promise<number> {
  for (const { id, state } of checkpoint.graphs) engine.collectionById(id).graph.restore(state)
  engine.watermark = { sequence: checkpoint.sequence, hash: checkpoint.hash }
  let applied = engine.watermark
  let replayed = 0
  for (const entry of log) {
    if (entry.sequence <= checkpoint.sequence) continue
    const lost: { collection: number, ordinal: number }[] = []
    for (const { collection, ordinal, rewrite } of entry.operations) {
      if (ordinal !== NONE && !rewrite && !storeRecord(engine, collection, ordinal, entry.sequence)) lost.push({ collection, ordinal })
      if (ordinal % LOOK === 0 && engine.cacheIsDirty) await completeCheckpoint(engine, applied)
    }
    await byAndBy(applyEntry(engine, entry), SLICE_MS)
    for (const { collection, ordinal } of lost) engine.collectionById(collection).graph.forget(ordinal)
    applied = { sequence: entry.sequence + entry.operations.length - 1, hash: entry.hash }
    replayed += entry.operations.length
  }
  for (const { graph } of engine.collections.values()) {
    graph.findFree()
    if (engine.trimmed.sequence === engine.watermark.sequence) graph.noteTrim()
  }
  return replayed
}

/** Stores a vector again; false when its record is missing, damaged, has none, or is of before `sequence`: it cannot be found then, and verify() tells of it. */
function storeRecord(engine: Engine, collectionId: number, ordinal: number, sequence: number): boolean {
  const { id, options, graph } = engine.collectionById(collectionId)
  const record = engine.truth.get(recordKey(id, ordinal))
  if (!record) return false
  const bits = new Uint32Array(options.dimensions)
  const label = unlessDamaged(() => decodeRecord(engine.checksum, id, ordinal, record, options.dimensions, bits, 0))
  if (!label || label.coded || label.sequence < sequence) return false
  graph.store(ordinal, new Float32Array(bits.buffer), label)
  return true
}

/** Begins an empty index: what the keys lead to is live, and is linked in the background. */
async function rebuild(engine: Engine): Promise<void> {
  for (const collection of engine.collections.values()) {
    const { id, graph } = collection
    const live: number[] = []
    for await (const [key, value] of engine.truth.entries({ gte: userKey(id, Buffer.alloc(0)), lt: userKeyEnd(id) })) {
      // A damaged key leads nowhere; verify() tells of it.
      const named = unlessDamaged(() => decodeOrdinal(engine.checksum, id, userPart(key), value))
      if (named) live.push(named.ordinal)
    }
    const last = await engine.truth.last({ gte: recordKey(id, 0), lt: recordKey(id + 1, 0) })
    // Behind all that is named: by records, which the log may still name, and by keys, whose records may be lost.
    const ordinals = live.reduce((most, ordinal) => Math.max(most, ordinal + 1), last ? ordinalOf(last[0]) + 1 : 0)
    await byAndBy(graph.rebuild(Uint32Array.from(live).sort(), ordinals, readKeptCodes(engine, collection, engine.truth)), SLICE_MS)
  }
}
