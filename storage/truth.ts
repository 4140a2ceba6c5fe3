import { createReadStream, existsSync, readFileSync } from 'node:fs'
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { ClassicLevel } from 'classic-level'
import { VectorLevelError } from '../floor/errors.js'
import { syncDirectory, syncFile } from './sync.js'
import { findInNewTables, findInTables, noteTables } from './table-check.js'

/** Time between two notes of the tables: with many of them, one takes as long as a small checkpoint. */
const NOTED_EVERY_MS = 1000

export interface Range {
  gt?: Buffer
  gte?: Buffer
  lt?: Buffer
  lte?: Buffer
  reverse?: boolean
  limit?: number
}

/** Copies keys and values at once. */
export interface TruthBatch {
  put(key: Buffer, value: Buffer): void
  del(key: Buffer): void
}

type LevelSnapshot = ReturnType<ClassicLevel<Buffer, Buffer>['snapshot']>

/** Reads of the truth share these; the store's own code for LevelDB's errors is kept as the cause. */
function wrap(error: unknown, what: string): VectorLevelError {
  if (error instanceof VectorLevelError) return error
  const { code, message, cause } = error as { code?: string, message: string, cause?: { code?: string, message?: string } }
  const known = cause?.code ?? code
  const detail = cause?.message ?? message
  if (known === 'LEVEL_LOCKED') return new VectorLevelError('VECTOR_LOCKED', `${what}: another process has this store open (${detail})`, error)
  if (known === 'LEVEL_CORRUPTION' || /does not exist|No such file|Invalid argument/.test(detail)) return new VectorLevelError('VECTOR_CORRUPTION', `${what}: ${detail}`, error)
  return new VectorLevelError('VECTOR_IO_ERROR', `${what}: ${detail}`, error)
}

/** The names of LevelDB's logs. @throws {VectorLevelError} VECTOR_IO_ERROR */
async function logsIn(directory: string): Promise<string[]> {
  try {
    return (await readdir(directory)).filter(name => name.endsWith('.log'))
  } catch (error) {
    throw wrap(error, `cannot list ${directory}`)
  }
}

/**
 * IMPORTANT: LevelDB takes a log that it cannot read for one that ends there, and removes it. So it is read here before: that fails, or leaves
 * it in memory.
 */
async function readLogs(directory: string): Promise<void> {
  if (!existsSync(directory)) return
  for (const name of await logsIn(directory)) {
    try {
      for await (const _ of createReadStream(join(directory, name), { highWaterMark: 1 << 20 })) continue
    } catch (error) {
      throw wrap(error, `cannot read ${name}`)
    }
  }
}

/** IMPORTANT: LevelDB ends the process when it meets some damage in a table, and can pass over keys in one in silence. */
async function checkTables(directory: string): Promise<void> {
  if (!existsSync(directory)) return
  let damage: string | undefined
  try {
    damage = await findInNewTables(directory)
  } catch (error) {
    throw wrap(error, `cannot read the tables in ${directory}`)
  }
  const current = join(directory, 'CURRENT')
  if (existsSync(current) && !/^MANIFEST-\d+\n$/.test(readFileSync(current, 'latin1'))) damage ??= 'the CURRENT file names no manifest'
  if (damage) throw new VectorLevelError('VECTOR_CORRUPTION', `${damage} in ${directory}; repair() saves what the others hold`)
}

/** The LevelDB store that holds the truth: records, keys, log. The only file that knows classic-level. */
export class Truth {
  readonly #directory: string
  readonly #level: ClassicLevel<Buffer, Buffer>
  #poison: unknown
  #snapshots = 0
  #closing: Promise<void> | undefined
  #noted = -Infinity
  /** Called when the last snapshot of a retired truth is closed. */
  #unused: (() => void) | undefined

  private constructor(directory: string, level: ClassicLevel<Buffer, Buffer>) {
    this.#directory = directory
    this.#level = level
  }

  /**
   * @throws {VectorLevelError} VECTOR_LOCKED when another process has it, VECTOR_CORRUPTION, VECTOR_IO_ERROR
   */
  static async open(directory: string, createIfMissing: boolean): Promise<Truth> {
    await Truth.refuseLocked(directory)
    await readLogs(directory)
    await checkTables(directory)
    // Vectors do not compress, and a store that lost its CURRENT file must not be taken for a new one.
    const level = new ClassicLevel<Buffer, Buffer>(directory, {
      keyEncoding: 'buffer', valueEncoding: 'buffer', compression: false, writeBufferSize: 16 << 20, createIfMissing
    })
    try {
      await level.open()
    } catch (error) {
      throw wrap(error, `cannot open ${directory}`)
    }
    return new Truth(directory, level)
  }

  /**
   * LevelDB takes its lock before it looks at anything else, and with `errorIfExists` it does not look further.
   *
   * IMPORTANT: what another process is writing looks damaged.
   *
   * @throws {VectorLevelError} VECTOR_LOCKED when another process has it
   */
  static async refuseLocked(directory: string): Promise<void> {
    if (!existsSync(directory)) return
    const level = new ClassicLevel<Buffer, Buffer>(directory, { createIfMissing: false, errorIfExists: true })
    try {
      await level.open()
      await level.close()
    } catch (error) {
      const wrapped = wrap(error, `cannot open ${directory}`)
      if (wrapped.code === 'VECTOR_LOCKED') throw wrapped
    }
  }

  /**
   * Makes LevelDB openable again from the tables and logs that it can read.
   *
   * IMPORTANT: it may bring back what was replaced or deleted, and lose more: what it leaves is to be checked against other witnesses.
   */
  static async repair(directory: string): Promise<void> {
    try {
      await ClassicLevel.repair(directory)
    } catch (error) {
      throw wrap(error, `cannot repair ${directory}`)
    }
  }

  get poisoned(): boolean {
    return this.#poison !== undefined
  }

  /** @throws {VectorLevelError} VECTOR_CORRUPTION, VECTOR_IO_ERROR */
  get(key: Buffer): Buffer | undefined {
    return read(this.#level, key)
  }

  entries(range: Range): AsyncGenerator<[Buffer, Buffer]> {
    return iterate(this.#level, range, {})
  }

  /** A view of what is committed by now; close it. */
  snapshot(): TruthSnapshot {
    const snapshot = new TruthSnapshot(this.#level, () => {
      if (--this.#snapshots === 0) this.#unused?.()
    })
    this.#snapshots++
    return snapshot
  }

  async last(range: Range): Promise<[Buffer, Buffer] | undefined> {
    for await (const entry of this.entries({ ...range, reverse: true, limit: 1 })) return entry
    return undefined
  }

  /**
   * Writes one batch, whole or not at all; with `sync` it is on stable storage when the promise resolves.
   *
   * IMPORTANT: after a failed write LevelDB reports later ones as done and loses them, so a failure poisons this handle.
   *
   * @throws {VectorLevelError} VECTOR_IO_ERROR, and VECTOR_POISONED from then on
   */
  async commit(fill: (batch: TruthBatch) => Promise<void> | void, sync: boolean): Promise<void> {
    this.#refusePoisoned()
    const batch = this.#level.batch()
    try {
      await fill(batch)
      // Another write may have failed meanwhile.
      this.#refusePoisoned()
    } catch (error) {
      await batch.close()
      throw error
    }
    try {
      await batch.write({ sync } as object)
    } catch (error) {
      this.#poison = error
      throw wrap(error, 'a write failed, its outcome is known after reopening')
    }
  }

  /**
   * Puts on stable storage what was committed without sync.
   *
   * IMPORTANT: a later commit with sync is no barrier for earlier ones: LevelDB closes a full log file without syncing it. And what a sync
   * that failed has lost, a later one does not bring back, though it reports success: so a failure poisons this handle.
   *
   * @throws {VectorLevelError} VECTOR_IO_ERROR, and VECTOR_POISONED from then on
   */
  async sync(): Promise<void> {
    this.#refusePoisoned()
    try {
      for (const name of await logsIn(this.#directory)) await this.#syncLog(name)
      syncDirectory(this.#directory)
    } catch (error) {
      this.#poison = error
      throw error
    }
  }

  async #syncLog(name: string): Promise<void> {
    try {
      await syncFile(join(this.#directory, name))
    } catch (error) {
      // Gone since it was listed: compacted into a table, which LevelDB synced.
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw wrap(error, `cannot sync ${name}`)
    }
  }

  #refusePoisoned(): void {
    if (!this.#poison) return
    throw new VectorLevelError('VECTOR_POISONED', 'an earlier write failed, writes are refused; close and open the database again to recover', this.#poison)
  }

  /** Rewrites the files that hold a range of keys, so that what was deleted there gives its space back. */
  async compact(from: Buffer, to: Buffer): Promise<void> {
    try {
      await this.#level.compactRange(from, to)
    } catch (error) {
      throw wrap(error, 'cannot compact records')
    }
  }

  /**
   * Looks for damage in its tables: yields a sentence for each, and undefined for each sound block.
   *
   * @throws {VectorLevelError} VECTOR_IO_ERROR
   */
  async * findInTables(): AsyncGenerator<string | undefined> {
    try {
      yield* findInTables(this.#directory)
    } catch (error) {
      throw wrap(error, `cannot read the tables in ${this.#directory}`)
    }
  }

  /** Notes its tables as sound, now and then, so that the next opening need not look at them. What fails here is not needed. */
  async noteTables(): Promise<void> {
    if (performance.now() < this.#noted + NOTED_EVERY_MS) return
    await this.#noteTables()
  }

  async #noteTables(): Promise<void> {
    await noteTables(this.#directory).catch(() => undefined)
    this.#noted = performance.now()
  }

  /** Bytes of its files. */
  async byteLength(): Promise<number> {
    let bytes = 0
    const names = await readdir(this.#directory).catch((error: unknown) => {
      throw wrap(error, `cannot list ${this.#directory}`)
    })
    for (const name of names) {
      // A file may be gone since it was listed.
      bytes += await stat(join(this.#directory, name)).then(({ size }) => size, () => 0)
    }
    return bytes
  }

  /** Closes it as soon as nobody reads a snapshot of it any more. */
  async retire(): Promise<void> {
    if (this.#snapshots) await new Promise<void>(resolve => { this.#unused = resolve })
    await this.close()
  }

  async close(): Promise<void> {
    this.#unused?.()
    this.#closing ??= this.#close()
    await this.#closing
  }

  async #close(): Promise<void> {
    // An empty compaction flushes what is in memory into a table: a log left behind is read again at the next open, 20 ms a MB.
    if (!this.#poison) await this.#level.compactRange(Buffer.of(0xfe), Buffer.of(0xff))
    await this.#level.close()
    await this.#noteTables()
  }
}

/** A consistent view of the truth: what was committed before it was taken. */
export class TruthSnapshot {
  readonly #level: ClassicLevel<Buffer, Buffer>
  readonly #snapshot: LevelSnapshot
  #closed: (() => void) | undefined

  constructor(level: ClassicLevel<Buffer, Buffer>, closed: () => void) {
    this.#level = level
    this.#snapshot = level.snapshot()
    this.#closed = closed
  }

  get(key: Buffer): Buffer | undefined {
    return read(this.#level, key, this.#snapshot)
  }

  async getMany(keys: Buffer[]): Promise<(Buffer | undefined)[]> {
    try {
      return await this.#level.getMany(keys, { snapshot: this.#snapshot })
    } catch (error) {
      throw wrap(error, `cannot read ${keys.length} keys`)
    }
  }

  entries(range: Range): AsyncGenerator<[Buffer, Buffer]> {
    return iterate(this.#level, range, { snapshot: this.#snapshot })
  }

  async close(): Promise<void> {
    const closed = this.#closed
    this.#closed = undefined
    await this.#snapshot.close()
    closed?.()
  }
}

function read(level: ClassicLevel<Buffer, Buffer>, key: Buffer, snapshot?: LevelSnapshot): Buffer | undefined {
  try {
    // Without options it need not look at them.
    return snapshot ? level.getSync(key, { snapshot }) : level.getSync(key)
  } catch (error) {
    throw wrap(error, `cannot read key ${key.toString('hex', 0, 16)}`)
  }
}

async function* iterate(level: ClassicLevel<Buffer, Buffer>, range: Range, options: { snapshot?: LevelSnapshot }): AsyncGenerator<[Buffer, Buffer]> {
  const iterator = level.iterator({ ...range, ...options, highWaterMarkBytes: 1 << 20 })
  try {
    for (;;) {
      const entries = await iterator.nextv(1000)
      if (!entries.length) return
      yield* entries
    }
  } catch (error) {
    throw wrap(error, 'cannot iterate over records')
  } finally {
    await iterator.close()
  }
}
