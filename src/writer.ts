import { setImmediate as nextTurn } from 'node:timers/promises'
import type { CodecChoice } from '../codecs/codec.js'
import { VectorLevelError } from '../floor/errors.js'
import { TransactionAborted } from '../storage/block-store.js'
import { MOST_ABORTED, trimLog, writeCheckpoint } from './checkpoint.js'
import { Commits } from './commits.js'
import { type Deadline, LONGEST_TIMER_MS } from './deadline.js'
import type { Engine, OpenCollection } from './engine.js'
import { Linking } from './linking.js'
import { Recodings } from './recodings.js'
import { Tidying } from './tidying.js'
import type { WriteOperation } from './write-operation.js'
import { WriteQueue } from './write-queue.js'

/** After a failed checkpoint the next is tried so much later; at once where all that failed was a transaction of LMDB's. */
const RETRY_SECONDS = 5

interface Waiting {
  resolve(): void
  reject(error: unknown): void
}

interface Lonely {
  run(): Promise<void>
  reject(error: unknown): void
}

/** What a writer tells of what nobody called for. */
export interface WriterEvents {
  checkpoint(): void
  /** Writes wait, since the cache is full of changes. */
  crowded(): void
  checkpointFailed(error: unknown): void
  /** Nodes that an index built anew still lacks. */
  rebuild(left: number): void
}

/**
 * The one writer: takes what callers wait for as one group, makes it durable in one commit, then visible at once.
 *
 * One group is under way at a time, so the order of the log is the order of the calls. Linking into the graph goes on beside; when it is too
 * far behind, writes wait for it. A checkpoint stops both only until the changed blocks are copied; they go on while these are written.
 */
export class Writer {
  readonly #engine: Engine
  readonly #events: WriterEvents
  readonly #queue: WriteQueue
  readonly #commits: Commits
  readonly #linking: Linking
  readonly #tidying: Tidying
  readonly #recodings: Recodings
  #running: Promise<void> | undefined
  /** Whether something happened since it last looked at what there is to do. */
  #isCalled = false
  /** Ends with the checkpoint that is being written; never rejects. And as soon as its blocks are written, or it failed. */
  #writing: Promise<void> | undefined
  #written: Promise<void> | undefined
  #checkpointCalls: Waiting[] = []
  /** Work that needs the store at rest: no group under way. */
  readonly #quiet = new Set<() => void>()
  /** Work during which nothing may be written, by nobody; and walks through the index, which it must not come between. */
  readonly #lonely = new Set<Lonely>()
  #walks = 0
  #sinceCheckpoint = 0
  /** Why the last checkpoint failed; the next is tried when the timer is up. */
  #failure: unknown
  #timer: NodeJS.Timeout | undefined
  #timeIsUp = false
  /** How often in a row it was given up, and is to be tried again. */
  #aborted = 0
  #closing = false
  #closed = false
  #logBytes = 0

  constructor(engine: Engine, events: WriterEvents) {
    this.#engine = engine
    this.#events = events
    this.#tidying = new Tidying(engine)
    this.#linking = new Linking(engine, {
      isDue: () => this.#checkpointDue(),
      ended: () => this.#start(),
      recoded: () => this.#start(),
      failed: error => this.#fail(error),
      rebuild: left => events.rebuild(left)
    })
    this.#queue = new WriteQueue(engine.settings.queueSize)
    this.#commits = new Commits(engine, this.#queue, {
      makeRoom: () => this.#makeRoom(),
      whileAtRest: work => this.#linking.whileAtRest(work),
      committed: (operations, logBytes) => {
        this.#logBytes += logBytes
        this.#sinceCheckpoint += operations
        this.#timer ??= this.#checkpointIn(engine.settings.checkpointSeconds)
      },
      failed: error => this.#damage(error)
    })
    this.#recodings = new Recodings(engine, {
      write: (operation, deadline) => this.write([operation], deadline),
      checkpoint: () => this.checkpoint(),
      rest: deadline => this.alone(() => Promise.resolve(), deadline),
      start: () => this.#start()
    })
    this.#start()
  }

  /** Bytes that went through the log since the database was opened. */
  get logBytes(): number {
    return this.#logBytes
  }

  /**
   * Writes operations, all or none; resolves to how many had an effect. The deadline counts while they wait.
   *
   * @throws {VectorLevelError} VECTOR_ABORTED, VECTOR_BUSY, VECTOR_DATABASE_NOT_OPEN, VECTOR_IO_ERROR, VECTOR_POISONED
   */
  async write(operations: WriteOperation[], deadline: Deadline): Promise<number> {
    this.#refuseClosed()
    if (!operations.length) return 0
    const written = this.#queue.add(operations, deadline)
    this.#start()
    return await written
  }

  /** Links the whole batches of what is stored by now, and writes a checkpoint; other writes wait meanwhile. */
  checkpoint(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#refuseClosed()
      this.#checkpointCalls.push({ resolve, reject })
      this.#start()
    })
  }

  /** Has a collection's vectors held by another codec; resolves when its codes are in use, and in a checkpoint. As Recodings.recode. */
  async recode(collection: OpenCollection, choice: CodecChoice, deadline: Deadline): Promise<void> {
    this.#refuseClosed()
    await this.#recodings.recode(collection, choice, deadline)
  }

  /** Runs `look` at once between two groups, when records, log and index agree; the deadline counts until then. */
  async atRest<T>(look: () => T, deadline: Deadline): Promise<T> {
    this.#refuseClosed()
    let run: () => void
    const looked = new Promise<T>((resolve, reject) => {
      run = () => {
        try {
          resolve(look())
        } catch (error) {
          reject(error as Error)
        }
      }
      this.#quiet.add(run)
      this.#start()
    })
    return await deadline.limit(looked, () => this.#quiet.delete(run))
  }

  /** Runs `copy` from a moment between two groups on; no checkpoint is written before it ends. The deadline counts until it begins. */
  async whileIndexRests<T>(copy: () => Promise<T>, deadline: Deadline): Promise<T> {
    for (;;) {
      await this.#writing
      const begun = await this.atRest(() => {
        if (this.#writing) return undefined
        const result = copy()
        this.#writing = result.then(() => undefined, () => undefined).finally(() => {
          this.#writing = undefined
          this.#start()
        })
        return { result }
      }, deadline)
      if (begun) return await begun.result
    }
  }

  /**
   * Runs `work` while nothing changes: all is linked and swept and in a checkpoint, the log is cut, and writes wait. An index that is being built
   * anew is waited for, and so are walks through it: until the deadline passes, or the database is closed.
   *
   * @throws {VectorLevelError} VECTOR_ABORTED, VECTOR_DATABASE_NOT_OPEN, and what `work` throws
   */
  async alone<T>(work: () => Promise<T>, deadline: Deadline): Promise<T> {
    this.#engine.underWay.check()
    let entry: Lonely
    const done = new Promise<T>((resolve, reject) => {
      const run = async (): Promise<void> => {
        try {
          await this.#settle()
          resolve(await work())
        } catch (error) {
          reject(error as Error)
        }
      }
      entry = { run, reject }
      this.#lonely.add(entry)
      this.#start()
    })
    return await deadline.limit(done, () => this.#lonely.delete(entry))
  }

  /** Runs `work`, which walks through the index while others write; its ordinals stay what they are. */
  async walk<T>(work: () => Promise<T>): Promise<T> {
    this.#walks++
    try {
      return await work()
    } finally {
      this.#walks--
      this.#start()
    }
  }

  /** @throws {VectorLevelError} VECTOR_IO_ERROR when no checkpoint can be written, or what damage there is */
  async #settle(): Promise<void> {
    await this.#tidying.rest()
    do {
      await this.#checkpoint()
      await this.#writing
    } while (this.#aborted)
    await this.#tidying.rest()
    if (this.#engine.damage) throw this.#engine.damage
    if (this.#failure !== undefined) throw this.#failure
  }

  /** Finishes what was asked for, and writes a last checkpoint. When that fails, the next opening applies what it lacks from the log. */
  async close(): Promise<void> {
    this.#closing = true
    clearTimeout(this.#timer)
    this.#rejectLonely(this.#engine.underWay.error())
    this.#recodings.close(this.#engine.underWay.error())
    while (this.#running) await this.#running
    if (!this.#engine.truth.poisoned && !this.#engine.damage) await this.checkpoint().catch(() => undefined)
    while (this.#running) await this.#running
    this.#closed = true
    await this.#linking.close()
    await this.#writing
    await this.#tidying.close()
  }

  /** What comes later would wait for ever. */
  #refuseClosed(): void {
    if (this.#closed) throw this.#engine.underWay.error()
  }

  #runQuiet(): void {
    const all = [...this.#quiet]
    this.#quiet.clear()
    for (const run of all) run()
  }

  async #runLonely(): Promise<void> {
    for (const entry of this.#lonely) {
      this.#lonely.delete(entry)
      await entry.run()
      return
    }
  }

  #rejectLonely(error: unknown): void {
    for (const work of this.#lonely) work.reject(error)
    this.#lonely.clear()
  }

  get #wantsToBeAlone(): boolean {
    return this.#lonely.size > 0 && this.#walks === 0
  }

  #start(): void {
    if (this.#closed) return
    this.#isCalled = true
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined
      if (this.#isCalled || this.#queue.count || this.#checkpointCalls.length || this.#quiet.size || this.#wantsToBeAlone) this.#start()
    })
  }

  /** Until nothing is left to do but linking: a group, and checkpoints when they are due. */
  async #run(): Promise<void> {
    await Promise.resolve()
    for (;;) {
      this.#isCalled = false
      const asked = this.#checkpointCalls.length > 0
      this.#runQuiet()
      this.#recodings.look()
      if (this.#engine.damage) {
        this.#fail(this.#engine.damage)
        return
      }
      const rebuilding = this.#linking.rebuilding
      const lonely = this.#wantsToBeAlone && !rebuilding
      let commits = false
      try {
        if (this.#engine.cacheIsDirty && !(await this.#makeRoom())) return
        // Those who asked for one wait for what is to be linked before.
        if (this.#checkpointDue()) await this.#checkpoint(false)
        this.#linking.start(lonely ? 'rest' : 'batches')
        // What it waits for first, changes that fill the cache or a checkpoint that is due, is seen to in the next turn.
        const isDone = !this.#linking.running && !this.#engine.cacheIsDirty && !this.#checkpointDue()
        // What is too little for a batch waits for more: of many collections it may be much, and would be waited for without end.
        const isLate = this.#linking.lag > 1 && !isDone
        commits = this.#queue.count > 0 && !asked && !lonely && (rebuilding || !isLate)
        if (lonely && isDone) await this.#runLonely()
        else if (commits) await this.#commits.commitGroup()
        if (asked && (this.#linking.patient || isDone)) await this.#checkpoint()
      } catch (error) {
        this.#fail(error)
        return
      }
      // What was committed is still to be linked, and there must be room for that.
      if (!commits && !this.#queue.count && !this.#checkpointCalls.length && !this.#wantsToBeAlone) return
      if (this.#linking.running && !commits) await this.#linking.turn()
      else await nextTurn()
    }
  }

  /** Gets changed blocks out of the cache; false when they cannot be written now: writes are refused until they can. */
  async #makeRoom(): Promise<boolean> {
    await this.#written
    if (this.#engine.cacheIsDirty) this.#events.crowded()
    // Linking goes on as soon as a checkpoint has copied its blocks, and may fill the cache again before these are written.
    while (this.#engine.cacheIsDirty && (this.#failure === undefined || this.#timeIsUp || this.#checkpointCalls.length)) {
      // Those who asked for one wait for what is to be linked before; where the last failed, theirs is tried.
      await this.#checkpoint(this.#failure !== undefined)
      await this.#written
    }
    if (!this.#engine.cacheIsDirty) return true
    const error = new VectorLevelError('VECTOR_IO_ERROR', 'the cache is full of changes, and writing them failed; writes go on when that succeeds', this.#failure)
    this.#queue.rejectAll(error)
    this.#rejectLonely(error)
    return false
  }

  /**
   * The index in memory cannot go on; half an insertion may be in it. Those who wait are told, and so is who comes later. No checkpoint is
   * written from now on, so the index on disk stays the one of the last.
   */
  #fail(error: unknown): void {
    const damage = this.#damage(error)
    clearTimeout(this.#timer)
    this.#timeIsUp = false
    this.#queue.rejectAll(damage)
    for (const call of this.#checkpointCalls.splice(0)) call.reject(damage)
    this.#rejectLonely(damage)
    this.#recodings.close(damage)
  }

  /** Refuses writes from now on. */
  #damage(error: unknown): VectorLevelError {
    this.#engine.damage ??= new VectorLevelError('VECTOR_POISONED',
      `the index failed, writes are refused; close and open the database again to recover: ${(error as Error).message}`, error)
    return this.#engine.damage
  }

  #checkpointDue(): boolean {
    if (this.#closing || this.#writing) return false
    const { cache, settings } = this.#engine
    return this.#timeIsUp || (this.#failure === undefined && (this.#sinceCheckpoint >= settings.checkpointOperations || cache.isFilling))
  }

  #checkpointIn(seconds: number): NodeJS.Timeout {
    return setTimeout(() => {
      this.#timer = undefined
      this.#timeIsUp = true
      this.#start()
    }, Math.min(seconds * 1000, LONGEST_TIMER_MS)).unref()
  }

  /** Begins a checkpoint, and tells its end to those who asked for one, if `answers`; resolves when the index may change again. */
  async #checkpoint(answers = true): Promise<void> {
    await this.#writing
    const calls = answers ? this.#checkpointCalls.splice(0) : []
    this.#sinceCheckpoint = 0
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#timeIsUp = false
    await this.#linking.whileAtRest(async () => {
      const begun = writeCheckpoint(this.#engine)
      const writing = this.#finishCheckpoint(begun, calls)
      this.#writing = writing
      this.#written = begun.then(({ written }) => written).catch(() => writing)
      await begun.catch(() => undefined)
    })
  }

  async #finishCheckpoint(begun: ReturnType<typeof writeCheckpoint>, calls: Waiting[]): Promise<void> {
    try {
      await (await begun).written.catch((error: unknown) => {
        if (error instanceof VectorLevelError && error.code === 'VECTOR_CORRUPTION') this.#engine.discardIndex(error)
        throw error
      })
      const removed = await trimLog(this.#engine)
      await this.#engine.truth.noteTables()
      this.#failure = undefined
      this.#aborted = 0
      for (const call of calls) call.resolve()
      if (!this.#closing) this.#tidying.after(removed)
      this.#events.checkpoint()
    } catch (error) {
      if (error instanceof TransactionAborted) {
        if (this.#aborted++ < MOST_ABORTED) {
          this.#checkpointCalls.unshift(...calls)
          this.#timeIsUp = true
          return
        }
        this.#engine.discardIndex(new VectorLevelError('VECTOR_CORRUPTION', `${error.message}, ${this.#aborted} times in a row; the next opening builds the index anew from the records`, error))
      }
      this.#failure = error
      this.#aborted = 0
      if (!this.#closing) this.#timer ??= this.#checkpointIn(RETRY_SECONDS)
      for (const call of calls) call.reject(error)
      this.#events.checkpointFailed(error)
    } finally {
      this.#writing = undefined
      this.#written = undefined
      // Linking may have waited for the room.
      this.#start()
    }
  }
}
