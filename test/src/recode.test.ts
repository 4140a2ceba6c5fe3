import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { KIND_CODES, KIND_RECODES, placeOf } from '../../storage/block-format.js'
import { type BatchOperation, type CodecName, type Collection, type CollectionOptions, VectorLevel, type VectorLevelOptions } from '../../src/index.js'
import { blocksOf, graphsOf } from './index-content.js'
import { asked, copyOfOpenStore, inTime, linked, opened, rejects, rejectsUnopened, SMALL, throws, withDirectory, withStore } from './store.js'
import { normalVectors } from './vectors.js'

const test = suite('recode')
const COUNT = 4200
const SPACE = { dimensions: 16, metric: 'l2', M: 8, efConstruction: 40 } as const
const VECTORS = normalVectors(1, COUNT, 16)
const MORE = normalVectors(2, 3000, 16)

function puts(prefix: string, vectors: Float32Array[]): BatchOperation<unknown>[] {
  return vectors.map((vector, i) => ({ type: 'put', key: `${prefix}${i}`, vector }))
}

async function filled(db: VectorLevel, codec: CodecName, options: Partial<CollectionOptions> = {}): Promise<Collection> {
  const points = db.collection('points', { ...SPACE, ...options, codec })
  await points.batch(puts('p', VECTORS))
  await linked(db)
  return points
}

function squared(a: Float32Array, b: Float32Array): number {
  return a.reduce((sum, value, i) => sum + (value - b[i]!) ** 2, 0)
}

/** Distances of results are exact, and no result is a record that is not there. */
async function checkHits(points: Collection, query: Float32Array, known: Map<string, Float32Array>, exact = false): Promise<void> {
  const hits = await points.search(query, { k: 5, exact })
  assert.is(hits.length, 5)
  for (const { key, distance } of hits) assert.ok(Math.abs(distance - squared(query, known.get(key)!)) < 1e-3 * distance + 1e-4, `${key}: ${distance}`)
  if (!exact) return
  const nearest = [...known.values()].map(vector => squared(query, vector)).sort((a, b) => a - b)
  for (const [i, { distance }] of hits.entries()) assert.ok(Math.abs(distance - nearest[i]!) < 1e-3 * distance + 1e-4, `${distance}, not ${nearest[i]}`)
}

function recordsOf(...batches: BatchOperation<unknown>[][]): Map<string, Float32Array> {
  return new Map(batches.flat().map(operation => [operation.key, (operation as { vector: Float32Array }).vector]))
}

for (const [from, to] of [['f32', 'sq8'], ['sq8', 'pq'], ['pq', 'f32'], ['sq8', 'pq8']] as const) {
  test(`${from} to ${to}: results are right while it goes on and others write, and after; stats tell of it`, async () => {
    await withStore(async db => {
      const points = await filled(db, from)
      const known = recordsOf(puts('p', VECTORS))
      const before = await points.stats()
      assert.equal([before.codec, before.nextCodec, before.recoding], [from, undefined, undefined])
      let isDone = false
      const done = points.recode(to).finally(() => { isDone = true })
      const seen = new Set<string>()
      for (let i = 0; !isDone; i++) {
        await points.put(`m${i}`, MORE[i]!)
        known.set(`m${i}`, MORE[i]!)
        await points.del(`p${i}`)
        known.delete(`p${i}`)
        const { codec, nextCodec, recoding } = await points.stats()
        seen.add(`${codec} ${nextCodec} ${recoding !== undefined && recoding >= 0 && recoding <= 1}`)
        await checkHits(points, MORE[2999 - i]!, known, i % 3 === 0)
      }
      await done
      assert.ok(seen.has(`${from} ${to} true`), [...seen].join(', '))
      const after = await points.stats()
      assert.equal([after.codec, after.nextCodec, after.recoding, after.trained], [to, undefined, undefined, true])
      for (let i = 0; i < 20; i++) await checkHits(points, MORE[2500 + i]!, known, i < 5)
      await linked(db)
      assert.ok((await points.measureRecall({ sample: 100 })).recall > 0.85)
      assert.equal(await db.verify(), [])
      await db.compact()
      await checkHits(points, MORE[2500]!, known, true)
    })
  })
}

test('without any other call it comes to an end, and its index is on disk: reopened, it is that of the new codec, and smaller', async () => {
  await withStore(async (db, location) => {
    const points = await filled(db, 'f32', { dimensions: 16 })
    await db.checkpoint()
    const before = (await db.stats()).bytes
    await inTime(points.recode('pq', { codeBytes: 4 }), 60_000)
    const stats = await db.stats()
    assert.is(stats.watermark, stats.sequence)
    assert.ok(stats.bytes.index - stats.bytes.free < before.index - before.free - 40 * COUNT, JSON.stringify([before, stats.bytes]))
    assert.is((await points.stats()).bytesPerVector.code, 4)
    await db.close()
    const kinds = [...(await blocksOf(location)).keys()].map(place => Math.floor((place - placeOf(1, 0, 0)) / placeOf(0, 1, 0)))
    assert.ok(kinds.includes(KIND_RECODES))
    assert.not(kinds.includes(KIND_CODES))
    await opened(location, async again => {
      await again.open()
      throws(() => again.collection('points', { ...SPACE, codec: 'f32' }), 'VECTOR_OPTIONS_MISMATCH', 'pq')
    })
    await opened(location, async again => {
      await rejectsUnopened(again.collection('points', { ...SPACE, codec: 'pq', codeBytes: 8 }).stats(), 'VECTOR_OPTIONS_MISMATCH')
    })
    await opened(location, async again => {
      const same = again.collection('points', { ...SPACE, codec: 'pq', codeBytes: 4 })
      assert.is((await same.stats()).codec, 'pq')
      const { index, free } = (await again.stats()).bytes
      assert.ok(index - free < before.index - before.free - 40 * COUNT)
      await checkHits(same, MORE[0]!, recordsOf(puts('p', VECTORS)), true)
    })
  })
})

test('the same database handle opens again, and knows the new codec', async () => {
  await withStore(async db => {
    const points = await filled(db, 'sq8')
    await points.recode('pq')
    await db.close()
    await db.open()
    assert.is((await points.stats()).codec, 'pq')
    assert.throws(() => db.collection('points', { ...SPACE, codec: 'sq8' }), /stored with codec pq/)
    assert.is(db.collection('points', { ...SPACE, codec: 'pq' }), points as Collection<unknown>)
  })
})

for (const durability of ['strict', 'relaxed'] as const) {
  test(`${durability}: whenever the process is killed, it goes on at the next opening, and comes to the same graph`, async () => {
    await withDirectory(async directory => {
      const location = join(directory, 'store')
      const options: VectorLevelOptions = { durability, checkpoint: { operations: 100_000, seconds: 1000 } }
      const copies: string[] = []
      const copy = (): void => {
        copies.push(join(directory, `copy-${copies.length}`))
        copyOfOpenStore(location, copies.at(-1)!)
      }
      await opened(location, async db => {
        const points = await filled(db, 'sq8')
        await db.checkpoint()
        let isDone = false
        const done = points.recode('pq').finally(() => { isDone = true })
        while ((await points.stats()).nextCodec === undefined) await delay(1)
        copy()
        for (let i = 0; !isDone; i++) {
          if (i % 2 === 0) await db.checkpoint()
          copy()
          await delay(5)
        }
        await done
        copy()
      }, options)
      const expected = await finished(location, options)
      assert.ok(copies.length > 2, `${copies.length}`)
      for (const store of copies) assert.equal(await finished(store, options), expected, store)
    })
  })
}

/** The graph of a store when its recoding has come to its end. */
async function finished(location: string, options: VectorLevelOptions): Promise<unknown> {
  await opened(location, async db => {
    const points = db.collection('points', SPACE)
    await linked(db)
    for (let i = 0; (await points.stats()).codec !== 'pq'; i++) {
      assert.ok(i < 3000, 'it goes on')
      await delay(5)
    }
    assert.is((await points.stats()).nextCodec, undefined)
    await checkHits(points, MORE[1]!, recordsOf(puts('p', VECTORS)), true)
  }, options)
  const { rows, graphs } = await graphsOf(location)
  return { rows, graphs }
}

test('for any number of workers the graph is the same', async () => {
  await withDirectory(async directory => {
    const found: unknown[] = []
    for (const workers of [0, 1, 3]) {
      const location = join(directory, `store-${workers}`)
      await opened(location, async db => {
        const points = await filled(db, 'sq8')
        const done = points.recode('pq')
        while ((await points.stats()).recoding === undefined) await delay(1)
        await done
        for (let i = 0; i < 5; i++) await points.batch(puts(`m${i}-`, MORE.slice(100 * i, 100 * i + 100)))
        await points.batch(VECTORS.slice(0, 300).map((_, i) => ({ type: 'del', key: `p${i}` })))
        await linked(db)
        await points.recode('f32')
        await points.batch(puts('n', MORE.slice(1000, 1200)))
        await linked(db)
      }, { workers })
      found.push(await graphsOf(location))
    }
    assert.equal(found[1], found[0])
    assert.equal(found[2], found[0])
  })
})

test('recoding to what it is resolves at once; other calls wait for the one that is under way', async () => {
  await withStore(async db => {
    const points = await filled(db, 'sq8')
    const { sequence } = await db.stats()
    await points.recode('sq8')
    assert.is((await db.stats()).sequence, sequence)
    const order: string[] = []
    await Promise.all((['pq', 'pq', 'f32', 'sq8'] as const).map(async (codec, i) => {
      await points.recode(codec)
      order.push(`${i} ${codec}`)
    }))
    assert.equal(order, ['0 pq', '1 pq', '2 f32', '3 sq8'])
    assert.is((await points.stats()).codec, 'sq8')
  })
})

test('of a collection that has fewer vectors than the codec is trained on, or none, the codec is the new one at once', async () => {
  await withStore(async (db, location) => {
    const [few, none, exact] = [db.collection('few', SPACE), db.collection('none', SPACE), db.collection('exact', { ...SPACE, codec: 'f32' })]
    await few.batch(puts('p', VECTORS.slice(0, 2500)))
    await exact.batch(puts('p', VECTORS.slice(0, 100)))
    await linked(db)
    assert.ok((await few.stats()).trained)
    await few.recode('pq')
    await none.recode('pq', { codeBytes: 3 })
    await exact.recode('sq8')
    for (const [collection, codec] of [[few, 'pq'], [none, 'pq'], [exact, 'sq8']] as const) {
      const stats = await collection.stats()
      assert.equal([stats.codec, stats.trained, stats.nextCodec], [codec, false, undefined])
    }
    await checkHits(few, MORE[0]!, recordsOf(puts('p', VECTORS.slice(0, 2500))), true)
    await checkHits(exact, MORE[0]!, recordsOf(puts('p', VECTORS.slice(0, 100))), true)
    await few.batch(puts('q', VECTORS.slice(2500)))
    await linked(db)
    assert.ok((await few.stats()).trained)
    await none.put('one', VECTORS[0]!)
    assert.is((await none.stats()).codec, 'pq')
    await db.close()
    await opened(location, async again => {
      assert.is((await again.collection('none', { ...SPACE, codec: 'pq', codeBytes: 3 }).stats()).codec, 'pq')
      await checkHits(again.collection('few', SPACE), MORE[0]!, recordsOf(puts('p', VECTORS.slice(0, 2500)), puts('q', VECTORS.slice(2500))), true)
    })
  })
})

test('of two collections at once whose tables have no room together, the second is refused, and nothing else is', async () => {
  await withStore(async db => {
    const [first, second] = ['first', 'second'].map(name => db.collection(name, { dimensions: 100, metric: 'l2', codec: 'f32' })) as [Collection, Collection]
    const [vector] = normalVectors(3, 1, 100)
    for (const points of [first, second]) await points.put('p', vector!)
    const calls = [first, second].map(points => asked(points.recode('pq8')))
    await calls[0]
    await rejects(calls[1]!, 'VECTOR_FULL', SMALL.cacheSize!)
    assert.equal([(await first.stats()).codec, (await second.stats()).codec], ['pq8', 'f32'])
    await second.put('later', vector!)
    await second.recode('sq8')
    assert.is((await second.stats()).count, 2)
  })
})

test('a signal or a timeout end the waiting; what is under way goes on', async () => {
  await withStore(async db => {
    const points = await filled(db, 'sq8')
    await rejects(points.recode('pq', { signal: AbortSignal.abort() }), 'VECTOR_ABORTED')
    await rejects(points.recode('pq', { timeout: 0 }), 'VECTOR_ABORTED')
    assert.is((await points.stats()).nextCodec, undefined)
    const controller = new AbortController()
    const first = asked(points.recode('pq', { signal: controller.signal }))
    const second = asked(points.recode('f32', { signal: controller.signal }))
    while ((await points.stats()).nextCodec === undefined) await delay(1)
    controller.abort()
    await rejects(first, 'VECTOR_ABORTED', 'recoding')
    await rejects(second, 'VECTOR_ABORTED')
    await points.recode('pq')
    assert.is((await points.stats()).codec, 'pq')
  })
})

test('when the database is closed meanwhile, the call ends, and the next opening goes on', async () => {
  await withStore(async (db, location) => {
    const points = await filled(db, 'sq8')
    const recoded = asked(points.recode('pq'))
    while ((await points.stats()).nextCodec === undefined) await delay(1)
    await inTime(db.close(), 60_000)
    await rejects(recoded, 'VECTOR_DATABASE_NOT_OPEN')
    await opened(location, async again => {
      const same = again.collection('points', { ...SPACE, codec: 'pq' })
      await same.recode('pq')
      assert.is((await same.stats()).codec, 'pq')
    })
  })
})

test('a checkpoint does not wait for it, and compact ends it', async () => {
  await withStore(async db => {
    const points = await filled(db, 'sq8')
    const recoded = points.recode('pq')
    while ((await points.stats()).nextCodec === undefined) await delay(1)
    await db.checkpoint()
    await db.compact()
    assert.is((await points.stats()).codec, 'pq')
    await recoded
    await checkHits(points, MORE[0]!, recordsOf(puts('p', VECTORS)), true)
  })
})

test('an index that is lost meanwhile is built anew with the new codec', async () => {
  await withDirectory(async directory => {
    const [location, copy] = [join(directory, 'store'), join(directory, 'copy')]
    await opened(location, async db => {
      const points = await filled(db, 'sq8')
      const recoded = points.recode('pq')
      while ((await points.stats()).nextCodec === undefined) await delay(1)
      copyOfOpenStore(location, copy)
      await recoded
    })
    const db = new VectorLevel(copy, SMALL)
    try {
      await db.open()
      await db.close()
    } finally {
      await db.close()
    }
    const { rmSync } = await import('node:fs')
    rmSync(join(copy, 'data-1', 'INDEX'))
    await opened(copy, async again => {
      const points = again.collection('points', { ...SPACE, codec: 'pq' })
      await linked(again)
      assert.equal([(await points.stats()).codec, (await points.stats()).nextCodec], ['pq', undefined])
      await checkHits(points, MORE[0]!, recordsOf(puts('p', VECTORS)), true)
    })
  })
})

test('a backup that is made meanwhile goes on by itself', async () => {
  await withStore(async (db, location) => {
    const points = await filled(db, 'f32')
    const recoded = points.recode('sq8')
    while ((await points.stats()).nextCodec === undefined) await delay(1)
    await db.backup(`${location}-copy`)
    await opened(`${location}-copy`, async copy => {
      const same = copy.collection('points', SPACE)
      await same.recode('sq8')
      await checkHits(same, MORE[0]!, recordsOf(puts('p', VECTORS)), true)
    })
    await recoded
  })
})

test('what cannot be is refused, and says why', async () => {
  await withStore(async db => {
    const points = await filled(db, 'sq8')
    await rejects(points.recode('lz4' as CodecName), TypeError, 'lz4')
    await rejects(points.recode('pq', { codeBytes: 9 }), RangeError, 8, 9)
    await rejects(points.recode('sq8', { codeBytes: 4 }), TypeError, 'codeBytes')
    await rejects(points.recode('pq', { bytes: 4 } as object), TypeError, 'bytes')
    const kept = db.collection('kept', { ...SPACE, store: 'codes' })
    await rejects(kept.recode('pq'), 'VECTOR_OPTIONS_MISMATCH', 'codes')
    await kept.put('one', VECTORS[0]!)
    await rejects(kept.recode('pq'), 'VECTOR_OPTIONS_MISMATCH', 'codes')
    const wide = db.collection('wide', { dimensions: 1536 })
    await wide.put('one', new Float32Array(1536).fill(1))
    const { sequence } = await db.stats()
    await rejects(wide.recode('pq8', { codeBytes: 1000 }), 'VECTOR_FULL', 'cacheSize')
    assert.is((await db.stats()).sequence, sequence)
    assert.is((await wide.stats()).codec, 'sq8')
    await wide.put('two', new Float32Array(1536).fill(2))
  })
})

test.run()
