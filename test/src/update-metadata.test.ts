import { join } from 'node:path'
import { setImmediate as nextTurn } from 'node:timers/promises'
import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { logKey, RECORD_RANGE, recordKey, userKey } from '../../storage/keys.js'
import { Truth } from '../../storage/truth.js'
import { type CacheStats, type Collection, VectorLevel } from '../../src/index.js'
import { check } from '../seed.js'
import { blocksOf } from './index-content.js'
import { asked, copyOfOpenStore, dataOf, keysOf, linked, opened, PLANE, rejects, SMALL, sound, withStore } from './store.js'
import { normalVectors } from './vectors.js'

const test = suite('updateMetadata')

/** Short ones stand in a row beside the code, long ones are read from the store each time. */
const LONG = 'long'.repeat(30)

/** Every way to read a record gives it. */
async function expectRecord(points: Collection, key: string, vector: number[], metadata: unknown): Promise<void> {
  const record = { vector: Float32Array.from(vector), metadata }
  assert.equal(await points.get(key), record)
  assert.equal(await points.getMany([key]), [record])
  const range = { gte: key, lte: key }
  for await (const entry of points.entries(range)) assert.equal(entry, [key, record])
  for await (const value of points.values(range)) assert.equal(value, record)
  const hit = { key, distance: 0, metadata }
  assert.equal(await points.search(vector, { k: 1 }), [hit])
  assert.equal(points.searchSync(vector, { k: 1, exact: true }), [hit])
  const other = (await keysOf(points)).find(name => name !== key)!
  assert.equal((await points.searchByKey(other, { k: 100 }))!.find(hit => hit.key === key)!.metadata, metadata)
}

test('replaces the metadata, and leaves the vector as it is', async () => {
  await withStore(async (db, location) => {
    const points = db.collection('points', PLANE)
    await points.put('other', [7, 7], 'other')
    await points.put('a', [1, 2], { count: 1 })
    for (const metadata of [{ count: 2 }, LONG, `${LONG}!`, 'short', undefined, null, LONG, undefined, [1n]]) {
      await points.search([1, 2])
      assert.is(await points.updateMetadata('a', metadata), true)
      await expectRecord(points, 'a', [1, 2], metadata)
      await expectRecord(points, 'other', [7, 7], 'other')
    }
    await db.close()
    await opened(location, again => expectRecord(again.collection('points', PLANE), 'a', [1, 2], [1n]))
  })
})

test('keeps each bit of a vector', async () => {
  await withStore(async db => {
    const points = db.collection('points', { dimensions: 5, metric: 'l2', codec: 'f32' })
    const component = fc.oneof(fc.float({ min: -1e6, max: 1e6, noNaN: true }), fc.constantFrom(-0, 0, 1e-45, -1e-45, 2 ** -126))
    await check(fc.asyncProperty(fc.array(component, { minLength: 5, maxLength: 5 }), fc.jsonValue(), async (components, metadata) => {
      const vector = Float32Array.from(components)
      await points.put('a', vector)
      await points.updateMetadata('a', metadata)
      assert.equal(new Uint32Array((await points.get('a'))!.vector.buffer), new Uint32Array(vector.buffer))
    }))
  })
})

test('says false where there is no such key, and stores nothing', async () => {
  await withStore(async db => {
    const points = db.collection('points', PLANE)
    assert.is(await points.updateMetadata('a', 1), false)
    assert.equal((await db.stats()).collections, [])
    await points.put('a', [1, 2])
    await points.del('a')
    const { sequence } = await db.stats()
    assert.is(await points.updateMetadata('a', 1), false)
    await points.batch([{ type: 'updateMetadata', key: 'a', metadata: 1 }])
    assert.is((await db.stats()).sequence, sequence)
    assert.is(await points.has('a'), false)
  })
})

test('applies in the order of a batch, and of the calls', async () => {
  await withStore(async (db, location) => {
    const points = db.collection('points', PLANE)
    await points.batch([
      { type: 'updateMetadata', key: 'a', metadata: 'too early' }, { type: 'put', key: 'a', vector: [1, 1], metadata: 'put' },
      { type: 'updateMetadata', key: 'a', metadata: 'updated' }, { type: 'put', key: 'b', vector: [2, 2] }, { type: 'del', key: 'b' },
      { type: 'updateMetadata', key: 'b', metadata: 'too late' }
    ])
    const expected = async (...records: [string, number[], unknown][]): Promise<void> => {
      const found: unknown[] = []
      for await (const [key, { vector, metadata }] of points.entries()) found.push([key, [...vector], metadata])
      assert.equal(found, records)
      assert.equal((await points.search([0, 0])).map(({ key, metadata }) => [key, metadata]), records.map(([key, , metadata]) => [key, metadata]))
      await sound(db)
    }
    await expected(['a', [1, 1], 'updated'])
    await points.batch([
      { type: 'updateMetadata', key: 'a', metadata: 'first' }, { type: 'updateMetadata', key: 'a', metadata: 'second' },
      { type: 'put', key: 'c', vector: [3, 3], metadata: 'old' }, { type: 'put', key: 'c', vector: [4, 4], metadata: 'new' },
      { type: 'updateMetadata', key: 'c', metadata: 'updated' }
    ])
    await expected(['a', [1, 1], 'second'], ['c', [4, 4], 'updated'])
    await points.batch([{ type: 'updateMetadata', key: 'a', metadata: 'lost' }, { type: 'put', key: 'a', vector: [5, 5], metadata: 'put' }])
    await points.batch([{ type: 'updateMetadata', key: 'c', metadata: 'lost' }, { type: 'del', key: 'c' }])
    await expected(['a', [5, 5], 'put'])
    const answers = await Promise.all([
      points.updateMetadata('d', 1), points.put('d', [6, 6]), points.updateMetadata('d', 2), points.updateMetadata('d', 3), points.updateMetadata('a', 4),
      points.del('a'), points.updateMetadata('a', 5)
    ])
    assert.equal(answers.filter(answer => answer !== undefined), [false, true, true, true, false])
    await expected(['d', [6, 6], 3])
    const copy = `${location}-copy`
    copyOfOpenStore(location, copy)
    await opened(copy, async again => assert.equal(await again.collection('points', PLANE).get('d'), { vector: Float32Array.of(6, 6), metadata: 3 }))
  })
})

test('is refused as a put is, and changes nothing then', async () => {
  await withStore(async db => {
    const points = db.collection('points', PLANE)
    await points.put('a', [1, 2], 'old')
    await rejects(points.updateMetadata('', 1), 'VECTOR_INVALID_KEY')
    await rejects(points.updateMetadata(7 as unknown as string, 1), 'VECTOR_INVALID_KEY')
    await rejects(points.updateMetadata('a', () => 1), TypeError, 'function')
    const update = { type: 'updateMetadata', key: 'a', metadata: 'new' } as const
    await rejects(points.batch([update, { type: 'put', key: 'b', vector: [1] }]), 'VECTOR_INVALID_VECTOR')
    await rejects(points.batch([update, { ...update, vector: [1, 2] } as never]), TypeError, 'vector')
    await rejects(points.batch([update, { type: 'update', key: 'a', metadata: 1 } as never]), TypeError, 'updateMetadata', 'update')
    await rejects(points.batch([update, { ...update, metadata: Symbol('s') }]), TypeError, 'symbol')
    assert.is((await points.get('a'))!.metadata, 'old')
    await db.close()
    await rejects(points.updateMetadata('a', 1), 'VECTOR_DATABASE_NOT_OPEN')
  })
})

test('leaves other operations alone when a record is damaged', async () => {
  await withStore(async (db, location) => {
    const points = db.collection('points', PLANE)
    await points.put('a', [1, 2], 'old')
    await points.put('b', [3, 4], 'old')
    await db.close()
    const truth = await Truth.open(join(dataOf(location), 'truth'), false)
    for await (const [stored, record] of truth.entries({ ...RECORD_RANGE, limit: 1 })) {
      record[20]! ^= 1
      await truth.commit(batch => batch.put(stored, record), true)
    }
    await truth.close()
    const again = new VectorLevel(location, SMALL)
    try {
      const left = again.collection('points', PLANE)
      const refused = asked(left.batch([{ type: 'updateMetadata', key: 'b', metadata: 'lost' }, { type: 'updateMetadata', key: 'a', metadata: 'new' }]))
      const [updated] = await Promise.all([left.updateMetadata('b', 'new'), left.put('c', [5, 6])])
      await rejects(refused, 'VECTOR_CORRUPTION', 'ordinal 0')
      assert.is(updated, true)
      assert.is((await left.get('b'))!.metadata, 'new')
    } finally {
      await again.close()
    }
  })
})

for (const codec of ['f32', 'sq8'] as const) {
  test(`changes no block of the index, and takes no ordinal, ${codec}`, async () => {
    await withStore(async (db, location) => {
      const points = db.collection('points', { dimensions: 6, metric: 'l2', codec, efConstruction: 30 })
      await points.batch(normalVectors(5, 2500, 6).map((vector, i) => ({ type: 'put', key: `k${i}`, vector, metadata: i })))
      await linked(db)
      await db.close()
      const before = await blocksOf(location)
      assert.ok(before.size > 10)
      await opened(location, async again => {
        const left = again.collection('points', { dimensions: 6 })
        await left.search(new Float32Array(6), { k: 100 })
        const { tombstones } = await left.stats()
        const blocks = ({ resident, kinds }: CacheStats): number => resident - kinds.records.resident
        const resident = blocks((await again.stats()).cache)
        await left.batch(Array.from({ length: 2500 }, (_, i) => ({ type: 'updateMetadata', key: `k${i}`, metadata: -i })))
        const { cache, sequence } = await again.stats()
        assert.is(cache.dirty, 0)
        assert.is(blocks(cache), resident)
        assert.is(sequence, 5000)
        assert.is((await left.stats()).tombstones, tombstones)
        for (const { key, metadata } of await left.search(new Float32Array(6), { k: 100 })) assert.is(metadata, -Number(key.slice(1)))
        await again.checkpoint()
        assert.is((await again.stats()).watermark, 5000)
      })
      assert.equal(await blocksOf(location), before)
    })
  })
}

test('takes effect also where the cache has no room for another vector', async () => {
  await withStore(async db => {
    // Each thread needs room of its own for these.
    const shape = { dimensions: 16_000, M: 64, efConstruction: 4096, codec: 'f32' } as const
    const points = db.collection('points', PLANE)
    await points.put('a', [1, 2])
    await rejects(db.collection('big', shape).put('a', new Float32Array(16_000).fill(1)), 'VECTOR_FULL')
    assert.is(await points.updateMetadata('a', 'new'), true)
    assert.is((await points.get('a'))!.metadata, 'new')
  }, { workers: 16 })
})

test('lets searches see updates of a batch whole or not at all, and reads meet no error', async () => {
  await withStore(async db => {
    const points = db.collection<number>('points', { dimensions: 4, metric: 'l2', codec: 'f32', efConstruction: 10, M: 4 })
    const keys = Array.from({ length: 800 }, (_, i) => i % 2 ? `k${i}` : `${LONG}${i}`)
    const vectors = normalVectors(3, keys.length, 4)
    await points.batch(keys.map((key, i) => ({ type: 'put', key, vector: vectors[i]!, metadata: 0 })))
    let done = false
    const writing = asked((async () => {
      for (let version = 1; version < 20; version++) await points.batch(keys.map(key => ({ type: 'updateMetadata', key, metadata: version })))
    })().finally(() => {
      done = true
    }))
    const versions = new Set<number>()
    while (!done) {
      const hits = points.searchSync(vectors[0]!, { k: 1000, exact: true })
      assert.is(hits.length, keys.length)
      assert.equal([...new Set(hits.map(hit => hit.metadata))].length, 1, 'versions seen together')
      versions.add(hits[0]!.metadata)
      assert.not((await points.getMany(keys)).includes(undefined))
      await nextTurn()
    }
    await writing
    assert.ok(versions.size > 1, `${versions.size} versions`)
  })
})

for (const durability of ['strict', 'relaxed'] as const) {
  test(`is applied again when the process was killed, whatever was in a checkpoint, ${durability}`, async () => {
    await withStore(async (db, location) => {
      const points = db.collection<number>('points', PLANE)
      const expected = new Map<string, number>()
      for (let i = 0; i < 30; i++) {
        await points.put(`k${i}`, [i, 0], i)
        expected.set(`k${i}`, i)
      }
      for (const [round, from] of [0, 10, 20].entries()) {
        for (let i = from; i < from + 8; i++) {
          await points.updateMetadata(`k${i}`, 100 * round + i)
          expected.set(`k${i}`, 100 * round + i)
        }
        await points.batch([{ type: 'put', key: `new${round}`, vector: [round, 9], metadata: 0 }, { type: 'updateMetadata', key: `new${round}`, metadata: 7 }])
        expected.set(`new${round}`, 7)
        const copy = `${location}-${round}`
        copyOfOpenStore(location, copy)
        await opened(copy, async again => {
          const hits = await again.collection<number>('points', PLANE).search([0, 0], { k: 100 })
          assert.equal(new Map(hits.map(({ key, metadata }) => [key, metadata])), expected)
          await again.compact()
          await sound(again)
          const found = new Map<string, number>()
          for await (const [key, { metadata }] of again.collection<number>('points', PLANE).entries()) found.set(key, metadata)
          assert.equal(found, expected)
        }, { durability })
        await db.checkpoint()
      }
    }, { durability, checkpoint: { operations: 1_000_000 } })
  })
}

test('is kept when it came before a gap that a power cut left, and behind one it says that the log is damaged', async () => {
  await withStore(async (db, location) => {
    const points = db.collection<number>('points', PLANE)
    for (let i = 0; i < 5; i++) await points.put(`k${i}`, [i, 0], i)
    await db.checkpoint()
    await points.updateMetadata('k0', 10)
    await points.put('k1', [1, 1], 11)
    await points.put('k2', [2, 1], 12)
    const before = `${location}-before`
    const behind = `${location}-behind`
    copyOfOpenStore(location, before)
    await points.updateMetadata('k0', 20)
    copyOfOpenStore(location, behind)
    for (const copy of [before, behind]) {
      const truth = await Truth.open(join(dataOf(copy), 'truth'), false)
      // The put of k1 never reached the disk.
      await truth.commit(batch => {
        for (const key of [logKey(7), recordKey(1, 5), userKey(1, Buffer.from('k1'))]) batch.del(key)
      }, true)
      await truth.close()
    }
    await opened(before, async again => {
      const found: number[] = []
      for await (const { metadata } of again.collection<number>('points', PLANE).values()) found.push(metadata)
      assert.equal(found, [10, 1, 2, 3, 4])
    }, { durability: 'relaxed' })
    await rejects(new VectorLevel(behind, SMALL).open(), 'VECTOR_CORRUPTION', 'operations 7 to')
  }, { durability: 'relaxed', checkpoint: { operations: 1_000_000 } })
})

test('an update of which only the record before is left is noticed', async () => {
  await withStore(async (db, location) => {
    const points = db.collection('points', PLANE)
    await points.put('a', [1, 2], 'old')
    await points.put('b', [3, 4], 'old')
    await db.close()
    const change = async (run: (truth: Truth) => Promise<void>): Promise<void> => {
      const truth = await Truth.open(join(dataOf(location), 'truth'), false)
      await run(truth).finally(() => truth.close())
    }
    const records: [Buffer, Buffer][] = []
    await change(async truth => { for await (const entry of truth.entries(RECORD_RANGE)) records.push(entry) })
    await opened(location, async again => assert.is(await again.collection('points', PLANE).updateMetadata('a', 'new'), true))
    await change(truth => truth.commit(batch => batch.put(...records[0]!), true))
    const again = new VectorLevel(location, SMALL)
    try {
      const left = again.collection('points', PLANE)
      await rejects(left.get('a'), 'VECTOR_CORRUPTION', "only an older record of key 'a'")
      await rejects(left.updateMetadata('a', 'newer'), 'VECTOR_CORRUPTION', "only an older record of key 'a'")
      assert.is((await left.get('b'))!.metadata, 'old')
      assert.equal((await again.verify()).map(({ where, message }) => [where, /^only an older record of key 'a'/.test(message)]), [['record', true]])
    } finally {
      await again.close()
    }
  })
})

test.run()
