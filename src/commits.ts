import { byAndBy, Pauses, SLICE_MS } from '../floor/slices.js'
import type { NewVector } from '../index/graph.js'
import { applyEntry } from './apply.js'
import type { Engine } from './engine.js'
import { Group, type NewRecord } from './group.js'
import type { WriteQueue, WriteRequest } from './write-queue.js'

/** Records that are stored before others have their turn, if time is up. */
const STORED_TOGETHER = 64

/** What commits ask of their writer. */
export interface CommitsHost {
  /** Called between two slices of encoding, when changes fill the cache. */
  makeRoom(): Promise<unknown>
  /** Runs `work` while no graph is being changed. */
  whileAtRest(work: () => Promise<void>): Promise<void>
  /** Operations were committed, and applied. */
  committed(operations: number, logBytes: number): void
  /** The log is ahead of the index, which failed; returns what callers are told from now on. */
  failed(error: unknown): Error
}

/** How the writes that wait become durable together and visible at once. */
export class Commits {
  readonly #engine: Engine
  readonly #host: CommitsHost
  readonly #queue: WriteQueue

  constructor(engine: Engine, queue: WriteQueue, host: CommitsHost) {
    this.#engine = engine
    this.#queue = queue
    this.#host = host
  }

  /** Commits what waits, as one group, and applies it. What fails is told to its callers. */
  async commitGroup(): Promise<void> {
    const group = new Group(this.#engine)
    const added: { request: WriteRequest, effects: number }[] = []
    for (const request of this.#queue.takeGroup()) {
      try {
        added.push({ request, effects: await byAndBy(group.add(request.operations), SLICE_MS) })
      } catch (error) {
        request.reject(error)
      }
    }
    try {
      if (group.count) await this.#commit(group)
      for (const { request, effects } of added) request.resolve(effects)
    } catch (error) {
      for (const { request } of added) request.reject(error)
    }
  }

  async #commit(group: Group): Promise<void> {
    // Searches find what was there before until all of the group is visible.
    for (const { collection: { graph }, ordinal, key, before } of group.rewritten) if (before) graph.labels.hold(ordinal, { key, metadata: before })
    try {
      await this.#writeAndApply(group)
    } finally {
      for (const { collection: { graph }, ordinal } of group.rewritten) graph.labels.release(ordinal)
    }
  }

  async #writeAndApply(group: Group): Promise<void> {
    const engine = this.#engine
    const committed = group.write()
    // What fails to be encoded must not hide how the commit ended.
    const stored = this.#store(group.records).then(() => undefined, (error: unknown) => ({ error }))
    const { hash, byteLength } = await committed.finally(() => stored)
    try {
      const failure = await stored
      if (failure) throw failure.error
      const apply = (): Promise<void> => byAndBy(applyEntry(engine, group), SLICE_MS)
      // Another codebook may be due, before all codes are those of the last.
      const mayTrain = ({ collection: { graph } }: NewRecord): boolean => graph.recoded !== undefined && !graph.next
      if (group.changesCodecs || group.records.some(mayTrain)) await this.#host.whileAtRest(apply)
      else await apply()
      engine.head = { sequence: engine.head.sequence + group.count, hash }
    } catch (error) {
      // The log is ahead of the index now, and the next sequence is not known here any more: only opening again sorts that out.
      throw this.#host.failed(error)
    }
    this.#host.committed(group.count, byteLength)
  }

  /** Encodes what is being committed, while the disk is at it; nothing of it is visible yet. */
  async #store(records: NewRecord[]): Promise<void> {
    const pauses = new Pauses()
    for (let from = 0; from < records.length;) {
      const { collection } = records[from]!
      const some: NewVector[] = []
      for (; from < records.length && some.length < STORED_TOGETHER && records[from]!.collection === collection; from++) {
        const { ordinal, key, put: { vector, metadata } } = records[from]!
        some.push({ ordinal, vector, label: { key, metadata } })
      }
      await byAndBy(collection.graph.storeAll(some), SLICE_MS)
      if (!pauses.isDue) continue
      // Codes that no search sees yet do no harm in a checkpoint of what was before them.
      if (this.#engine.cacheIsDirty) await this.#host.makeRoom()
      await pauses.take()
    }
  }
}
