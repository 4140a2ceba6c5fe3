import type { Codebook } from '../codecs/codec.js'
import { unlessDamaged } from '../floor/errors.js'
import type { Slices } from '../floor/slices.js'
import type { GraphState } from '../index/graph.js'
import { STATE_LIVE } from '../index/kernel/layout.js'
import { codebookKey, recordKey } from '../storage/keys.js'
import { dropVector } from '../storage/record-format.js'
import type { Truth, TruthBatch } from '../storage/truth.js'
import type { Engine, OpenCollection } from './engine.js'
import { type CodeFrame, describeCodes, encodeFrame, keptCodesIn } from './kept-codes.js'

/** Bytes of blocks that are written together, and blocks that are removed together. */
const WRITTEN_AT_ONCE = 8 << 20
const FORGOTTEN_AT_ONCE = 1000

/**
 * Puts changed codes on stable storage, and then what all of them are like.
 *
 * IMPORTANT: an index that was written before them fits them, too: of the codes that it knows, none is another since then.
 */
export async function writeCodes(engine: Engine, frames: CodeFrame[], graphs: { id: number, state: GraphState }[]): Promise<void> {
  const { truth } = engine
  const entries: [Buffer, Buffer][] = []
  let byteLength = 0
  for (const frame of frames) {
    const entry = encodeFrame(engine, frame, engine.collectionById(frame.place.collection).writings.next(frame.place))
    entries.push(entry)
    byteLength += entry[1].length
    if (byteLength < WRITTEN_AT_ONCE) continue
    await commit(truth, entries.splice(0))
    byteLength = 0
  }
  const described: [OpenCollection, Codebook][] = []
  for (const { id, state } of graphs) {
    const collection = engine.collectionById(id)
    const kept = collection.options.store === 'codes' && keptCodesIn(state, collection.writings)
    if (!kept) continue
    const [codes, codebook] = describeCodes(engine, collection, kept)
    entries.push(codes)
    if (collection.keptCodebook === kept.codebook) continue
    entries.push(codebook)
    described.push([collection, kept.codebook])
  }
  if (entries.length) await commit(truth, entries)
  for (const [collection, codebook] of described) collection.keptCodebook = codebook
}

async function commit(truth: Truth, entries: [Buffer, Buffer][]): Promise<void> {
  await truth.commit(batch => {
    for (const entry of entries) batch.put(...entry)
  }, true)
}

/** Removes codes of codebooks that no graph needs, as they are on stable storage now. */
export async function forgetCodes(engine: Engine, graphs: { id: number, state: GraphState }[]): Promise<void> {
  for (const { id, state: { codes: { version } } } of graphs) {
    if (!version) continue
    const { truth } = engine
    engine.collectionById(id).writings.forget(version)
    let keys: Buffer[] = []
    const remove = (): Promise<void> => truth.commit(batch => {
      for (const key of keys.splice(0)) batch.del(key)
    }, false)
    for await (const [key] of truth.entries({ gte: codebookKey(id, 0), lt: codebookKey(id, version) })) {
      if (keys.push(key) >= FORGOTTEN_AT_ONCE) await remove()
    }
    if (keys.length) await remove()
  }
}

/** Writes records without their vectors, of those that have their codes; returns of which collections. */
export function* dropVectors({ truth, checksum }: Engine, records: [OpenCollection, number][], batch: TruthBatch): Slices<number[]> {
  const dropped: number[] = []
  for (const [{ id, options, graph }, ordinal] of records) {
    yield
    if (graph.stateOf(ordinal) !== STATE_LIVE) continue
    const key = recordKey(id, ordinal)
    const record = truth.get(key)
    // What is damaged is left for verify() to tell of.
    const rest = record && unlessDamaged(() => dropVector(checksum, id, ordinal, record, options.dimensions))
    if (!rest) continue
    batch.put(key, rest)
    dropped.push(id)
  }
  return dropped
}
