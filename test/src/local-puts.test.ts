import { join } from 'node:path'
import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { Random } from '../../floor/random.js'
import { atOnce } from '../../floor/slices.js'
import type { OpenCollection } from '../../src/engine.js'
import type { CollectionOptions, Hit } from '../../src/index.js'
import { withLocalPuts } from '../../src/local-puts.js'
import type { KeyOperation, WriteOperation } from '../../src/write-operation.js'
import { check } from '../seed.js'
import { graphsOf } from './index-content.js'
import { copyOfOpenStore, linked, opened, SMALL, withDirectory } from './store.js'
import { clusteredVectors } from './vectors.js'

const test = suite('local puts')
const COLLECTIONS = ['l2', 'cosine'].map(metric => ({ options: { metric }, graph: { codeKind: 'codes', codes: { rowsPerBlock: 8 } } }) as unknown as OpenCollection)
const NO_METADATA = new Uint8Array(0)

/** What a batch comes to. */
function outcome(operations: WriteOperation[]): Map<string, unknown> {
  const records = new Map<string, unknown>()
  for (const { collection, key, put, metadata } of operations as KeyOperation[]) {
    const name = `${COLLECTIONS.indexOf(collection)} ${key.toString()}`
    if (put) records.set(name, put)
    else if (metadata) records.set(name, [records.get(name), metadata])
    else records.set(name, 'deleted')
  }
  return records
}

function occurrences(operations: WriteOperation[]): Map<string, number> {
  const counts = new Map<string, number>()
  for (const { collection, key } of operations as KeyOperation[]) {
    const name = `${COLLECTIONS.indexOf(collection)} ${key.toString()}`
    counts.set(name, (counts.get(name) ?? 0) + 1)
  }
  return counts
}

test('a batch comes to the same, and what is no put of a key alone stays where it was', async () => {
  await check(fc.property(fc.nat({ max: 400 }), fc.nat({ max: 1000 }), fc.constantFrom(50, 400, 100_000), fc.constantFrom(0, 0.3), (count, seed, keys, others) => {
    const random = new Random(seed)
    const operations = Array.from({ length: count }, (): WriteOperation => {
      const operation = { collection: COLLECTIONS[random.below(2)]!, key: Buffer.from(`k${random.below(keys)}`) }
      if (random.next() < others) return random.below(2) ? operation : { ...operation, metadata: NO_METADATA }
      return { ...operation, put: { vector: Float32Array.from({ length: 4 }, () => random.normal()), metadata: NO_METADATA } }
    })
    const arranged = atOnce(withLocalPuts(operations))
    assert.is(arranged.length, count)
    assert.is(new Set(arranged).size, count)
    const counts = occurrences(operations)
    for (const [i, operation] of operations.entries()) {
      const { collection, key, put } = operation as KeyOperation
      if (!put || counts.get(`${COLLECTIONS.indexOf(collection)} ${key.toString()}`)! > 1) assert.is(arranged[i], operation)
    }
    const [before, after] = [outcome(operations), outcome(arranged)]
    assert.is(after.size, before.size)
    for (const [name, content] of before) assert.equal(after.get(name), content)
  }), { numRuns: 100 })
})

test('a recoding is no matter of keys', () => {
  const operations: WriteOperation[] = [{ collection: COLLECTIONS[0]!, recoded: true }]
  assert.equal(atOnce(withLocalPuts(operations)), operations)
})

test('where the index outgrows the cache a batch is lined up, the same each time, and after a crash; else it is not', async () => {
  const options: CollectionOptions = { dimensions: 600, metric: 'l2', codec: 'f32', M: 4, efConstruction: 20 }
  const vectors = clusteredVectors(3, 2800, 600, 40)
  const queries = vectors.filter((_, i) => i % 100 === 0)
  await withDirectory(async directory => {
    const load = async (name: string, cacheSize: number): Promise<unknown> => {
      const location = join(directory, name)
      const copy = `${location}-copy`
      let results: Hit<unknown>[][]
      await opened(location, async db => {
        const points = db.collection('points', options)
        for (const [from, to] of [[0, 2000], [2000, 2800]] as const) {
          await points.batch(vectors.slice(from, to).map((vector, i) => ({ type: 'put', key: `k${from + i}`, vector })))
        }
        copyOfOpenStore(location, copy)
        await linked(db)
        for (const i of [0, 1999, 2000, 2399, 2799]) assert.equal((await points.get(`k${i}`))!.vector, vectors[i])
        results = await points.searchMany(queries, { k: 5, ef: 500 })
        for (const [i, hits] of results.entries()) assert.is(hits[0]!.key, `k${100 * i}`)
      }, { durability: 'relaxed', cacheSize })
      await opened(copy, async db => {
        await linked(db)
        assert.equal(await db.collection('points', options).searchMany(queries, { k: 5, ef: 500 }), results)
      }, { cacheSize })
      return await graphsOf(location)
    }
    const [small, again, large] = [await load('small', SMALL.cacheSize!), await load('again', SMALL.cacheSize!), await load('large', 32 * 2 ** 20)]
    assert.equal(again, small)
    assert.not.equal(large, small)
  })
})

test.run()
