import { existsSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { type BatchOperation, type Collection, type DeadlineOptions, type Hits, VectorLevel, VectorLevelError } from '../../src/index.js'
import { check } from '../seed.js'
import { asked, inTime, keysOf, PLANE, rejects, SMALL, throws, withDirectory } from './store.js'
import { normalVectors } from './vectors.js'

const COUNT = 3000
const SHAPE = { dimensions: 8, metric: 'l2', codec: 'f32', M: 4, efConstruction: 20 } as const

const test = suite('cancelling')

/** A store with vectors, sound in the end. */
async function withPoints(use: (db: VectorLevel, points: Collection, vectors: Float32Array[], directory: string) => Promise<void>): Promise<void> {
  await withDirectory(async directory => {
    const db = new VectorLevel(`${directory}/store`, { ...SMALL, durability: 'relaxed' })
    try {
      const points = db.collection('points', SHAPE)
      const vectors = normalVectors(1, COUNT, SHAPE.dimensions)
      await points.batch(vectors.map((vector, i) => ({ type: 'put', key: `k${i}`, vector, metadata: i })))
      await use(db, points, vectors, directory)
      await db.open()
      assert.equal(await db.verify(), [])
      assert.is((await keysOf(points)).length, COUNT)
    } finally {
      await db.close()
    }
  })
}

type Call = (options: DeadlineOptions) => Promise<unknown>

/** Everything that takes a while, by name. */
function callsOf(db: VectorLevel, points: Collection, vectors: Float32Array[], target: string): Record<string, Call> {
  return {
    search: options => points.search(vectors[0]!, { ...options, exact: true }),
    'search for all within a distance': options => points.search(vectors[0]!, { ...options, maxDistance: 1e6 }),
    searchMany: options => points.searchMany(vectors, { ...options, exact: true }),
    searchByKey: options => points.searchByKey('k1', options),
    measureRecall: options => points.measureRecall({ ...options, sample: 1e6 }),
    'exact stats': options => points.stats({ ...options, exact: true }),
    verify: options => db.verify(options),
    compact: options => db.compact(options),
    backup: options => db.backup(target, options)
  }
}

test('whatever takes a while ends when its signal is aborted before, or its time is up', async () => {
  await withPoints(async (db, points, vectors, directory) => {
    const calls: Record<string, Call> = {
      ...callsOf(db, points, vectors, `${directory}/copy`),
      stats: options => points.stats(options),
      repair: options => db.repair(options),
      put: options => points.put('new', vectors[0]!, 1, options),
      batch: options => points.batch([{ type: 'put', key: 'new', vector: vectors[0]! }, { type: 'del', key: 'k1' }], options),
      del: options => points.del('k1', options),
      updateMetadata: options => points.updateMetadata('k1', 'new', options),
      clear: options => points.clear({}, options)
    }
    const reason = new Error('enough')
    for (const [name, call] of Object.entries(calls)) {
      const error = await rejects(inTime(call({ signal: AbortSignal.abort(reason) })), 'VECTOR_ABORTED', 'aborted')
      assert.is(error.cause, reason, name)
      await rejects(inTime(call({ timeout: 0 })), 'VECTOR_ABORTED', 'not done within 0 ms')
      await rejects(call({ timeout: -1 }), RangeError, -1)
      await rejects(call({ signal: {} as AbortSignal }), TypeError, 'signal')
    }
    throws(() => points.searchSync(vectors[0]!, { timeout: 0 }), 'VECTOR_ABORTED')
    assert.equal((await points.get('k1'))!.metadata, 1)
    assert.is(existsSync(`${directory}/copy/STORE`), false)
    await db.backup(`${directory}/copy`)
  })
})

test('whatever takes a while ends in the middle, or comes to its end', async () => {
  await withPoints(async (db, points, vectors, directory) => {
    for (const milliseconds of [0, 1, 3, 10]) {
      for (const [name, call] of Object.entries(callsOf(db, points, vectors, `${directory}/copy-${milliseconds}`))) {
        const controller = new AbortController()
        const ended = asked(inTime(call({ signal: controller.signal }), 30_000))
        await delay(milliseconds)
        controller.abort()
        await ended.catch((error: VectorLevelError) => assert.is(error.code, 'VECTOR_ABORTED', `${name}: ${error.stack}`))
      }
    }
    assert.is((await points.search(vectors[7]!, { k: 1 }))[0]!.key, 'k7')
  })
})

test('a search that may be partial gives what it has found by then, and says so', async () => {
  await withPoints(async (_, points, vectors) => {
    const whole = await points.search(vectors[0]!, { timeout: 1e6, partial: true })
    assert.equal([whole.partial, whole.length], [false, 10])
    for (const options of [{ signal: AbortSignal.abort() }, { timeout: 0 }]) {
      const queries = vectors.slice(0, 300)
      for (const hits of await points.searchMany(queries, { ...options, exact: true, k: COUNT, partial: true })) {
        assert.equal([hits.partial, hits.exact, hits.length], [true, false, 0])
      }
    }
    const all = await points.search(vectors[0]!, { exact: true, k: COUNT })
    for (let turn = 0; turn < 20; turn++) {
      const controller = new AbortController()
      const asked = Array.from({ length: 50 }, () => points.search(vectors[0]!, { exact: true, k: COUNT, partial: true, signal: controller.signal }))
      await turns(turn % 4)
      controller.abort()
      for (const hits of await inTime(Promise.all(asked))) {
        assert.is(hits.partial, !hits.exact)
        if (hits.exact) assert.equal(hits, all)
        else assert.ok(hits.length <= COUNT && hits.every((hit, i) => i === 0 || hit.distance >= hits[i - 1]!.distance))
      }
    }
  })
})

test('searches that wait are taken back, and those after them are answered', async () => {
  await withPoints(async (_, points, vectors) => {
    const controller = new AbortController()
    const waiting = vectors.map(vector => rejects(points.search(vector, { exact: true, k: COUNT, signal: controller.signal }), 'VECTOR_ABORTED'))
    const after = points.search(vectors[5]!, { k: 1 })
    controller.abort()
    await inTime(Promise.all(waiting))
    assert.is((await inTime(after))[0]!.key, 'k5')
  })
})

test('what waits for the database to open is taken back as well', async () => {
  await withDirectory(async directory => {
    const db = new VectorLevel(`${directory}/store`, SMALL)
    const points = db.collection('points', PLANE)
    const controller = new AbortController()
    const calls = [points.put('a', [1, 1], undefined, { signal: controller.signal }), points.search([1, 1], { signal: controller.signal }), db.verify({ timeout: 0 })]
    const ended = calls.map(call => rejects(call, 'VECTOR_ABORTED'))
    const other = points.put('b', [1, 1])
    controller.abort()
    await inTime(Promise.all(ended))
    await other
    assert.equal(await keysOf(points), ['b'])
    await db.close()
  })
})

test('a write that waits is not there, one whose group is being committed is', async () => {
  await withPoints(async (_, points, vectors) => {
    const controller = new AbortController()
    // The first group takes in 4096 operations.
    const first = points.batch(vectors.map((vector, i) => ({ type: 'put', key: `k${i}`, vector, metadata: 'again' })), { signal: controller.signal })
    await delay(0)
    const later = vectors.map((vector, i) => rejects(points.put(`k${i}`, vector, 'later', { signal: controller.signal }), 'VECTOR_ABORTED'))
    controller.abort()
    await first
    await inTime(Promise.all(later))
    for (const i of [0, 1, COUNT - 1]) assert.is((await points.get(`k${i}`))!.metadata, 'again')
  })
})

const key = fc.nat({ max: 12 }).map(n => `p${n}`)
const operation: fc.Arbitrary<BatchOperation<number>> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ type: fc.constant('put' as const), key, vector: fc.tuple(fc.nat({ max: 9 }), fc.nat({ max: 9 })), metadata: fc.nat({ max: 99 }) }) },
  fc.record({ type: fc.constant('updateMetadata' as const), key, metadata: fc.nat({ max: 99 }) }),
  fc.record({ type: fc.constant('del' as const), key }))
/** Turns of the event loop before the next batch is asked for, and until this one is aborted; at once when there are none. */
const batch = fc.record({ operations: fc.array(operation, { minLength: 1, maxLength: 8 }), pause: fc.nat({ max: 2 }), abortAfter: fc.option(fc.nat({ max: 6 })) })

async function turns(count: number): Promise<void> {
  for (let i = 0; i < count; i++) await new Promise(resolve => setImmediate(resolve))
}

test('an aborted batch is there as a whole or not at all, and not where it said so', async () => {
  await check(fc.asyncProperty(fc.array(batch, { minLength: 1, maxLength: 40 }), fc.constantFrom('strict' as const, 'relaxed' as const), async (batches, durability) => {
    await withDirectory(async directory => {
      const db = new VectorLevel(`${directory}/store`, { ...SMALL, durability })
      try {
        const points = db.collection<number>('points', PLANE)
        await db.open()
        const written: Promise<boolean>[] = []
        for (const { operations, pause, abortAfter } of batches) {
          const controller = new AbortController()
          written.push(points.batch(operations, { signal: controller.signal }).then(() => true, (error: VectorLevelError) => {
            assert.is(error.code, 'VECTOR_ABORTED', error.stack)
            return false
          }))
          if (abortAfter !== null) void turns(abortAfter).then(() => controller.abort())
          await turns(pause)
        }
        const model = new Map<string, [number[], number | undefined]>()
        for (const [i, done] of (await inTime(Promise.all(written))).entries()) {
          for (const operation of done ? batches[i]!.operations : []) {
            if (operation.type === 'put') model.set(operation.key, [[...operation.vector], operation.metadata])
            else if (operation.type === 'del') model.delete(operation.key)
            else if (model.has(operation.key)) model.set(operation.key, [model.get(operation.key)![0], operation.metadata])
          }
        }
        for (const reopen of [false, true]) {
          if (reopen) await db.close()
          await db.open()
          const found = new Map<string, [number[], number | undefined]>()
          for await (const [key, { vector, metadata }] of points.entries()) found.set(key, [[...vector], metadata])
          assert.equal([...found].sort(), [...model].sort())
          assert.is((await points.search([0, 0], { k: 100 })).length, model.size)
          assert.equal(await db.verify(), [])
        }
      } finally {
        await db.close()
      }
    })
  }), { numRuns: 25, includeErrorInReport: true })
})

test('a search that is ended before it begins has found nothing where it may be partial, and fails elsewhere', async () => {
  await withDirectory(async directory => {
    const db = new VectorLevel(`${directory}/store`, SMALL)
    try {
      const points = db.collection('points', SHAPE)
      const [vector] = normalVectors(1, 1, SHAPE.dimensions)
      const searches: ((options: DeadlineOptions & { partial?: boolean }) => Promise<Hits<unknown>[]>)[] = [
        async options => [await points.search(vector!, options)],
        async options => await points.searchMany([vector!, vector!], options)
      ]
      const ended: DeadlineOptions[] = [{ timeout: 0 }, { signal: AbortSignal.abort() }]
      // Before the database is open, while nothing is stored, and when there is something.
      for (const moment of ['opening', 'empty', 'stored']) {
        if (moment === 'empty') await db.open()
        if (moment === 'stored') {
          await points.put('k', vector!)
          searches.push(async options => [(await points.searchByKey('k', options))!], async options => [points.searchSync(vector!, options)])
        }
        for (const options of ended) {
          await Promise.all(searches.map(async search => {
            for (const hits of await search({ ...options, partial: true })) assert.equal([hits.length, hits.exact, hits.partial], [0, false, true], moment)
          }))
          if (moment === 'opening') continue
          for (const search of searches) await rejects(search(options), 'VECTOR_ABORTED')
        }
      }
    } finally {
      await db.close()
    }
  })
})

test('writes beyond what may wait are refused, with the numbers, and none of those that were accepted is lost', async () => {
  await withDirectory(async directory => {
    const queueSize = 20_000
    const db = new VectorLevel(`${directory}/store`, { ...SMALL, queueSize })
    try {
      const points = db.collection('points', SHAPE)
      await db.open()
      const large = Array.from({ length: 1000 }, (_, i) => ({ type: 'put' as const, key: `large ${i}`, vector: normalVectors(i, 1, SHAPE.dimensions)[0]! }))
      await points.batch(large)
      const ended = await Promise.all(large.slice(0, 500).map(({ vector }, i) => points.put(`k${i}`, vector).then(() => true, async (error: unknown) => {
        await rejects(Promise.reject(error as Error), 'VECTOR_BUSY', queueSize)
        return false
      })))
      const accepted = ended.flatMap((isThere, i) => isThere ? [`k${i}`] : [])
      assert.ok(accepted.length > 1 && accepted.length < 200, `${accepted.length} accepted`)
      assert.equal((await keysOf(points)).filter(key => key.startsWith('k')), [...accepted].sort())
      await points.put('then', large[0]!.vector)
      assert.equal(await db.verify(), [])
    } finally {
      await db.close()
    }
  })
})

test('closing drains or fails what is under way, and hangs on nothing', async () => {
  for (const milliseconds of [-1, 0, 2, 8]) {
    await withPoints(async (db, points, vectors, directory) => {
      const calls: Record<string, Call> = {
        ...callsOf(db, points, vectors, `${directory}/copy`),
        write: () => points.put('k0', vectors[0]!, 'new'),
        clear: () => points.clear({ gte: 'z' }),
        checkpoint: () => db.checkpoint(),
        stats: () => db.stats(),
        keys: () => keysOf(points)
      }
      for (const [name, call] of Object.entries(calls)) {
        const ended = asked(inTime(call({}), 30_000))
        if (milliseconds >= 0) await delay(milliseconds)
        await inTime(db.close(), 30_000)
        const failure = await ended.then(() => undefined, (error: VectorLevelError) => error)
        if (failure) assert.is(failure.code, 'VECTOR_DATABASE_NOT_OPEN', `${name}: ${failure.stack}`)
        if (['search', 'searchByKey', 'write'].includes(name)) assert.is(failure, undefined, `${name}: ${failure?.stack}`)
        await db.open()
      }
    })
  }
})

test('closing drains or fails all of it together', async () => {
  await withPoints(async (db, points, vectors, directory) => {
    const calls = callsOf(db, points, vectors, `${directory}/copy`)
    for (let turn = 0; turn < 5; turn++) {
      const ended = Object.values(calls).map(call => asked(inTime(call({}), 30_000)))
      const written = vectors.slice(0, 100).map((vector, i) => points.put(`k${i}`, vector, turn))
      await turns(turn * 2)
      await inTime(db.close(), 30_000)
      await Promise.all(written)
      for (const result of await Promise.allSettled(ended)) {
        if (result.status === 'rejected' && !`${result.reason}`.includes('is not empty')) assert.is((result.reason as VectorLevelError).code, 'VECTOR_DATABASE_NOT_OPEN', (result.reason as Error).stack)
      }
      await db.open()
      assert.is((await points.get('k99'))!.metadata, turn)
    }
  })
})

test.run()
