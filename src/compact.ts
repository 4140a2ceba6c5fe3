import { setImmediate as nextTurn } from 'node:timers/promises'
import { VectorLevelError } from '../floor/errors.js'
import { Pauses } from '../floor/slices.js'
import { isFindable, type Kind, KINDS } from '../index/graph.js'
import { localOrder } from '../index/local-order.js'
import { DROPPED, Renumbered } from '../index/renumber.js'
import { BlockStore, type SealedBlock } from '../storage/block-store.js'
import { sealMeta } from '../storage/guard.js'
import { META_KEY, recordKey, userKey, userKeyEnd, userPart } from '../storage/keys.js'
import { decodeOrdinal, encodeOrdinal, tagOf } from '../storage/ordinal-format.js'
import { dropVector, moveRecord, recordSequence } from '../storage/record-format.js'
import { removeDirectory, removeLeftOver } from '../storage/remove.js'
import { checkRoom } from '../storage/room.js'
import { dataDirectory, generationDirectory, truthDirectory, writeGeneration } from '../storage/store-file.js'
import { syncDirectory } from '../storage/sync.js'
import type { Truth } from '../storage/truth.js'
import { encodeTruthMeta, writeMeta } from './checkpoint.js'
import { type Engine, indexPlaceOf, isInTruth, type OpenCollection } from './engine.js'
import { describeCodes, encodeFrame, keptCodesIn } from './kept-codes.js'
import { type Maintenance, refuseDamagedTables } from './maintenance.js'
import type { Session } from './session.js'
import { TruthCopy } from './truth-copy.js'
import { Writings } from './writings.js'

/** Blocks that are written in one transaction: some milliseconds. */
const BLOCKS_AT_ONCE = 100
/** Records that are read between two pauses. */
const PAUSE = 200

/**
 * Writes records and index anew, without what was replaced or deleted, and numbered so that what a search reads lies together.
 *
 * Searches and reads go on; writes wait. The new data count when they are complete and on stable storage; until then a failure, or a crash,
 * leaves the store as it was.
 *
 * Cost: space for a second copy of the store.
 *
 * @throws {VectorLevelError} VECTOR_IO_ERROR, VECTOR_CORRUPTION, VECTOR_ABORTED
 */
export async function compactStore({ engine, writer }: Session, maintenance: Maintenance): Promise<void> {
  maintenance.deadline.check()
  await refuseDamagedTables(engine, maintenance)
  await writer.alone(async () => {
    const data = dataDirectory(engine.directory, engine.identity.data + 1)
    removeDirectory(data)
    try {
      await new Compaction(engine, data, maintenance).run()
    } catch (error) {
      if (!engine.damage) removeLeftOver(data)
      throw error
    }
  }, maintenance.deadline)
}

class Compaction {
  readonly #engine: Engine
  readonly #data: string
  readonly #maintenance: Maintenance
  readonly #writings = new Map<OpenCollection, { version: number, counts: Uint8Array }>()
  readonly #graphs = new Map<OpenCollection, { order: Uint32Array, renumbered: Renumbered }>()
  #done = 0
  #total = 0

  constructor(engine: Engine, data: string, maintenance: Maintenance) {
    this.#engine = engine
    this.#data = data
    this.#maintenance = maintenance
  }

  async run(): Promise<void> {
    const engine = this.#engine
    for (const { graph } of engine.storedCollections) this.#total += 3 * graph.ordinals
    for (const collection of engine.storedCollections) this.#graphs.set(collection, await this.#order(collection))
    const truth = await this.#writeTruth()
    let blocks: BlockStore | undefined
    try {
      blocks = await this.#writeIndex()
      this.#look()
      engine.changeOver(truth, blocks, new Map([...this.#graphs].map(([collection, { renumbered }]) => [collection, renumbered.state()])))
      for (const [collection, { version, counts }] of this.#writings) collection.writings.restore(version, counts)
    } catch (error) {
      await blocks?.close()
      await truth.close()
      throw error
    }
  }

  async #order({ graph }: OpenCollection): Promise<{ order: Uint32Array, renumbered: Renumbered }> {
    const steps = localOrder(graph)
    const pauses = new Pauses()
    const before = this.#done
    for (;;) {
      const step = steps.next()
      if (step.done) {
        this.#done = before + graph.ordinals
        return { order: step.value, renumbered: new Renumbered(this.#engine.arena, graph, step.value) }
      }
      if (!pauses.isDue) continue
      await pauses.take()
      this.#done = before + step.value
      this.#tell('ordering')
    }
  }

  /** Keys in their order, then records in theirs, so that LevelDB has nothing to merge. The log is empty: the index holds all of it. */
  async #writeTruth(): Promise<Truth> {
    const { head, trimmed } = this.#engine
    if (trimmed.sequence !== head.sequence) {
      throw new VectorLevelError('VECTOR_IO_ERROR', `the log could not be cut: it holds ${head.sequence - trimmed.sequence} operations`)
    }
    const copy = await TruthCopy.create(truthDirectory(this.#data))
    try {
      await copy.put(META_KEY, encodeTruthMeta(this.#engine, head))
      const tags = new Map<OpenCollection, Uint8Array>()
      for (const [collection, { renumbered }] of this.#graphs) tags.set(collection, await this.#copyKeys(copy, collection, renumbered))
      for (const [collection, { order }] of this.#graphs) await this.#copyRecords(copy, collection, order, tags.get(collection)!)
      for (const [collection, { renumbered }] of this.#graphs) await this.#copyCodes(copy, collection, renumbered)
      return await copy.finish()
    } catch (error) {
      await copy.close()
      throw error
    }
  }

  /** Returns the tag that the key of each new ordinal has. */
  async #copyKeys(copy: TruthCopy, collection: OpenCollection, { ordinals }: Renumbered): Promise<Uint8Array> {
    const { truth, checksum } = this.#engine
    const { id, name, graph } = collection
    await copy.put(...this.#engine.descriptionOf(collection))
    const tags = new Uint8Array(graph.ordinals)
    let count = 0
    for await (const [stored, value] of truth.entries({ gte: userKey(id, Buffer.alloc(0)), lt: userKeyEnd(id) })) {
      const key = userPart(stored)
      const { ordinal: old, tag } = decodeOrdinal(checksum, id, key, value)
      const ordinal = ordinals[old] ?? DROPPED
      if (ordinal === DROPPED) throw unsound(`key '${key.toString()}' of '${name}' leads to an ordinal that the index has not`)
      count++
      tags[ordinal] = tag
      if (await copy.put(stored, encodeOrdinal(checksum, id, key, { ordinal, tag }))) this.#look()
    }
    if (count !== graph.live) throw unsound(`'${name}' has ${count} keys, and the index ${graph.live} live ordinals`)
    return tags
  }

  async #copyRecords(copy: TruthCopy, { id, name, options, graph }: OpenCollection, order: Uint32Array, tags: Uint8Array): Promise<void> {
    const { truth, checksum } = this.#engine
    for (const [ordinal, old] of order.entries()) {
      if (ordinal % PAUSE === 0) await this.#pause('copying records')
      this.#done++
      if (!isFindable(graph.stateOf(old))) continue
      const record = truth.get(recordKey(id, old))
      if (!record) throw unsound(`the record of ordinal ${old} in '${name}' is missing`)
      const moved = moveRecord(checksum, id, old, ordinal, record)
      if (tagOf(recordSequence(moved)) !== tags[ordinal]) throw unsound(`only an older record of ordinal ${old} in '${name}' is left`)
      const rest = graph.keepsCodes ? dropVector(checksum, id, ordinal, moved, options.dimensions) : undefined
      if (await copy.put(recordKey(id, ordinal), rest ?? moved)) this.#look()
    }
  }

  /** The codes that are kept in place of vectors. */
  async #copyCodes(copy: TruthCopy, collection: OpenCollection, renumbered: Renumbered): Promise<void> {
    const { id, graph } = collection
    const { arena } = this.#engine
    if (!graph.keepsCodes) return
    const version = graph.versionOf(graph.codeKind)
    const writings = new Writings()
    const room = graph.codes.frameBytes
    const frame = arena.allocate(room)
    try {
      for (const { kind, block } of renumbered.blocks([graph.codeKind], frame)) {
        const place = { collection: id, version, block }
        const entry = encodeFrame(this.#engine, { place, space: graph[kind], frame }, writings.next(place))
        this.#done += graph[kind].rowsPerBlock
        if (await copy.put(...entry)) await this.#pause('copying codes')
      }
      for (const entry of describeCodes(this.#engine, collection, keptCodesIn(renumbered.state(), writings)!)) await copy.put(...entry)
      this.#writings.set(collection, { version, counts: writings.of(version) })
    } finally {
      arena.release(frame, room)
    }
  }

  async #writeIndex(): Promise<BlockStore> {
    const engine = this.#engine
    const { arena, kernel } = engine
    const directory = generationDirectory(this.#data, 1)
    const blocks = new BlockStore(directory)
    const kindsOf = (collection: OpenCollection): Kind[] => KINDS.filter(kind => !isInTruth(collection, kind))
    const room = Math.max(1, ...[...this.#graphs.keys()].flatMap(({ graph }) => KINDS.map(kind => graph[kind].frameBytes)))
    const frame = arena.allocate(room)
    try {
      let chunk: SealedBlock[] = []
      for (const [collection, { renumbered }] of this.#graphs) {
        const { graph } = collection
        for (const { kind, block, byteLength } of renumbered.blocks(kindsOf(collection), frame)) {
          const place = indexPlaceOf(collection, kind, block)
          kernel.sealBlock(frame, byteLength, place, engine.storeTag)
          chunk.push({ place, bytes: arena.bytes.slice(frame, frame + byteLength) })
          if (kind === graph.codeKind) this.#done += graph[kind].rowsPerBlock
          if (chunk.length < BLOCKS_AT_ONCE) continue
          checkRoom(directory, chunk.reduce((sum, { bytes }) => sum + bytes.length, 0))
          blocks.write(chunk, new Map())
          chunk = []
          await this.#pause('writing the index')
        }
      }
      const graphs = [...this.#graphs].map(([{ id, name, options }, { renumbered }]) => ({ id, name, options, state: renumbered.state() }))
      blocks.write(chunk, writeMeta(engine, engine.head, graphs))
      sealMeta(directory, engine.plainChecksum)
      syncDirectory(directory)
      writeGeneration(this.#data, 1)
      return blocks
    } catch (error) {
      await blocks.close()
      throw error
    } finally {
      arena.release(frame, room)
    }
  }

  async #pause(step: string): Promise<void> {
    await nextTurn()
    this.#tell(step)
  }

  #tell(step: string): void {
    this.#look()
    this.#maintenance.onProgress({ step, done: Math.min(this.#done, this.#total), total: this.#total })
  }

  #look(): void {
    this.#engine.underWay.check()
    this.#maintenance.deadline.check()
    if (this.#engine.damage) throw this.#engine.damage
  }
}

function unsound(what: string): VectorLevelError {
  return new VectorLevelError('VECTOR_CORRUPTION', `${what}; call verify() and repair()`)
}
