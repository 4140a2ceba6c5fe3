import { join } from 'node:path'
import { setImmediate as turn, setTimeout as pause } from 'node:timers/promises'
import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { Random } from '../../floor/random.js'
import { type BatchOperation, type Collection, type CollectionOptions, VectorLevel } from '../../src/index.js'
import { check } from '../seed.js'
import { graphsOf } from './index-content.js'
import { copyOfOpenStore, sound, withDirectory } from './store.js'
import { normalVector } from './vectors.js'

const test = suite('the database and its threads')
const WORKERS = [0, 1, 2, 3, 8]
/** Enough to train on, from the beginning: which commit brings the last that is needed depends on time, and so does the codebook. */
const PRELOADED = 2050
const KEYS = 2400
const COLLECTIONS: [string, CollectionOptions][] = [
  ['codes', { dimensions: 8, codec: 'sq8', metric: 'l2', M: 6, efConstruction: 30 }],
  ['vectors', { dimensions: 5, codec: 'f32', metric: 'cosine', M: 4, efConstruction: 20 }]
]

type Pause = 'checkpoint' | 'reopen' | 'drop' | 'none'

interface Plan {
  seed: number
  /** What comes after each round of writes that do not wait for each other. */
  rounds: Pause[]
}

const plans: fc.Arbitrary<Plan> = fc.record({
  seed: fc.nat({ max: 0xffffffff }),
  rounds: fc.array(fc.constantFrom<Pause[]>('checkpoint', 'checkpoint', 'reopen', 'drop', 'none'), { minLength: 3, maxLength: 6 })
}, { noNullPrototype: true })

/** A store that is written as its plan says, at a pace of its own. */
class Run {
  readonly #directory: string
  readonly #workers: number
  readonly #random: Random
  readonly #timing: Random
  #location: string
  #copies = 0
  #db!: VectorLevel
  #collections: Collection[] = []

  constructor(directory: string, workers: number, seed: number) {
    this.#directory = directory
    this.#workers = workers
    this.#random = new Random(seed)
    this.#timing = new Random(seed + 1 + workers)
    this.#location = join(directory, 'store')
    this.#open()
  }

  #open(): void {
    const checkpoint = { operations: 2 ** 30, seconds: 2 ** 30 }
    this.#db = new VectorLevel(this.#location, { cacheSize: 24 * 2 ** 20, durability: 'relaxed', workers: this.#workers, checkpoint })
    this.#collections = COLLECTIONS.map(([name, options]) => this.#db.collection(name, options))
  }

  async follow({ rounds }: Plan): Promise<{ rows: Map<number, string>, graphs: unknown[] }> {
    for (const collection of this.#collections) {
      await collection.batch(Array.from({ length: PRELOADED }, (_, i) => this.#put(collection, `k${i}`)))
    }
    await this.#db.checkpoint()
    for (const pause of rounds) {
      await this.#round()
      if (pause === 'checkpoint') await this.#db.checkpoint()
      if (pause === 'reopen') await this.#reopen()
      if (pause === 'drop') await this.#drop()
    }
    await sound(this.#db)
    await this.#db.close()
    return await graphsOf(this.#location)
  }

  #put(collection: Collection, key: string): BatchOperation<unknown> {
    const { dimensions } = COLLECTIONS.find(([name]) => name === collection.name)![1]
    return { type: 'put', key, vector: normalVector(this.#random, dimensions), metadata: key }
  }

  /** Writes and searches that nobody waits for before the end. */
  async #round(): Promise<void> {
    const random = this.#random
    const timing = this.#timing
    const calls: Promise<unknown>[] = []
    for (let i = 5 + random.below(25); i > 0; i--) {
      const collection = this.#collections[random.below(2)]!
      const count = random.below(4) ? 1 + random.below(5) : random.below(150)
      calls.push(collection.batch(Array.from({ length: count }, () => {
        const key = `k${random.below(KEYS)}`
        const choice = random.below(10)
        if (choice < 6) return this.#put(collection, key)
        return choice < 9 ? { type: 'del', key } : { type: 'updateMetadata', key, metadata: i }
      })))
      const wait = timing.below(6)
      if (wait === 1) await turn()
      if (wait === 2) await calls.at(-1)
      if (wait === 3) await pause(timing.below(4))
      if (wait === 4) calls.push(this.#search(collection))
    }
    await Promise.all(calls)
  }

  async #search(collection: Collection): Promise<void> {
    const { dimensions } = COLLECTIONS.find(([name]) => name === collection.name)![1]
    const hits = await collection.search(normalVector(this.#timing, dimensions), { k: 10 })
    assert.is(new Set(hits.map(({ key }) => key)).size, 10)
  }

  async #reopen(): Promise<void> {
    await this.#db.close()
    this.#open()
  }

  /** Goes on with what a killed process would have left. */
  async #drop(): Promise<void> {
    const copy = join(this.#directory, `copy-${++this.#copies}`)
    copyOfOpenStore(this.#location, copy)
    await this.#db.close()
    this.#location = copy
    this.#open()
  }
}

test('the index is a function of the order of operations, however many threads there are, and whenever it is linked, closed or replayed', async () => {
  await check(fc.asyncProperty(plans, async plan => {
    let expected: Awaited<ReturnType<Run['follow']>> | undefined
    for (const workers of WORKERS) {
      await withDirectory(async directory => {
        const found = await new Run(directory, workers, plan.seed).follow(plan)
        expected ??= found
        assert.equal(found.graphs, expected.graphs, `workers: ${workers}`)
        assert.equal([...found.rows.keys()], [...expected.rows.keys()], `workers: ${workers}`)
        for (const [place, rows] of found.rows) assert.ok(rows === expected.rows.get(place), `workers: ${workers}, block ${place}`)
      })
    }
  }), { numRuns: 1, endOnFailure: true })
})

test.run()
