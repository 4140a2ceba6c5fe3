import fc from 'fast-check'
import * as assert from 'uvu/assert'
import type { BatchOperation, CodecName, RangeOptions, SearchOptions } from '../../src/index.js'
import { sound } from '../src/store.js'
import { expectHonest, expectNearest, recallOf } from './hits.js'
import type { ModelCollection } from './model.js'
import { type Model, NAMES, type Subject, vectorOf } from './subject.js'

type Step = fc.AsyncCommand<Model, Subject>

/** More than any model holds: such a search is exact. */
const EVERYTHING = 4000
const LONG_KEY = 'long'.repeat(256)
const ODD_KEYS = ['\u0000', 'a', 'a\u0000', '\u{1f600}', '\uffff', 'é', LONG_KEY]

function step(label: string, run: Step['run']): Step {
  return { check: () => true, run, toString: () => label }
}

const at = fc.nat({ max: NAMES.length - 1 })
const key = fc.oneof({ weight: 4, arbitrary: fc.nat({ max: 40 }).map(n => `p${n}`) }, { weight: 1, arbitrary: fc.constantFrom(...ODD_KEYS) })
const vectorNumber = fc.nat({ max: 400 })
const metadata = fc.constantFrom<unknown>(
  undefined, null, 0, -1.5, '', 'text', 'x'.repeat(100), true, [1, [2, { deep: null }]], { pos: 'noun', of: ['a', 'b'] },
  new Date(86_400_000), 7n, 2n ** 80n, Buffer.from([0, 1, 255])
)
const put = fc.record({ key, n: vectorNumber, metadata })
const update = fc.record({ key, n: fc.constant('as it is' as const), metadata })
const operation = fc.oneof(
  { weight: 3, arbitrary: put }, { weight: 1, arbitrary: update }, { weight: 1, arbitrary: fc.record({ key, n: fc.constant(undefined), metadata: fc.constant(undefined) }) })
const bounds = (open: 'gt' | 'lt', closed: 'gte' | 'lte'): fc.Arbitrary<RangeOptions> =>
  fc.oneof(fc.constant({}), key.map(key => ({ [open]: key })), key.map(key => ({ [closed]: key })))
const range = fc.tuple(bounds('gt', 'gte'), bounds('lt', 'lte'), fc.record({ reverse: fc.boolean(), limit: fc.nat({ max: 8 }) }, { requiredKeys: [] }))
  .map((parts): RangeOptions => Object.assign({}, ...parts))
const k = fc.constantFrom(1, 2, 3, 5, 10, 30, 5000)

function operationsOf(described: { key: string, n: number | 'as it is' | undefined, metadata: unknown }[], dimensions: number): BatchOperation<unknown>[] {
  return described.map(({ key, n, metadata }) => {
    if (n === undefined) return { type: 'del', key }
    return n === 'as it is' ? { type: 'updateMetadata', key, metadata } : { type: 'put', key, vector: vectorOf(n, dimensions), metadata }
  })
}

/** Does the same to both, on one collection. */
function onBoth(label: string, collection: number, run: (side: Subject['collections'][0] | ModelCollection, dimensions: number) => Promise<void>): Step {
  return step(`${NAMES[collection]}.${label}`, async (model, subject) => {
    await Promise.all([run(subject.collections[collection]!, subject.dimensions), run(model.collections[collection]!, subject.dimensions)])
  })
}

/** Compares what both answer. */
function same(label: string, collection: number, ask: (side: Subject['collections'][0] | ModelCollection) => Promise<unknown>): Step {
  return step(`${NAMES[collection]}.${label}`, async (model, subject) => {
    const expected = model.collections[collection]!
    expected.expectSame(await ask(subject.collections[collection]!), await ask(expected))
  })
}

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const item of items) all.push(item)
  return all
}

/** A distance between two neighbouring ones, so that rounding does not decide what is within it. */
function radiusBetween(model: ModelCollection, query: Float32Array, share: number): number {
  const hits = model.searchSync(query, { k: Infinity })
  const distances = hits.map(hit => hit.distance)
  const margin = (i: number): number => 2 * model.tolerance(query, model.records.get(hits[i]!.key)!.vector)
  const at = Math.min(Math.floor(share * 40), distances.length - 1)
  for (let i = at; i >= 0; i--) {
    const next = distances[i + 1] ?? distances[i]! + 1
    if (next - distances[i]! > 1e-3 * Math.max(1, Math.abs(next)) + margin(i)) return (distances[i]! + next) / 2
  }
  return -1e9
}

const writes: fc.Arbitrary<Step>[] = [
  fc.tuple(at, put).map(([collection, { key, n, metadata }]) =>
    onBoth(`put(${fc.stringify(key)}, ${n}, ${fc.stringify(metadata)})`, collection, (side, dimensions) => side.put(key, vectorOf(n, dimensions), metadata))),
  fc.tuple(at, fc.array(put, { minLength: 1, maxLength: 30 })).map(([collection, puts]) =>
    onBoth(`puts at once(${fc.stringify(puts)})`, collection, async (side, dimensions) => {
      await Promise.all(puts.map(({ key, n, metadata }) => side.put(key, vectorOf(n, dimensions), metadata)))
    })),
  fc.tuple(at, fc.array(operation, { maxLength: 30 })).map(([collection, operations]) =>
    onBoth(`batch(${fc.stringify(operations)})`, collection, (side, dimensions) => side.batch(operationsOf(operations, dimensions)))),
  fc.tuple(at, fc.nat({ max: 1000 }), fc.integer({ min: 50, max: 150 })).map(([collection, from, count]) =>
    onBoth(`batch of ${count} from ${from}`, collection, (side, dimensions) =>
      side.batch(Array.from({ length: count }, (_, i) => ({ type: 'put', key: `m${(from + i) % 250}`, vector: vectorOf(from + i, dimensions), metadata: i }))))),
  fc.tuple(at, update).map(([collection, { key, metadata }]) =>
    same(`updateMetadata(${fc.stringify(key)}, ${fc.stringify(metadata)})`, collection, side => side.updateMetadata(key, metadata))),
  fc.tuple(at, fc.array(update, { minLength: 1, maxLength: 30 })).map(([collection, updates]) =>
    onBoth(`updates at once(${fc.stringify(updates)})`, collection, async side => {
      await Promise.all(updates.map(({ key, metadata }) => side.updateMetadata(key, metadata)))
    })),
  fc.tuple(at, key).map(([collection, key]) => onBoth(`del(${fc.stringify(key)})`, collection, side => side.del(key)))
]

const clears: fc.Arbitrary<Step>[] = [
  fc.tuple(at, range).map(([collection, range]) => onBoth(`clear(${fc.stringify(range)})`, collection, side => side.clear(range)))
]

const reads: fc.Arbitrary<Step>[] = [
  fc.tuple(at, key).map(([collection, key]) => same(`get(${fc.stringify(key)})`, collection, side => side.get(key))),
  fc.tuple(at, fc.array(key, { maxLength: 10 })).map(([collection, keys]) => same(`getMany(${fc.stringify(keys)})`, collection, side => side.getMany(keys))),
  fc.tuple(at, key).map(([collection, key]) => same(`has(${fc.stringify(key)})`, collection, side => side.has(key))),
  fc.tuple(at, range).map(([collection, range]) => same(`keys(${fc.stringify(range)})`, collection, side => collect(side.keys(range)))),
  fc.tuple(at, range).map(([collection, range]) => same(`entries(${fc.stringify(range)})`, collection, side => collect(side.entries(range))))
]

/** Searches that must find the nearest. */
const exactSearches: fc.Arbitrary<Step>[] = [
  fc.tuple(at, vectorNumber, k, fc.constantFrom<SearchOptions>({ ef: EVERYTHING }, { exact: true }), fc.boolean()).map(([collection, n, k, how, sync]) =>
    step(`${NAMES[collection]}.search${sync ? 'Sync' : ''}(${n}, ${fc.stringify({ k, ...how })})`, async (model, subject) => {
      const query = vectorOf(n, subject.dimensions)
      const [real, expected] = [subject.collections[collection]!, model.collections[collection]!]
      const options = { k, ...how }
      const hits = sync ? real.searchSync(query, options) : await real.search(query, options)
      expectNearest(hits, expected.searchSync(query, options), expected, query)
    })),
  fc.tuple(at, vectorNumber, fc.double({ min: 0, max: 1, noNaN: true }), fc.boolean()).map(([collection, n, share, limited]) =>
    step(`${NAMES[collection]}.search(${n}, { maxDistance: at ${share}${limited ? ', k: 3' : ''} })`, async (model, subject) => {
      const query = vectorOf(n, subject.dimensions)
      const expected = model.collections[collection]!
      const options: SearchOptions = { maxDistance: radiusBetween(expected, query, share), ef: EVERYTHING, ...(limited && { k: 3 }) }
      expectNearest(await subject.collections[collection]!.search(query, options), expected.searchSync(query, options), expected, query)
    })),
  fc.tuple(at, key, k).map(([collection, key, k]) =>
    step(`${NAMES[collection]}.searchByKey(${fc.stringify(key)}, { k: ${k} })`, async (model, subject) => {
      const expected = model.collections[collection]!
      const hits = await subject.collections[collection]!.searchByKey(key, { k, ef: EVERYTHING })
      const nearest = await expected.searchByKey(key, { k })
      assert.is(hits === undefined, nearest === undefined)
      if (!hits) return
      assert.not(hits.some(hit => hit.key === key), 'a key found itself')
      expectNearest(hits, nearest!, expected, expected.records.get(key)!.vector)
    }))
]

/** Searches that go through the graph and may miss some, but never come back with fewer or with wrong ones. */
const graphSearches: fc.Arbitrary<Step>[] = [
  fc.tuple(at, vectorNumber, fc.boolean()).map(([collection, n, sync]) =>
    step(`${NAMES[collection]}.search${sync ? 'Sync' : ''}(${n})`, async (model, subject) => {
      const query = vectorOf(n, subject.dimensions)
      const [real, expected] = [subject.collections[collection]!, model.collections[collection]!]
      const hits = sync ? real.searchSync(query) : await real.search(query)
      const nearest = expected.searchSync(query)
      assert.is(hits.length, nearest.length, 'hits')
      expectHonest(hits, expected, query)
      model.recalls.push(recallOf(hits, nearest, expected, query))
    }))
]

const whole: fc.Arbitrary<Step>[] = [
  fc.constant(step('checkpoint()', async (_, { db }) => db.checkpoint())),
  fc.constant(step('verify()', async (_, { db }) => sound(db))),
  fc.constant(step('stats()', async (model, { db, collections }) => {
    const { sequence, watermark, collections: known } = await db.stats()
    assert.ok(watermark <= sequence, `watermark ${watermark}, sequence ${sequence}`)
    for (const [i, collection] of collections.entries()) {
      const { count } = await collection.stats()
      assert.is(count, model.collections[i]!.records.size, 'count')
      assert.is(known.find(({ name }) => name === NAMES[i])?.count ?? 0, count)
    }
  }))
]

const codec = fc.constantFrom<CodecName>('f32', 'sq8', 'pq', 'pq8')
const recodings: fc.Arbitrary<Step>[] = [
  fc.tuple(at, codec, fc.boolean()).map(([collection, codec, waits]) =>
    step(`${waits ? '' : 'begin '}${NAMES[collection]}.recode(${codec})`, async (model, subject) => {
      const { size } = model.collections[collection]!.records
      const recoded = subject.recode(collection, codec)
      if (waits) await recoded
      else recoded.catch(error => model.failures.push(error))
      const stats = await subject.collections[collection]!.stats()
      if (waits && size && stats.store === 'full') assert.equal([stats.codec, stats.nextCodec, stats.recoding], [codec, undefined, undefined])
    }))
]

const openings: fc.Arbitrary<Step>[] = [
  fc.constant(step('reopen()', (_, subject) => subject.reopen())),
  fc.constant(step('drop()', (_, subject) => subject.drop())),
  fc.constant(step('loseIndex()', (_, subject) => subject.loseIndex()))
]

const common = [...writes, ...writes, ...reads, ...exactSearches, ...whole, ...recodings, ...openings]

/** Commands for a database that begins empty. */
export const commands = fc.commands([...common, ...clears], { maxCommands: 80, size: 'max' })
/** Commands for one that holds so much that its graphs are in use. */
export const graphCommands = fc.commands([...common, ...graphSearches, ...graphSearches, ...graphSearches], { maxCommands: 60, size: 'max' })
