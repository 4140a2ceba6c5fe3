import { cpSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { type BatchOperation, type CodecName, VectorLevel } from '../../src/index.js'
import { copyOfOpenStore, dataOf, inTime, keysOf, linked, opened, rejects, SMALL, sound, withStore } from './store.js'
import { normalVectors } from './vectors.js'

const SPACE = { dimensions: 6, metric: 'l2' } as const
const VECTORS = normalVectors(3, 3000, 6)

function puts(from: number, to: number): BatchOperation<number>[] {
  return VECTORS.slice(from, to).map((vector, i) => ({ type: 'put', key: `k${String(from + i).padStart(4, '0')}`, vector, metadata: from + i }))
}

const test = suite('compact')

test('after compact the store is no larger, sound, and answers the same, also when opened again', async () => {
  await withStore(async (db, location) => {
    await db.collection('points', SPACE).batch(puts(0, 2500))
    await db.close()
    await opened(location, async again => {
      const points = again.collection('points', SPACE)
      for (let round = 0; round < 5; round++) await points.batch(puts(0, 2500))
      await again.checkpoint()
      const before = await again.stats()
      const answer = await points.search(VECTORS[9]!)
      await again.compact()
      const after = await again.stats()
      assert.ok(after.bytes.records < before.bytes.records * 1.05, `${before.bytes.records} to ${after.bytes.records}`)
      assert.ok(after.bytes.free <= before.bytes.free)
      assert.equal(await points.search(VECTORS[9]!), answer)
      await points.put('after', VECTORS[1]!)
    })
    await opened(location, async again => {
      assert.is((await keysOf(again.collection('points', SPACE))).length, 2501)
    })
  })
})

for (const [codec, count] of [['f32', 500], ['sq8', 2500], ['sq8', 800]] as [CodecName, number][]) {
  test(`records, answers and the log's end are the same after compact, ${codec}, ${count} records`, async () => {
    await withStore(async (db, location) => {
      const points = db.collection<number>('points', { ...SPACE, codec })
      const others = db.collection<number>('others', { ...SPACE, codec, metric: 'cosine' })
      await points.batch(puts(0, count))
      await others.batch(puts(0, 40))
      await points.batch(puts(0, 100))
      await points.batch(puts(100, 200).map(({ key }) => ({ type: 'del', key })))
      await linked(db)
      const ask = async (): Promise<unknown> => {
        const answers = []
        for (let i = 0; i < 20; i++) answers.push(await points.search(VECTORS[2500 + i]!, { ef: 100 }), await others.search(VECTORS[i]!))
        return answers
      }
      const [keys, answers, { sequence }] = [await keysOf(points), await ask(), await db.stats()]
      for (let round = 0; round < 2; round++) {
        await db.compact()
        assert.equal(await keysOf(points), keys)
        assert.equal(await ask(), answers)
        assert.is((await db.stats()).sequence, sequence)
        await sound(db)
      }
      await inTime(points.put('after', VECTORS[1]!, 1))
      await inTime(points.del('k0000'))
      // The old ones go when nobody reads them any more.
      while (readdirSync(location).filter(name => name.startsWith('data-')).length > 1) await nextTurn()
      assert.ok(dataOf(location).endsWith('data-3'))
      const killed = `${location}-killed`
      copyOfOpenStore(location, killed)
      await opened(killed, async again => {
        const rebuilt: string[] = []
        again.on('rebuild', ({ reason }) => rebuilt.push(reason))
        assert.equal(await keysOf(again.collection('points', SPACE)), ['after', ...keys.filter(key => key !== 'k0000')])
        assert.equal(rebuilt, [])
      })
    })
  })
}

test('ordinals of what was replaced or deleted are given back where they are many, and all when nothing is left', async () => {
  await withStore(async db => {
    const points = db.collection<number>('points', SPACE)
    for (let round = 0; round < 4; round++) await points.batch(puts(0, 2500))
    const answer = await points.search(VECTORS[7]!, { exact: true })
    await db.compact()
    assert.is((await points.stats()).tombstones, 0)
    assert.equal(await points.search(VECTORS[7]!, { exact: true }), answer)
    await sound(db)
    assert.equal(await points.search(VECTORS[7]!, { ef: 200 }), answer)
    await points.clear()
    await db.compact()
    assert.is((await points.stats()).tombstones, 0)
    await sound(db)
    await points.put('again', VECTORS[1]!, 1)
    assert.is((await points.search(VECTORS[1]!))[0]!.key, 'again')
  })
})

test('searches and reads go on during compact, writes wait, and what is read over it is what it was', async () => {
  await withStore(async db => {
    const points = db.collection<number>('points', SPACE)
    await points.batch(puts(0, 2500))
    await linked(db)
    const iteration = points.entries()
    const seen = [(await iteration.next()).value![0]]
    let done = false
    const compacting = db.compact().then(() => { done = true })
    const writing = points.put('k0000', VECTORS[9]!, 9)
    let searches = 0
    while (!done) {
      assert.is((await points.search(VECTORS[searches % 2400 + 10]!, { k: 1 }))[0]!.key, `k${String(searches % 2400 + 10).padStart(4, '0')}`)
      assert.is((await points.get('k0007'))!.metadata, 7)
      searches++
      await nextTurn()
    }
    assert.ok(searches > 10, `${searches} searches`)
    await Promise.all([compacting, writing])
    assert.is((await points.get('k0000'))!.metadata, 9)
    for await (const [key, { vector }] of iteration) {
      seen.push(key)
      assert.equal(vector, VECTORS[seen.length - 1])
    }
    assert.is(seen.length, 2500)
  })
})

test('verify, backup and compact at once do not come between each other', async () => {
  await withStore(async (db, location) => {
    const points = db.collection<number>('points', SPACE)
    await points.batch(puts(0, 2500))
    const [first, , , second] = await Promise.all([db.verify(), db.compact(), db.backup(`${location}-copy`), db.verify(), db.compact(), points.put('more', VECTORS[2]!, 2)])
    assert.equal([first, second], [[], []])
    await opened(`${location}-copy`, async copy => assert.ok((await keysOf(copy.collection('points', SPACE))).length >= 2500))
  })
})

test('an aborted compact says so, and leaves the store as it was', async () => {
  await withStore(async (db, location) => {
    const points = db.collection<number>('points', SPACE)
    await points.batch(puts(0, 2500))
    for (const calls of [0, 1, 5, 13]) {
      const controller = new AbortController()
      let left = calls
      if (!calls) controller.abort()
      await rejects(db.compact({ signal: controller.signal, onProgress: () => { if (--left === 0) controller.abort() } }), 'VECTOR_ABORTED')
      assert.equal(readdirSync(location).filter(name => name.startsWith('data-')), ['data-1'])
      await points.put(`after ${calls}`, VECTORS[calls]!, calls)
    }
    await sound(db)
  })
})

test('progress comes in order, up to the total', async () => {
  await withStore(async db => {
    await db.collection<number>('points', SPACE).batch(puts(0, 2500))
    for (const work of ['compact', 'verify'] as const) {
      let last = 0
      let calls = 0
      await db[work]({
        onProgress: ({ done, total }) => {
          assert.ok(done >= last && done <= total, `${work}: ${done} of ${total} after ${last}`)
          last = done
          calls++
        }
      })
      assert.ok(calls > 3, `${calls} calls`)
    }
  })
})

test('the store is the old one until STORE names the new data, and the new one from then on', async () => {
  await withStore(async (db, location) => {
    const points = db.collection<number>('points', SPACE)
    await points.batch(puts(0, 300))
    await linked(db)
    await db.checkpoint()
    const before = `${location}-before`
    copyOfOpenStore(location, before)
    const keys = await keysOf(points)
    await db.compact()
    const after = `${location}-after`
    copyOfOpenStore(location, after)
    for (const named of [1, 2]) {
      // Both data stand there, as they do when the process ends between writing STORE and removing the old.
      const copy = `${location}-${named}`
      copyOfOpenStore(before, copy)
      cpSync(join(after, 'data-2'), join(copy, 'data-2'), { recursive: true })
      const identity = JSON.parse(readFileSync(join(copy, 'STORE'), 'utf8')) as object
      writeFileSync(join(copy, 'STORE'), JSON.stringify({ ...identity, data: named }))
      const again = new VectorLevel(copy, SMALL)
      const rebuilt: string[] = []
      again.on('rebuild', ({ reason }) => rebuilt.push(reason))
      assert.equal(await keysOf(again.collection('points', SPACE)), keys)
      await sound(again)
      await again.close()
      assert.equal(rebuilt, [])
      assert.equal(readdirSync(copy).filter(name => name.startsWith('data-')), [`data-${named}`])
      assert.ok(dataOf(copy).endsWith(`data-${named}`))
    }
  })
})

test.run()
