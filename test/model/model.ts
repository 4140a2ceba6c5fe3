import type { BatchOperation, Collection, Hit, Hits, Metric, RangeOptions, SearchOptions, Vector, VectorRecord } from '../../src/index.js'
import * as assert from 'uvu/assert'
import { distance, rounding, tolerance } from './distance.js'

type Face = Pick<Collection, 'put' | 'updateMetadata' | 'del' | 'batch' | 'get' | 'getMany' | 'has' | 'clear' | 'keys' | 'entries' | 'search' | 'searchByKey' | 'searchSync'>

/** A collection as a Map that is searched by looking at everything. */
export class ModelCollection implements Face {
  readonly metric: Metric
  /** How much may be lost of a vector, where its code alone is kept. */
  readonly rounded: number
  readonly records = new Map<string, VectorRecord<unknown>>()

  constructor(metric: Metric, rounded = 0) {
    this.metric = metric
    this.rounded = rounded
  }

  /** How far the distance of two vectors may be from what it is here. */
  tolerance(a: Float32Array, b: Float32Array): number {
    return tolerance(this.metric, a, b, this.rounded)
  }

  /** An answer is the one of this model: vectors that it calls approximate are near, everything else is the same. */
  expectSame(actual: unknown, expected: unknown): void {
    assert.equal(this.#withVectorsOf(actual, expected), expected)
  }

  #withVectorsOf(actual: unknown, expected: unknown): unknown {
    if (Array.isArray(actual) && Array.isArray(expected)) return actual.map((item, i) => this.#withVectorsOf(item, expected[i]))
    const [found, given] = [actual, expected] as Partial<VectorRecord<unknown>>[]
    if (!this.rounded || !found?.approximate || !given?.vector) return actual
    const { approximate: _, ...record } = found
    const lost = rounding(this.metric, given.vector, record.vector!)
    assert.ok(lost <= this.rounded, `a vector is ${lost} from what was put, not ${this.rounded} at most`)
    return { ...record, vector: given.vector }
  }

  async put(key: string, vector: Vector, metadata?: unknown): Promise<void> {
    this.records.set(key, { vector: Float32Array.from(vector), metadata })
  }

  async updateMetadata(key: string, metadata: unknown): Promise<boolean> {
    const record = this.records.get(key)
    if (record) this.records.set(key, { vector: record.vector, metadata })
    return record !== undefined
  }

  async del(key: string): Promise<void> {
    this.records.delete(key)
  }

  async batch(operations: BatchOperation<unknown>[]): Promise<void> {
    for (const operation of operations) {
      if (operation.type === 'put') await this.put(operation.key, operation.vector, operation.metadata)
      else if (operation.type === 'updateMetadata') await this.updateMetadata(operation.key, operation.metadata)
      else await this.del(operation.key)
    }
  }

  async get(key: string): Promise<VectorRecord<unknown> | undefined> {
    return this.records.get(key)
  }

  async getMany(keys: string[]): Promise<(VectorRecord<unknown> | undefined)[]> {
    return keys.map(key => this.records.get(key))
  }

  async has(key: string): Promise<boolean> {
    return this.records.has(key)
  }

  async clear(range: RangeOptions = {}): Promise<void> {
    for (const key of this.keysOf(range)) this.records.delete(key)
  }

  async * keys(range: RangeOptions = {}): AsyncGenerator<string> {
    yield* this.keysOf(range)
  }

  async * entries(range: RangeOptions = {}): AsyncGenerator<[string, VectorRecord<unknown>]> {
    for (const key of this.keysOf(range)) yield [key, this.records.get(key)!]
  }

  keysOf({ gt, gte, lt, lte, reverse = false, limit = -1 }: RangeOptions): string[] {
    const keys = [...this.records.keys()].filter(key =>
      (gt === undefined || order(key, gt) > 0) && (gte === undefined || order(key, gte) >= 0) &&
      (lt === undefined || order(key, lt) < 0) && (lte === undefined || order(key, lte) <= 0)).sort(order)
    if (reverse) keys.reverse()
    return limit < 0 ? keys : keys.slice(0, limit)
  }

  async search(vector: Vector, options: SearchOptions = {}): Promise<Hits<unknown>> {
    return this.searchSync(vector, options)
  }

  async searchByKey(key: string, options: SearchOptions = {}): Promise<Hits<unknown> | undefined> {
    const record = this.records.get(key)
    const { k = options.maxDistance === undefined ? 10 : Infinity } = options
    return record && exact(this.searchSync(record.vector, { ...options, k: k + 1 }).filter(hit => hit.key !== key).slice(0, k))
  }

  searchSync(vector: Vector, { k, maxDistance }: SearchOptions = {}): Hits<unknown> {
    const query = Float32Array.from(vector)
    const hits: Hit<unknown>[] = []
    for (const [key, record] of this.records) {
      const found = distance(this.metric, query, record.vector)
      if (found <= (maxDistance ?? Infinity)) hits.push({ key, distance: found, metadata: record.metadata })
    }
    return exact(hits.sort((a, b) => a.distance - b.distance).slice(0, k ?? (maxDistance === undefined ? 10 : Infinity)))
  }
}

function exact(hits: Hit<unknown>[]): Hits<unknown> {
  return Object.defineProperty(hits, 'exact', { value: true }) as Hits<unknown>
}

/** Keys in the order of their bytes in UTF-8. */
export function order(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b))
}
