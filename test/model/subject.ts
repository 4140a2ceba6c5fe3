import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { Random } from '../../floor/random.js'
import * as assert from 'uvu/assert'
import { type CodecName, type Collection, type Metric, VectorLevel, VectorLevelError, type VectorLevelOptions } from '../../src/index.js'
import { copyOfOpenStore, dataOf } from '../src/store.js'
import type { ModelCollection } from './model.js'

/** Options under which the database must behave the same. */
export interface Shape {
  codec: CodecName
  store: 'full' | 'codes'
  metric: Metric
  M: number
  dimensions: number
  durability: 'strict' | 'relaxed'
}

export const NAMES = ['first', 'second']
/** Two collections whose codes are of the codec that takes most, and are made of another one that takes as much, fit in. */
const OPTIONS: VectorLevelOptions = { cacheSize: 32 * 2 ** 20 }

/** The database under test, that is closed, killed and opened again on the way. */
export class Subject {
  readonly #directory: string
  readonly #shape: Shape
  #location: string
  #copies = 0
  /** Collections whose codec is not the one of the shape any more. */
  readonly #recoded = new Set<string>()
  db: VectorLevel
  collections: Collection[] = []

  constructor(directory: string, shape: Shape) {
    this.#directory = directory
    this.#shape = shape
    this.#location = join(directory, 'store')
    this.db = this.#open()
  }

  get dimensions(): number {
    return this.#shape.dimensions
  }

  #open(): VectorLevel {
    const { durability, codec, ...options } = this.#shape
    const db = new VectorLevel(this.#location, { ...OPTIONS, durability })
    this.collections = NAMES.map(name => db.collection(name, { ...options, ...(!this.#recoded.has(name) && { codec }), efConstruction: 60 }))
    this.db = db
    return db
  }

  async reopen(): Promise<void> {
    await this.db.close()
    this.#open()
    await this.db.open()
  }

  /** Begins to recode a collection; what ends that early is that the database was closed. Not where codes are all that is kept. */
  async recode(at: number, codec: CodecName): Promise<void> {
    if (this.#shape.store === 'full') this.#recoded.add(NAMES[at]!)
    try {
      await this.collections[at]!.recode(codec)
      assert.is(this.#shape.store, 'full')
    } catch (error) {
      const { code } = error as VectorLevelError
      assert.is(code, this.#shape.store === 'full' ? 'VECTOR_DATABASE_NOT_OPEN' : 'VECTOR_OPTIONS_MISMATCH', String(error))
    }
  }

  /** Goes on with the files as a killed process would have left them. */
  async drop(): Promise<void> {
    const copy = join(this.#directory, `copy-${++this.#copies}`)
    copyOfOpenStore(this.#location, copy)
    await this.db.close()
    rmSync(this.#location, { recursive: true })
    this.#location = copy
    this.#open()
    await this.db.open()
  }

  /** Loses the index, as if it had been damaged, in a store that was not closed. */
  async loseIndex(): Promise<void> {
    const copy = join(this.#directory, `copy-${++this.#copies}`)
    copyOfOpenStore(this.#location, copy)
    rmSync(join(dataOf(copy), 'INDEX'), { force: true })
    await this.db.close()
    rmSync(this.#location, { recursive: true })
    this.#location = copy
    this.#open()
    await this.db.open()
  }
}

/** What the database is compared with, and what was measured on the way. */
export interface Model {
  collections: ModelCollection[]
  /** Recall of each search that went through a graph. */
  recalls: number[]
  /** What failed while nobody waited for it. */
  failures: unknown[]
}

/** The vector number `n`: on a coarse grid, so that distances are often equal, or anywhere. */
export function vectorOf(n: number, dimensions: number): Float32Array {
  const random = new Random(n)
  if (n % 3) return Float32Array.from({ length: dimensions }, () => random.normal())
  const vector = Float32Array.from({ length: dimensions }, () => random.below(3) - 1)
  if (vector.every(value => value === 0)) vector[0] = 1
  return vector
}
