import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { VectorLevel, type VectorLevelEvents } from '../../src/index.js'
import { recordKey, userKey } from '../../storage/keys.js'
import { Truth } from '../../storage/truth.js'
import { asked, copyOfOpenStore, dataOf, inTime, keysOf, linked, opened, PLANE, rejects, withStore } from '../src/store.js'
import { normalVectors } from '../src/vectors.js'

const test = suite('faults cost only what they must')

test('a collection that does not fit the cache is refused, and harms no other', async () => {
  await withStore(async db => {
    const points = db.collection('points', { dimensions: 8, codec: 'f32' })
    const vectors = normalVectors(1, 1000, 8)
    await points.batch(vectors.map((vector, i) => ({ type: 'put', key: `k${i}`, vector })))
    await linked(db)
    await rejects(db.collection('big', { dimensions: 16_000, codec: 'pq8', codeBytes: 200 }).put('a', new Float32Array(16_000).fill(1)), 'VECTOR_FULL')
    assert.is((await points.search(vectors[5]!, { k: 1 }))[0]!.key, 'k5')
    await points.put('more', vectors[0]!)
  })
})

test('a flipped bit in the ordinal of a key is noticed before it deletes another record', async () => {
  await withStore(async (db, location) => {
    const points = db.collection('points', PLANE)
    await points.batch([{ type: 'put', key: 'a', vector: [1, 0] }, { type: 'put', key: 'b', vector: [2, 0] }])
    await db.close()
    const truth = await Truth.open(join(dataOf(location), 'truth'), false)
    const value = truth.get(userKey(1, Buffer.from('a')))!
    value[0]! ^= 1
    await truth.commit(batch => batch.put(userKey(1, Buffer.from('a')), value), true)
    await truth.close()
    const again = new VectorLevel(location, { cacheSize: 8 * 2 ** 20 })
    await rejects(again.collection('points', PLANE).put('a', [3, 0]), 'VECTOR_CORRUPTION', 'a')
    assert.ok(await again.collection('points', PLANE).has('b'))
    await again.checkpoint()
    assert.ok(await again.collection('points', PLANE).get('b'))
    await again.close()
  })
})

test('a damaged record costs itself alone when the index is built anew', async () => {
  for (const [codec, count] of [['f32', 300], ['sq8', 2200]] as const) {
    await withStore(async (db, location) => {
      const vectors = normalVectors(2, count, 4)
      await db.collection('points', { dimensions: 4, codec }).batch(vectors.map((vector, i) => ({ type: 'put', key: `k${i}`, vector })))
      await linked(db)
      const damaged = `${location}-damaged`
      await db.checkpoint()
      copyOfOpenStore(location, damaged)
      const truth = await Truth.open(join(dataOf(damaged), 'truth'), false)
      const record = truth.get(recordKey(1, 7))!
      record[20]! ^= 1
      await truth.commit(batch => batch.put(recordKey(1, 7), record), true)
      await truth.close()
      rmSync(join(dataOf(damaged), 'INDEX'))
      const again = new VectorLevel(damaged, { cacheSize: 8 * 2 ** 20 })
      const points = again.collection('points', { dimensions: 4 })
      while ((await points.stats()).pending) await delay(5)
      assert.is((await points.search(vectors[9]!, { k: 1 }))[0]!.key, 'k9')
      await points.put('more', vectors[1]!)
      assert.ok((await again.verify()).some(({ message }) => message.includes('ordinal 7')))
      await again.close()
    })
  }
})

test('a record and a key that are lost at the end of a store cost themselves alone', async () => {
  for (const lose of ['the log still names them', 'the index is lost too'] as const) {
    await withStore(async (db, location) => {
      const points = db.collection('points', { dimensions: 4, codec: 'f32' })
      const vectors = normalVectors(5, 3000, 4)
      await points.batch(vectors.slice(0, 10).map((vector, i) => ({ type: 'put', key: `k${i}`, vector })))
      await db.checkpoint()
      await points.batch(vectors.slice(10).map((vector, i) => ({ type: 'put', key: `k${i + 10}`, vector })))
      const damaged = `${location}-damaged`
      copyOfOpenStore(location, damaged)
      const truth = await Truth.open(join(dataOf(damaged), 'truth'), false)
      await truth.commit(batch => {
        for (let ordinal = 2000; ordinal < 3000; ordinal++) batch.del(recordKey(1, ordinal))
      }, true)
      await truth.close()
      if (lose === 'the index is lost too') rmSync(join(dataOf(damaged), 'INDEX'))
      const again = new VectorLevel(damaged, { cacheSize: 8 * 2 ** 20 })
      const left = again.collection('points', { dimensions: 4 })
      while ((await left.stats()).pending) await delay(5)
      assert.is((await left.search(vectors[9]!, { k: 1 }))[0]!.key, 'k9')
      await left.put('more', vectors[1]!)
      const findings = await again.verify()
      assert.ok(findings.some(({ message }) => message.includes('has no record')))
      assert.not.ok(findings.some(({ message }) => message.includes('the same ordinal')), 'a lost ordinal was given out again')
      await again.close()
    }, { checkpoint: { operations: 1_000_000 } })
  }
})

test('sq8 is trained on vectors that are there, not on those that were', async () => {
  await withStore(async db => {
    const points = db.collection('points', { dimensions: 16, metric: 'l2' })
    for (let round = 0; round < 3; round++) await points.batch(Array.from({ length: 800 }, () => ({ type: 'put', key: 'same', vector: new Float32Array(16) })))
    assert.not.ok((await points.stats()).trained)
    const vectors = normalVectors(3, 3000, 16)
    await points.batch(vectors.map((vector, i) => ({ type: 'put', key: `k${i}`, vector: vector.map(value => value * 100) })))
    await linked(db)
    assert.ok((await points.measureRecall({ sample: 50, ef: 100 })).recall > 0.95)
  })
})

test('a small sq8 collection whose index was lost does not keep the log from being cut', async () => {
  await withStore(async (db, location) => {
    await db.collection('points', PLANE).put('a', [1, 2])
    await db.close()
    rmSync(join(dataOf(location), 'INDEX'))
    await opened(location, async again => {
      for (let i = 0; i < 50; i++) await again.collection('points', PLANE).put('a', [1, i])
    })
    const truth = await Truth.open(join(dataOf(location), 'truth'), false)
    let entries = 0
    for await (const [key] of truth.entries({})) if (key[0] === 0x6c || key[0] === 0x72) entries++
    await truth.close()
    assert.is(entries, 1, 'one record, and no log')
  })
})

for (const event of ['opening', 'open', 'closing', 'closed', 'write', 'checkpoint'] as (keyof VectorLevelEvents)[]) {
  test(`a listener of ${event} that throws harms nothing`, async () => {
    const told = (): void => undefined
    process.on('uncaughtException', told)
    try {
      await withStore(async (db, location) => {
        db.on(event, () => {
          throw new Error('of the listener')
        })
        const points = db.collection('points', PLANE)
        await inTime(points.put('a', [1, 2]))
        await inTime(db.checkpoint())
        await inTime(db.close())
        await opened(location, async again => assert.equal(await keysOf(again.collection('points', PLANE)), ['a']))
      })
      await delay(10)
    } finally {
      process.off('uncaughtException', told)
    }
  })
}

test('measuring recall ends when the collection is emptied meanwhile, and closing meanwhile leaves the index', async () => {
  await withStore(async (db, location) => {
    const points = db.collection('points', { dimensions: 4, codec: 'f32' })
    const vectors = normalVectors(4, 3000, 4)
    await points.batch(vectors.map((vector, i) => ({ type: 'put', key: `k${i}`, vector })))
    const measuring = asked(points.measureRecall({ sample: 500 }))
    await points.clear()
    await inTime(measuring, 20_000)
    await points.batch(vectors.map((vector, i) => ({ type: 'put', key: `k${i}`, vector })))
    const another = asked(points.measureRecall({ sample: 5000 }))
    await db.close()
    await another.catch(() => undefined)
    assert.ok(readFileSync(join(dataOf(location), 'INDEX'), 'utf8'))
  })
})

test('a checkpoint timer of years is not one of a millisecond', async () => {
  await withStore(async db => {
    let checkpoints = 0
    db.on('checkpoint', () => checkpoints++)
    for (let i = 0; i < 3; i++) {
      await db.collection('points', PLANE).put('a', [1, i])
      await delay(10)
    }
    assert.is(checkpoints, 0)
  }, { checkpoint: { seconds: Infinity } })
})

test('options that are left out at one declaration may be given at the next', async () => {
  await withStore(async (db, location) => {
    await db.collection('points', { dimensions: 2, metric: 'l2' }).put('a', [0, 0])
    await db.close()
    await opened(location, async again => {
      again.collection('points', { dimensions: 2 })
      assert.ok(await again.collection('points', { dimensions: 2, metric: 'l2' }).has('a'))
    })
  })
})

test('misspelt options of a backup are refused', async () => {
  await withStore(async (db, location) => {
    await db.open()
    await rejects(db.backup(`${location}-copy`, { sginal: 1 } as object), TypeError, 'sginal')
    await rejects(db.backup(undefined as unknown as string), TypeError)
  })
})

test.run()
