import { rmSync } from 'node:fs'
import * as assert from 'uvu/assert'
import { Random } from '../../floor/random.js'
import type { VectorLevel, VectorLevelOptions, VectorRecord } from '../../src/index.js'
import { rounding } from '../model/distance.js'
import { expectNearest } from '../model/hits.js'
import { ModelCollection } from '../model/model.js'
import { opened, sound } from '../src/store.js'
import { operationsOf, pointsOf, roundedIn, type Word } from './workload.js'

/** Operations that may be durable beyond the last that was acknowledged: those on their way, one a writer. */
const ON_THE_WAY = 24

/** The operations of a seed, and the records that they make, up to one of them. */
export class History {
  readonly seed: number
  readonly model: ModelCollection
  /** Operations that the model holds. */
  count = 0

  constructor(seed: number) {
    this.seed = seed
    this.model = new ModelCollection('l2', roundedIn(seed))
  }

  async advance(to: number): Promise<void> {
    for (; this.count < to; this.count++) await this.model.batch(operationsOf(this.seed, this.count))
  }

  /**
   * Advances to the operation up to which a store holds this history: all before it, whole, and nothing else.
   *
   * Throws when the store holds no such beginning with `least` operations. `most` is how many were asked for, if that is known.
   */
  async findIn(db: VectorLevel, least: number, most = Infinity): Promise<void> {
    const found = new Map<string, VectorRecord<number>>()
    for await (const [key, record] of db.collection<number>('points', pointsOf(this.seed)).entries()) found.set(key, record)
    // The metadata of a record is the operation that wrote it last: what is there is a beginning at least so long.
    const newest = [...found.values()].reduce((last, { metadata }) => Math.max(last, metadata + 1), 0)
    await this.advance(Math.max(least, newest))
    const last = Math.min(most, this.count + ON_THE_WAY)
    while (!this.#isSame(found) && this.count < last) await this.advance(this.count + 1)
    assert.ok(this.#isSame(found),
      `the store does not hold a beginning of the operations with at least ${least} of them; its newest record is of operation ${newest - 1} (seed ${this.seed})`)
  }

  #isSame(found: Map<string, VectorRecord<number>>): boolean {
    const { records, metric, rounded } = this.model
    if (found.size !== records.size) return false
    for (const [key, { vector, metadata, approximate }] of found) {
      const other = records.get(key)
      if (!other || other.metadata !== metadata || rounding(metric, other.vector, vector) > (approximate ? rounded : 0)) return false
    }
    return true
  }

  /** Every record is there, is found by searches, and verify() finds nothing. */
  async expectIn(db: VectorLevel): Promise<void> {
    const points = db.collection<number>('points', pointsOf(this.seed))
    const before = this.count
    await this.findIn(db, before, before)
    const random = new Random(this.seed ^ this.count)
    for (let i = 0; i < 10; i++) {
      const query = Float32Array.from({ length: 8 }, () => random.normal())
      const options = i % 2 ? { k: 20, exact: true } : { k: 20, ef: 4000 }
      expectNearest(points.searchSync(query, options), this.model.searchSync(query, options), this.model, query)
    }
    // By codes, another may be as near as the vector itself; and in a narrow beam it may be missed.
    for (const { vector } of [...this.model.records.values()].slice(0, 50)) {
      expectNearest(points.searchSync(vector, { k: 1, ef: 4000 }), this.model.searchSync(vector, { k: 1 }), this.model, vector)
    }
    assert.is(points.searchSync(new Float32Array(8), { k: 10_000, exact: true }).length, this.model.records.size)
    await sound(db)
  }

  /** As expectIn, and again after a reopening, a compaction, a reopening, and in a backup that is restored. */
  async expectAfterMaintenance(location: string, options: VectorLevelOptions = {}): Promise<void> {
    const copy = `${location}-restored`
    rmSync(copy, { recursive: true, force: true })
    await opened(location, db => this.expectIn(db), options)
    await opened(location, async db => {
      await this.expectIn(db)
      await db.compact()
      await this.expectIn(db)
      await db.backup(copy)
    }, options)
    await opened(location, db => this.expectIn(db), options)
    await opened(copy, db => this.expectIn(db), options)
    rmSync(copy, { recursive: true, force: true })
  }
}

/** The highest number that a workload said with a word, 0 when it did not. */
export function lastSaid(output: string, word: Word): number {
  const lines = output.split('\n').slice(0, -1).filter(line => line.startsWith(`${word} `))
  return lines.length ? Number(lines[lines.length - 1]!.split(' ')[1]) : 0
}
