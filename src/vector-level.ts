import { EventEmitter } from 'node:events'
import { VectorLevelError } from '../floor/errors.js'
import { takeDirectory } from '../storage/registry.js'
import { backupStore } from './backup.js'
import { reclaim } from './checkpoint.js'
import { Collection } from './collection.js'
import { compactStore } from './compact.js'
import { checkAgainstStored, checkCollectionOptions, checkDatabaseOptions, type CollectionOptions, type DatabaseSettings, type VectorLevelOptions } from './options.js'
import { type Deadline, NEVER } from './deadline.js'
import { checkMaintenanceOptions, type Maintenance, type MaintenanceOptions } from './maintenance.js'
import { openStore } from './recovery.js'
import { type RepairReport, repairStore } from './repair.js'
import type { Session } from './session.js'
import { type CacheStats, cacheStats, type DatabaseStats, databaseStats } from './stats.js'
import { type Finding, verifyStore } from './verify.js'
import { Writer } from './writer.js'

export type Status = 'opening' | 'open' | 'closing' | 'closed'

export interface VectorLevelEvents {
  opening: []
  open: []
  closing: []
  closed: []
  /** Operations were durable and visible: their number, and the name of the collection. */
  write: [{ collection: string, operations: number }]
  /** The index on disk contains all up to this sequence. */
  checkpoint: [{ sequence: number }]
  /** A checkpoint could not be written, and is tried again; nothing is lost, and the log grows meanwhile. */
  checkpointFailed: [{ error: unknown }]
  /**
   * A worker thread ended, for this reason; another takes its place, and its searches are done again. Where it was changing a graph, writes are refused with
   * VECTOR_POISONED from then on.
   */
  workerLost: [{ error: Error }]
  /** The log held operations that the index did not; they were applied. */
  replay: [{ operations: number }]
  /**
   * So many of the cache's bytes held changes that writes wait until a checkpoint has written them: now and then it is nothing, often means that cacheSize is
   * too small for so many writes.
   */
  cacheCrowded: [{ dirtyBytes: number, cacheSize: number }]
  /** The index was unusable, for this reason, and is built anew from the records; searches are right meanwhile. */
  rebuild: [{ reason: string }]
  /** Nodes that such an index still lacks; 0 when it is complete. */
  rebuildProgress: [{ left: number }]
  /** A codebook of a collection is being trained; what share of it is done, from 0 to 1. */
  trainingProgress: [{ collection: string, share: number }]
}

interface Waiting {
  run(session: Session): void
  reject(error: Error): void
}

/**
 * A vector database in a directory.
 *
 * It opens itself; every asynchronous method waits for that. One handle of one process owns a directory at a time.
 */
export class VectorLevel extends EventEmitter<VectorLevelEvents> implements AsyncDisposable {
  readonly location: string
  readonly #settings: DatabaseSettings
  readonly #collections = new Map<string, Collection<unknown>>()
  #status: Status = 'opening'
  #session: Session | undefined
  /** Calls from before the database was open. */
  readonly #waiting = new Set<Waiting>()
  #opening: Promise<void> | undefined
  #closing: Promise<void> | undefined
  #repairing: Promise<RepairReport> | undefined

  /** @throws {TypeError | RangeError} for options that are misspelt or out of range */
  constructor(location: string, options: VectorLevelOptions = {}) {
    super()
    if (typeof location !== 'string' || location === '') throw new TypeError(`location is the path of a directory, not ${JSON.stringify(location)}`)
    this.location = location
    this.#settings = checkDatabaseOptions(options)
    // Who opens explicitly hears of a failure there, and everyone else at the first operation.
    queueMicrotask(() => {
      if (this.#status === 'opening' && !this.#opening) this.open().catch(() => undefined)
    })
  }

  get status(): Status {
    return this.#status
  }

  /**
   * Opens the database, creating it when the directory is new or empty.
   *
   * @throws {VectorLevelError} VECTOR_LOCKED, VECTOR_CORRUPTION, VECTOR_FORMAT_UNSUPPORTED, VECTOR_IO_ERROR
   */
  async open(): Promise<void> {
    if (this.#closing) await this.#closing
    this.#opening ??= this.#open().catch((error: unknown) => {
      // The next call tries again.
      this.#opening = undefined
      throw error
    })
    await this.#opening
  }

  async #open(): Promise<void> {
    this.#status = 'opening'
    this.#tell('opening')
    // Not before the caller had the chance to declare collections and listen.
    await Promise.resolve()
    try {
      this.#session = await this.#openSession()
    } catch (error) {
      this.#status = 'closed'
      const notOpen = new VectorLevelError('VECTOR_DATABASE_NOT_OPEN', `${this.location} could not be opened: ${(error as Error).message}`, error)
      for (const { reject } of this.#takeWaiting()) reject(notOpen)
      throw error
    }
    this.#status = 'open'
    for (const { run } of this.#takeWaiting()) run(this.#session)
    this.#tell('open')
  }

  async #openSession(): Promise<Session> {
    const { directory, release } = takeDirectory(this.location)
    try {
      const { engine, replayed, rebuilt } = await openStore(directory, this.#settings)
      try {
        for (const collection of this.#collections.values()) {
          const stored = engine.collections.get(collection.name)
          if (stored) collection.checkStored(stored.options)
        }
      } catch (error) {
        await engine.close()
        throw error
      }
      if (replayed) this.#tell('replay', { operations: replayed })
      if (rebuilt && engine.head.sequence) this.#tell('rebuild', { reason: rebuilt })
      engine.onWorkerLost = error => this.#tell('workerLost', { error })
      engine.onTraining = (collection, share) => this.#tell('trainingProgress', { collection, share })
      const writer = new Writer(engine, {
        checkpoint: () => this.#tell('checkpoint', { sequence: engine.watermark.sequence }),
        crowded: () => this.#tell('cacheCrowded', { dirtyBytes: engine.cache.counts().dirtyBytes, cacheSize: engine.settings.cacheSize }),
        checkpointFailed: error => this.#tell('checkpointFailed', { error }),
        rebuild: left => this.#tell('rebuildProgress', { left })
      })
      return { engine, writer, release }
    } catch (error) {
      release()
      // What the system says of a file that no module of storage speaks for.
      if (!(error instanceof VectorLevelError) && (error as NodeJS.ErrnoException).syscall) {
        throw new VectorLevelError('VECTOR_IO_ERROR', `cannot open ${this.location}: ${(error as Error).message}`, error)
      }
      throw error
    }
  }

  /**
   * Finishes the writes and the searches that were asked for, writes a checkpoint, and gives the directory back. What takes longer than one of these, as
   * searchMany, verify or compact, ends with VECTOR_DATABASE_NOT_OPEN.
   */
  async close(): Promise<void> {
    if (!this.#opening && !this.#closing) {
      this.#status = 'closed'
      return
    }
    this.#closing ??= this.#close().finally(() => {
      this.#closing = undefined
      this.#opening = undefined
    })
    await this.#closing
  }

  async #close(): Promise<void> {
    await this.#opening?.catch(() => undefined)
    const session = this.#session
    if (!session) return
    this.#status = 'closing'
    this.#tell('closing')
    const { engine, writer, release } = session
    const ended = engine.underWay.close()
    try {
      await writer.close()
      await ended
      if (!engine.truth.poisoned && !engine.damage) await reclaim(engine, writer.logBytes)
    } finally {
      this.#session = undefined
      await engine.close().finally(() => {
        release()
        this.#status = 'closed'
      })
      this.#tell('closed')
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  /**
   * A collection of vectors of one shape; stored when the first record is put.
   *
   * @throws {TypeError | RangeError} for options that are misspelt or out of range
   * @throws {VectorLevelError} VECTOR_OPTIONS_MISMATCH when they differ from the stored ones, here or at the first operation
   */
  collection<M = unknown>(name: string, options: CollectionOptions): Collection<M> {
    if (typeof name !== 'string' || name === '' || Buffer.byteLength(name) > 256) {
      throw new TypeError(`the name of a collection is a string of 1 to 256 bytes, not ${JSON.stringify(name)}`)
    }
    const given = checkCollectionOptions(options)
    const stored = this.#session?.engine.collections.get(name)
    if (stored) checkAgainstStored(name, given, stored.options)
    const known = this.#collections.get(name)
    if (known) {
      if (!stored) known.checkGiven(given)
      return known as Collection<M>
    }
    const collection = new Collection<M>(name, given, {
      whenOpen: (run, deadline) => this.#whenOpen(run, deadline),
      sessionNow: () => this.#now(),
      written: operations => this.#tell('write', { collection: name, operations })
    })
    this.#collections.set(name, collection as Collection<unknown>)
    return collection
  }

  /** Names of the stored collections. */
  async collections(): Promise<string[]> {
    return (await this.#ready()).engine.storedCollections.map(({ name }) => name)
  }

  /** Writes what changed into the index now, so that the next opening has nothing to apply again. */
  async checkpoint(): Promise<void> {
    const { writer } = await this.#ready()
    await writer.checkpoint()
  }

  async stats(): Promise<DatabaseStats> {
    return await this.#during(NEVER, databaseStats)
  }

  /** What `stats()` says of the cache, at once: it neither searches nor reads a block, so it may be asked every second. @throws {VectorLevelError} VECTOR_DATABASE_NOT_OPEN */
  cacheStats(): CacheStats {
    return cacheStats(this.#now().engine)
  }

  /**
   * Copies the store as it is now into a new or empty directory, while writes go on; open the copy like any store.
   *
   * @throws {VectorLevelError} VECTOR_IO_ERROR, VECTOR_ABORTED
   */
  async backup(directory: string, options: MaintenanceOptions = {}): Promise<void> {
    const maintenance = checkMaintenanceOptions('the backup', options)
    await this.#during(maintenance.deadline, session => backupStore(session, directory, maintenance))
  }

  /**
   * Writes all anew, without what was replaced or deleted, and ordered so that what a search reads lies together. Reads go on, writes wait.
   * Cost: space for a second copy of the store meanwhile.
   *
   * @throws {VectorLevelError} VECTOR_IO_ERROR, VECTOR_CORRUPTION, VECTOR_ABORTED; the store is as it was then
   */
  async compact(options: MaintenanceOptions = {}): Promise<void> {
    const maintenance = checkMaintenanceOptions('the compaction', options)
    await this.#during(maintenance.deadline, session => compactStore(session, maintenance))
  }

  /**
   * Walks through everything and says what is wrong: nothing when the store is sound.
   *
   * @throws {VectorLevelError} VECTOR_IO_ERROR, VECTOR_ABORTED
   */
  async verify(options: MaintenanceOptions = {}): Promise<Finding[]> {
    const maintenance = checkMaintenanceOptions('the verification', options)
    return await this.#during(maintenance.deadline, session => verifyStore(session, maintenance))
  }

  /**
   * Makes a damaged store sound from what can be trusted, and reports exactly what was lost; also when it cannot be opened. It is open afterwards,
   * and not open meanwhile. Does nothing when verify() finds nothing.
   *
   * Cost: space for a second copy of the records, and a third where LevelDB's own files are damaged. What could not be saved whole is kept in a
   * directory beside the data.
   *
   * @throws {VectorLevelError} VECTOR_LOCKED, VECTOR_FORMAT_UNSUPPORTED, VECTOR_IO_ERROR, VECTOR_ABORTED; the store is as it was then
   */
  async repair(options: MaintenanceOptions = {}): Promise<RepairReport> {
    const maintenance = checkMaintenanceOptions('the repair', options)
    this.#repairing ??= this.#repair(maintenance).finally(() => { this.#repairing = undefined })
    return await this.#repairing
  }

  async #repair(maintenance: Maintenance): Promise<RepairReport> {
    const findings = await this.#examine(maintenance)
    if (!findings.length) return { findings, actions: [], lost: [], kept: undefined }
    if (this.#closing) throw new VectorLevelError('VECTOR_DATABASE_NOT_OPEN', `${this.location} was closed while it was looked at`)
    await this.close()
    const { directory, release } = takeDirectory(this.location)
    try {
      return await repairStore(directory, this.#settings, findings, maintenance)
    } finally {
      release()
      // Why it cannot be opened now is heard of at the next call; what was lost must be heard of in any case.
      await this.open().catch(() => undefined)
    }
  }

  /** What verify() finds, or why the database cannot be opened. */
  async #examine(maintenance: Maintenance): Promise<Finding[]> {
    try {
      await this.open()
    } catch (error) {
      if (!(error instanceof VectorLevelError) || error.code !== 'VECTOR_CORRUPTION') throw error
      return [{ where: 'store', message: error.message }]
    }
    return await this.#during(maintenance.deadline, session => verifyStore(session, maintenance))
  }

  /** Emits an event. A listener that throws harms nothing here: its error surfaces as one that nobody caught. */
  #tell<E extends keyof VectorLevelEvents>(event: E, ...args: VectorLevelEvents[E]): void {
    try {
      ;(this.emit as (event: E, ...args: VectorLevelEvents[E]) => boolean).call(this, event, ...args)
    } catch (error) {
      queueMicrotask(() => {
        throw error
      })
    }
  }

  #takeWaiting(): Waiting[] {
    const all = [...this.#waiting]
    this.#waiting.clear()
    return all
  }

  #ready(): Promise<Session> {
    return this.#whenOpen(session => session)
  }

  /** Runs `work` as soon as the database is open; close() waits for it. */
  async #during<T>(deadline: Deadline, work: (session: Session) => Promise<T>): Promise<T> {
    return await this.#whenOpen(session => session.engine.underWay.run(() => work(session)), deadline)
  }

  /** Runs `run` now or, before the database is open, when it is: in the order of the calls. The deadline counts until then. */
  async #whenOpen<T>(run: (session: Session) => T | Promise<T>, deadline = NEVER): Promise<T> {
    if (this.#status !== 'opening') return await run(this.#now())
    let entry: Waiting
    const ran = new Promise<T>((resolve, reject) => {
      entry = {
        run: session => {
          try {
            resolve(run(session))
          } catch (error) {
            reject(error as Error)
          }
        },
        reject
      }
      this.#waiting.add(entry)
      if (!this.#opening) this.open().catch(() => undefined)
    })
    return await deadline.limit(ran, () => this.#waiting.delete(entry))
  }

  #now(): Session {
    if (!this.#session || this.#status !== 'open') throw new VectorLevelError('VECTOR_DATABASE_NOT_OPEN', `${this.location} is ${this.#status}, not open`)
    return this.#session
  }
}
