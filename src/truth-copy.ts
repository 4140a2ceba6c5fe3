import { dirname } from 'node:path'
import { mkdirSync } from 'node:fs'
import { VectorLevelError } from '../floor/errors.js'
import { syncDirectory } from '../storage/sync.js'
import { Truth } from '../storage/truth.js'

/** Entries and bytes that are written together. */
const CHUNK_ENTRIES = 1000
const CHUNK_BYTES = 4 << 20

/** A truth that is being written anew, in large pieces; it is on stable storage when it is finished, and not before. */
export class TruthCopy {
  readonly #truth: Truth
  readonly #directory: string
  #chunk: [Buffer, Buffer][] = []
  #bytes = 0
  #count = 0

  private constructor(directory: string, truth: Truth) {
    this.#directory = directory
    this.#truth = truth
  }

  /** @throws {VectorLevelError} VECTOR_IO_ERROR when it cannot be made */
  static async create(directory: string): Promise<TruthCopy> {
    try {
      mkdirSync(directory, { recursive: true })
    } catch (error) {
      throw new VectorLevelError('VECTOR_IO_ERROR', `cannot make ${directory}: ${(error as Error).message}`, error)
    }
    return new TruthCopy(directory, await Truth.open(directory, true))
  }

  /** Entries that were written. */
  get count(): number {
    return this.#count
  }

  /** Adds an entry; resolves to whether entries were written, so that it is time to look around. */
  async put(key: Buffer, value: Buffer): Promise<boolean> {
    this.#chunk.push([key, value])
    this.#bytes += value.length
    if (this.#chunk.length < CHUNK_ENTRIES && this.#bytes < CHUNK_BYTES) return false
    await this.#write(false)
    return true
  }

  /** What was put by now, to be read. */
  async read(): Promise<Pick<Truth, 'get'>> {
    await this.#write(false)
    return this.#truth
  }

  /** Puts all on stable storage, and hands the truth over, open. */
  async finish(): Promise<Truth> {
    await this.#write(true)
    await this.#truth.sync()
    syncDirectory(dirname(this.#directory))
    return this.#truth
  }

  async close(): Promise<void> {
    await this.#truth.close()
  }

  async #write(sync: boolean): Promise<void> {
    const chunk = this.#chunk
    this.#chunk = []
    this.#bytes = 0
    await this.#truth.commit(batch => {
      for (const [key, value] of chunk) batch.put(key, value)
    }, sync)
    this.#count += chunk.length
  }
}
