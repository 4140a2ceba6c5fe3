import { join } from 'node:path'
import { setImmediate as turn, setTimeout as pause } from 'node:timers/promises'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { Random } from '../../floor/random.js'
import { type BatchOperation, type Collection, VectorLevel, VectorLevelError } from '../../src/index.js'
import { Versions } from '../model/versions.js'
import { linked, sound, withDirectory } from './store.js'
import { normalVector } from './vectors.js'

const test = suite('all at once')
const SEED = Number(process.env['TURMOIL_SEED'] ?? Date.now() % 2 ** 31)
const SECONDS = Number(process.env['TURMOIL_SECONDS'] ?? 2)
const DIMENSIONS = 400
const COUNT = 4800
const WRITERS = 4

/** Writers, searchers and maintenance, which do not wait for each other, on a collection and what it must be. */
class Turmoil {
  readonly #db: VectorLevel
  readonly #points: Collection<number>
  readonly #versions: Versions
  readonly #random: Random
  readonly #until = performance.now() + SECONDS * 1000
  writes = 0
  searches = 0
  works = 0

  constructor(db: VectorLevel, points: Collection<number>, versions: Versions, random: Random) {
    this.#db = db
    this.#points = points
    this.#versions = versions
    this.#random = random
  }

  async run(): Promise<void> {
    const writers = Array.from({ length: WRITERS }, (_, writer) => this.#repeat(() => this.#write(writer)))
    const searchers = Array.from({ length: 2 }, () => this.#repeat(() => this.#search()))
    await Promise.all([...writers, ...searchers, this.#repeat(() => this.#work())])
  }

  async #repeat(work: () => Promise<void>): Promise<void> {
    while (performance.now() < this.#until) {
      await work()
      if (this.#random.below(3) === 0) await turn()
      if (this.#random.below(4) === 0) await pause(this.#random.below(10))
    }
  }

  async #write(writer: number): Promise<void> {
    const random = this.#random
    const changes = new Map<string, { vector: Float32Array | undefined, metadata: unknown }>()
    const operations: BatchOperation<number>[] = []
    for (let i = random.below(4) ? 1 + random.below(3) : random.below(100); i >= 0; i--) {
      const key = `k${random.below(COUNT / WRITERS) * WRITERS + writer}`
      if (changes.has(key)) continue
      const choice = random.below(10)
      const known = this.#versions.latest(key)
      const metadata = this.#versions.now()
      if (choice < 6 || !known) {
        const vector = normalVector(random, DIMENSIONS)
        changes.set(key, { vector, metadata })
        operations.push({ type: 'put', key, vector, metadata })
      } else if (choice < 8) {
        changes.set(key, { vector: known.vector, metadata })
        operations.push({ type: 'updateMetadata', key, metadata })
      } else {
        changes.set(key, { vector: undefined, metadata: undefined })
        operations.push({ type: 'del', key })
      }
    }
    const acknowledge = this.#versions.write(changes)
    await this.#points.batch(operations)
    acknowledge()
    this.writes++
  }

  async #search(): Promise<void> {
    const random = this.#random
    const query = normalVector(random, DIMENSIONS)
    const k = 1 + random.below(20)
    const exact = random.below(8) === 0
    const choice = random.below(10)
    const begun = this.#versions.now()
    try {
      if (choice === 0) {
        const hits = this.#points.searchSync(query, { k, exact })
        this.#versions.expect(hits, query, k, begun, exact)
      } else {
        const hits = await this.#points.search(query, { k, exact, ...(choice === 1 && { timeout: random.below(20) }) })
        this.#versions.expect(hits, query, k, begun, exact)
      }
      this.searches++
    } catch (error) {
      if (choice !== 1 || !(error instanceof VectorLevelError) || error.code !== 'VECTOR_ABORTED') throw error
    }
  }

  async #work(): Promise<void> {
    const choice = this.#random.below(6)
    if (choice === 0) await this.#db.checkpoint()
    if (choice === 1) assert.equal(await this.#db.verify(), [])
    if (choice === 2) await this.#db.compact()
    if (choice === 3) assert.is((await this.#points.stats()).unreachable, 0)
    if (choice === 4) await this.#points.measureRecall({ sample: 3 })
    if (choice === 5) await pause(100)
    this.works++
  }
}

for (const [codec, metric, workers] of [['sq8', 'cosine', 2], ['f32', 'l2', 3]] as const) {
  test(`a store that is larger than its cache is right at every moment, ${codec}, workers: ${workers}, seed ${SEED}`, async () => {
    await withDirectory(async directory => {
      const location = join(directory, 'store')
      const options = { cacheSize: 8 * 2 ** 20, durability: 'relaxed', workers, checkpoint: { operations: 700 } } as const
      const random = new Random(SEED)
      const versions = new Versions(metric)
      const open = (): [VectorLevel, Collection<number>] => {
        const db = new VectorLevel(location, options)
        return [db, db.collection<number>('points', { dimensions: DIMENSIONS, metric, codec, M: 6, efConstruction: 20 })]
      }
      let [db, points] = open()
      const first = new Map(Array.from({ length: COUNT }, (_, i) => [`k${i}`, { vector: normalVector(random, DIMENSIONS), metadata: i }]))
      const acknowledge = versions.write(first)
      await points.batch([...first].map(([key, record]) => ({ type: 'put', key, ...record })))
      acknowledge()
      await linked(db)
      const turmoil = new Turmoil(db, points, versions, random)
      await turmoil.run()
      assert.ok((await db.stats()).cache.evictions > 100)
      for (let opening = 0; opening < 2; opening++) {
        await sound(db)
        assert.is((await points.stats()).count, versions.live.length)
        for (const [key, { vector, metadata }] of versions.live) assert.equal(await points.get(key), { vector, metadata }, key)
        await db.close();
        [db, points] = open()
      }
      await db.close()
      if (process.env['TURMOIL_SECONDS']) console.log(`${turmoil.writes} writes, ${turmoil.searches} searches, ${turmoil.works} works`)
    })
  })
}

test.run()
