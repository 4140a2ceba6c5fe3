import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { ClassicLevel } from 'classic-level'
import { VectorLevelError } from '../floor/errors.js'
import { syncDirectory, syncFile } from './sync.js'

export interface Range {
  gt?: Buffer
  gte?: Buffer
  lt?: Buffer
  lte?: Buffer
  reverse?: boolean
  limit?: number
}

export interface TruthBatch {
  put(key: Buffer, value: Buffer): void
  del(key: Buffer): void
}

/** A consistent view of the truth: what was committed before it was taken. */
export type TruthSnapshot = ReturnType<ClassicLevel<Buffer, Buffer>['snapshot']>

/** Reads of the truth share these; the store's own code for LevelDB's errors is kept as the cause. */
function wrap(error: unknown, what: string): VectorLevelError {
  if (error instanceof VectorLevelError) return error
  const { code, message, cause } = error as { code?: string, message: string, cause?: { code?: string, message?: string } }
  const known = cause?.code ?? code
  const detail = cause?.message ?? message
  if (known === 'LEVEL_LOCKED') return new VectorLevelError('VECTOR_LOCKED', `${what}: another process has this store open (${detail})`, error)
  if (known === 'LEVEL_CORRUPTION' || detail.includes('does not exist')) return new VectorLevelError('VECTOR_CORRUPTION', `${what}: ${detail}`, error)
  return new VectorLevelError('VECTOR_IO_ERROR', `${what}: ${detail}`, error)
}

/** The LevelDB store that holds the truth: records, keys, log. The only file that knows classic-level. */
export class Truth {
  readonly #directory: string
  readonly #level: ClassicLevel<Buffer, Buffer>
  #poison: unknown

  private constructor(directory: string, level: ClassicLevel<Buffer, Buffer>) {
    this.#directory = directory
    this.#level = level
  }

  /**
   * @throws {VectorLevelError} VECTOR_LOCKED when another process has it, VECTOR_CORRUPTION, VECTOR_IO_ERROR
   */
  static async open(directory: string, createIfMissing: boolean): Promise<Truth> {
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

  get poisoned(): boolean {
    return this.#poison !== undefined
  }

  get(key: Buffer, snapshot?: TruthSnapshot): Buffer | undefined {
    try {
      return snapshot ? this.#level.getSync(key, { snapshot }) : this.#level.getSync(key)
    } catch (error) {
      throw wrap(error, `cannot read key ${key.toString('hex', 0, 16)}`)
    }
  }

  async getMany(keys: Buffer[], snapshot?: TruthSnapshot): Promise<(Buffer | undefined)[]> {
    try {
      return await this.#level.getMany(keys, snapshot ? { snapshot } : {})
    } catch (error) {
      throw wrap(error, `cannot read ${keys.length} keys`)
    }
  }

  snapshot(): TruthSnapshot {
    return this.#level.snapshot()
  }

  async * entries(range: Range, snapshot?: TruthSnapshot): AsyncGenerator<[Buffer, Buffer]> {
    const iterator = this.#level.iterator({ ...range, highWaterMarkBytes: 1 << 20, ...(snapshot && { snapshot }) })
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
  async commit(fill: (batch: TruthBatch) => void, sync: boolean): Promise<void> {
    if (this.#poison) {
      throw new VectorLevelError('VECTOR_POISONED', 'an earlier write failed, writes are refused; close and open the database again to recover', this.#poison)
    }
    const batch = this.#level.batch()
    fill(batch)
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
   * IMPORTANT: a later commit with sync is no barrier for earlier ones: LevelDB closes a full log file without syncing it.
   */
  async sync(): Promise<void> {
    for (const name of await readdir(this.#directory)) {
      if (!name.endsWith('.log')) continue
      try {
        await syncFile(join(this.#directory, name))
      } catch (error) {
        // Gone since it was listed: compacted into a table, which LevelDB synced.
        if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw wrap(error, `cannot sync ${name}`)
      }
    }
    syncDirectory(this.#directory)
  }

  /** Rewrites the files that hold a range of keys, so that what was deleted there gives its space back. */
  async compact(from: Buffer, to: Buffer): Promise<void> {
    await this.#level.compactRange(from, to)
  }

  /** Bytes of its files. */
  async byteLength(): Promise<number> {
    let bytes = 0
    for (const name of await readdir(this.#directory)) {
      // A file may be gone since it was listed.
      bytes += await stat(join(this.#directory, name)).then(({ size }) => size, () => 0)
    }
    return bytes
  }

  async close(): Promise<void> {
    // An empty compaction flushes what is in memory into a table: a log left behind is read again at the next open, 20 ms a MB.
    if (!this.#poison) await this.#level.compactRange(Buffer.of(0xfe), Buffer.of(0xff))
    await this.#level.close()
  }
}
