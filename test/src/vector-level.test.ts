import { existsSync, mkdirSync, symlinkSync } from 'node:fs'
import { join, relative } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { VectorLevel } from '../../src/index.js'
import { runScript } from './child.js'
import { asked, inTime, keysOf, opened, PLANE, rejects, rejectsUnopened, SMALL, throws, withDirectory, withStore } from './store.js'

const test = suite('VectorLevel')

test('opens itself when something is asked of it', async () => {
  await withStore(async db => {
    assert.is(db.status, 'opening')
    const points = db.collection('points', PLANE)
    await points.put('a', [1, 2])
    assert.is(db.status, 'open')
    assert.equal((await points.get('a'))!.vector, Float32Array.of(1, 2))
  })
})

test('opens itself when nothing is asked of it', async () => {
  await withStore(async db => {
    await new Promise<void>(resolve => db.once('open', resolve))
    assert.is(db.status, 'open')
  })
})

test('does what was asked for before it was open', async () => {
  await withStore(async (db, location) => {
    const points = db.collection('points', PLANE)
    const puts = [points.put('a', [1, 2]), points.put('b', [3, 4]), points.put('c', [5, 6])]
    assert.is(db.status, 'opening')
    await Promise.all(puts)
    await db.close()
    await opened(location, async again => {
      const before = again.collection('points', PLANE)
      const [a, b, has, hits, found, keys] = await Promise.all([
        before.get('a'), before.getMany(['b', 'x']), before.has('c'), before.search([1, 2], { k: 1 }), before.searchByKey('a', { k: 1 }), keysOf(before)
      ])
      assert.equal(a!.vector, Float32Array.of(1, 2))
      assert.equal(b, [{ vector: Float32Array.of(3, 4), metadata: undefined }, undefined])
      assert.is(has, true)
      assert.equal(hits, [{ key: 'a', distance: 0, metadata: undefined }])
      assert.equal(found, [{ key: 'b', distance: 8, metadata: undefined }])
      assert.equal(keys, ['a', 'b', 'c'])
    })
  })
})

test('goes through opening, open, closing and closed, and says so', async () => {
  await withStore(async db => {
    const seen: string[] = []
    for (const name of ['opening', 'open', 'closing', 'closed'] as const) db.on(name, () => seen.push(`${name} ${db.status}`))
    await db.open()
    const closing = db.close()
    await closing
    assert.equal(seen, ['opening opening', 'open open', 'closing closing', 'closed closed'])
    await db.open()
    assert.is(seen.length, 6)
  })
})

test('says what was written, and up to where the index is complete', async () => {
  await withStore(async db => {
    const seen: unknown[] = []
    db.on('write', event => seen.push(event))
    db.on('checkpoint', event => seen.push(event))
    const points = db.collection('points', PLANE)
    await points.put('a', [1, 2])
    await points.batch([{ type: 'put', key: 'b', vector: [1, 2] }, { type: 'del', key: 'a' }])
    await db.checkpoint()
    assert.equal(seen, [{ collection: 'points', operations: 1 }, { collection: 'points', operations: 2 }, { sequence: 3 }])
  })
})

test('says nothing of replay or rebuild after it was closed', async () => {
  await withStore(async (db, location) => {
    await db.collection('points', PLANE).put('a', [1, 2])
    await db.close()
    await opened(location, async again => {
      again.on('replay', () => assert.unreachable())
      again.on('rebuild', () => assert.unreachable())
      await again.open()
      assert.is((await again.stats()).watermark, 1)
    })
  })
})

test('opens twice as if once', async () => {
  await withStore(async db => {
    let times = 0
    db.on('open', () => times++)
    await Promise.all([db.open(), db.open()])
    await db.open()
    assert.is(times, 1)
  })
})

test('closes twice as if once', async () => {
  await withStore(async db => {
    let times = 0
    db.on('closed', () => times++)
    await db.collection('points', PLANE).put('a', [1, 2])
    await Promise.all([db.close(), db.close()])
    await db.close()
    assert.is(times, 1)
    assert.is(db.status, 'closed')
  })
})

test('closes before it was ever opened', async () => {
  await withStore(async db => {
    await db.close()
    await delay(5)
    assert.is(db.status, 'closed')
    await rejects(db.stats(), 'VECTOR_DATABASE_NOT_OPEN', 'closed')
  })
})

test('opens again after it was closed, with the collections that it had', async () => {
  await withStore(async db => {
    const points = db.collection('points', PLANE)
    await points.put('a', [1, 2])
    for (let round = 1; round <= 3; round++) {
      await db.close()
      await db.open()
      await points.put(`a${round}`, [round, 0])
      assert.is((await points.stats()).count, 1 + round)
    }
    assert.is(points, db.collection('points', PLANE))
  })
})

test('opens while it is closing, after that', async () => {
  await withStore(async db => {
    await db.collection('points', PLANE).put('a', [1, 2])
    const closing = db.close()
    await db.open()
    await closing
    assert.is(db.status, 'open')
    assert.ok(await db.collection('points', PLANE).has('a'))
  })
})

test('closes at the end of its block when declared with await using', async () => {
  await withDirectory(async directory => {
    let handle: VectorLevel
    {
      await using db = new VectorLevel(directory, SMALL)
      handle = db
      await db.collection('points', PLANE).put('a', [1, 2])
      assert.is(handle.status, 'open')
    }
    assert.is(handle.status, 'closed')
    await opened(directory, async db => assert.ok(await db.collection('points', PLANE).has('a')))
  })
})

const OPERATIONS: [string, (db: VectorLevel) => Promise<unknown>][] = [
  ['put', db => db.collection('points', PLANE).put('b', [1, 2])],
  ['del', db => db.collection('points', PLANE).del('a')],
  ['batch', db => db.collection('points', PLANE).batch([])],
  ['get', db => db.collection('points', PLANE).get('a')],
  ['getMany', db => db.collection('points', PLANE).getMany(['a'])],
  ['has', db => db.collection('points', PLANE).has('a')],
  ['clear', db => db.collection('points', PLANE).clear()],
  ['keys', db => db.collection('points', PLANE).keys().next()],
  ['values', db => db.collection('points', PLANE).values().next()],
  ['entries', db => db.collection('points', PLANE).entries().next()],
  ['search', db => db.collection('points', PLANE).search([1, 2])],
  ['searchMany', db => db.collection('points', PLANE).searchMany([[1, 2]])],
  ['searchByKey', db => db.collection('points', PLANE).searchByKey('a')],
  ['searchSync', async db => db.collection('points', PLANE).searchSync([1, 2])],
  ['measureRecall', db => db.collection('points', PLANE).measureRecall()],
  ['stats of a collection', db => db.collection('points', PLANE).stats()],
  ['stats', db => db.stats()],
  ['checkpoint', db => db.checkpoint()],
  ['collections', db => db.collections()],
  ['verify', db => db.verify()]
]

for (const [name, operation] of OPERATIONS) {
  test(`refuses ${name} when it is closed, and while it is closing`, async () => {
    await withStore(async (db, location) => {
      await db.collection('points', PLANE).put('a', [1, 2])
      const closing = asked(new Promise<Error>((resolve, reject) => db.once('closing', () => {
        rejects(operation(db), 'VECTOR_DATABASE_NOT_OPEN', location, 'closing').then(resolve, reject)
      })))
      await db.close()
      await closing
      await rejects(operation(db), 'VECTOR_DATABASE_NOT_OPEN', location, 'closed')
      await opened(location, async again => assert.equal(await keysOf(again.collection('points', PLANE)), ['a']))
    })
  })

  test(`does ${name} in whole or refuses it when closing follows at once`, async () => {
    await withStore(async (db, location) => {
      await db.collection('points', PLANE).put('a', [1, 2])
      const settled = operation(db).then(() => 'done', error => (error as { code: string }).code)
      await db.close()
      const outcome = await inTime(settled)
      assert.ok(outcome === 'done' || outcome === 'VECTOR_DATABASE_NOT_OPEN', outcome)
      await opened(location, async again => {
        const expected = { put: ['a', 'b'], del: [], clear: [] }[name] ?? ['a']
        assert.equal(await keysOf(again.collection('points', PLANE)), outcome === 'done' ? expected : ['a'])
      })
    })
  })
}

test('refuses searchSync while it is opening', async () => {
  await withStore(async db => {
    throws(() => db.collection('points', PLANE).searchSync([1, 2]), 'VECTOR_DATABASE_NOT_OPEN', 'opening')
    await db.open()
    assert.equal(db.collection('points', PLANE).searchSync([1, 2]), [])
  })
})

test('finishes writes that were asked for before it was closed', async () => {
  await withStore(async (db, location) => {
    const points = db.collection('points', PLANE)
    await points.put('first', [0, 0])
    const puts = asked(Promise.all(Array.from({ length: 100 }, (_, i) => points.put(`k${i}`, [i, i]))))
    await db.close()
    await inTime(puts)
    await opened(location, async again => assert.is((await again.collection('points', PLANE).stats()).count, 101))
  })
})

test('refuses a second handle of this process, whatever the spelling of the path', async () => {
  await withStore(async (db, location) => {
    await db.collection('points', PLANE).put('a', [1, 2])
    const link = `${location}-link`
    symlinkSync(location, link)
    for (const spelling of [location, `${location}/.`, `${location}/../store`, link, relative('.', location)]) {
      const second = new VectorLevel(spelling, SMALL)
      await rejects(second.open(), 'VECTOR_LOCKED', spelling)
      await second.close()
    }
    const deferred = new VectorLevel(location, SMALL)
    await rejectsUnopened(deferred.collection('points', PLANE).put('b', [1, 2]), 'VECTOR_LOCKED')
    assert.equal(await keysOf(db.collection('points', PLANE)), ['a'])
  })
})

test('lets the next handle have the directory once it is closed', async () => {
  await withStore(async (db, location) => {
    await db.collection('points', PLANE).put('a', [1, 2])
    await db.close()
    await opened(`${location}/.`, async second => {
      await second.collection('points', PLANE).put('b', [1, 2])
      await rejects(db.open(), 'VECTOR_LOCKED', location)
      assert.equal(await keysOf(second.collection('points', PLANE)), ['a', 'b'])
    })
  })
})

test('refuses a second process', async () => {
  await withStore(async (db, location) => {
    await db.collection('points', PLANE).put('a', [1, 2])
    const { output } = await runScript('inspect-child.js', [location, 'points', '2', '[]'])
    const { code, message } = JSON.parse(output) as { code: string, message: string }
    assert.is(code, 'VECTOR_LOCKED', message)
    await db.collection('points', PLANE).put('b', [1, 2])
    assert.equal(await keysOf(db.collection('points', PLANE)), ['a', 'b'])
  })
})

test('needs the path of a directory', () => {
  for (const location of ['', undefined, null, 7, {}]) throws(() => new VectorLevel(location as string), TypeError, 'location')
})

test('creates the directory, and those above it', async () => {
  await withDirectory(async directory => {
    await opened(join(directory, 'a', 'b'), async db => db.collection('points', PLANE).put('a', [1, 2]))
    mkdirSync(join(directory, 'empty'))
    await opened(join(directory, 'empty'), async db => db.collection('points', PLANE).put('a', [1, 2]))
    for (const path of ['a/b/STORE', 'empty/STORE']) assert.ok(existsSync(join(directory, path)), path)
  })
})

test('keeps collections apart', async () => {
  await withStore(async (db, location) => {
    const plane = db.collection('plane', PLANE)
    const line = db.collection('line', { dimensions: 1, metric: 'dot', codec: 'f32' })
    await Promise.all([plane.put('a', [1, 2], 'of the plane'), line.put('a', [3], 'of the line'), line.put('b', [4])])
    await plane.put('c', [5, 6])
    const expected = async (first: typeof plane, second: typeof line): Promise<void> => {
      assert.equal(await keysOf(first), ['a', 'c'])
      assert.equal(await keysOf(second), ['a', 'b'])
      assert.equal(await first.get('a'), { vector: Float32Array.of(1, 2), metadata: 'of the plane' })
      assert.equal(await second.search([1], { k: 1 }), [{ key: 'b', distance: -4, metadata: undefined }])
    }
    await expected(plane, line)
    await line.del('a')
    assert.ok(await plane.has('a'))
    await line.put('a', [3], 'of the line')
    await db.close()
    await opened(location, async again => {
      await expected(again.collection('plane', PLANE), again.collection('line', { dimensions: 1 }))
      assert.equal((await again.collections()).sort(), ['line', 'plane'])
    })
  })
})

test('stores no collection that holds nothing', async () => {
  await withStore(async (db, location) => {
    const empty = db.collection('empty', PLANE)
    await empty.batch([])
    await empty.clear()
    assert.is(await empty.get('a'), undefined)
    assert.is(await empty.searchByKey('a'), undefined)
    assert.equal(await empty.search([1, 2]), [])
    assert.is((await empty.stats()).count, 0)
    assert.equal(await keysOf(empty), [])
    assert.equal(await db.collections(), [])
    await db.close()
    await opened(location, async again => again.collection('empty', { dimensions: 7 }).put('a', [1, 2, 3, 4, 5, 6, 7]))
  })
})

test('names collections by strings of 1 to 256 bytes', async () => {
  await withStore(async db => {
    for (const name of ['', 'x'.repeat(257), 'é'.repeat(129), 7, undefined]) throws(() => db.collection(name as string, PLANE), TypeError, '256')
    for (const name of ['x'.repeat(256), '\u{1f600}', ' ', '../x']) await db.collection(name, PLANE).put('a', [1, 2])
    assert.is((await db.collections()).length, 4)
  })
})

test.run()
