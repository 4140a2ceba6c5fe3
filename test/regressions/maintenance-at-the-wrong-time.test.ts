import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { VectorLevel } from '../../src/index.js'
import { runScript } from '../src/child.js'
import { asked, dataOf, inTime, keysOf, linked, opened, PLANE, rejects, rewrite, SMALL, sound, withStore } from '../src/store.js'
import { normalVectors } from '../src/vectors.js'

const test = suite('maintenance at the wrong time')

test('a store that another process has open is refused, also by repair(), whatever its files look like', async () => {
  await withStore(async (db, location) => {
    await db.collection('points', PLANE).put('a', [1, 2])
    // What a process is writing looks damaged to others.
    writeFileSync(join(dataOf(location), 'truth', 'CURRENT.tmp'), '')
    const { output } = await runScript('../regressions/repair-child.js', [location])
    assert.match(output, 'VECTOR_LOCKED')
    await db.collection('points', PLANE).put('b', [1, 2])
    await db.close()
    await opened(location, async again => assert.equal(await keysOf(again.collection('points', PLANE)), ['a', 'b']))
  })
})

test('compact and backup are refused when a table was damaged since it was opened, and the data stay', async () => {
  await withStore(async (db, location) => {
    await db.collection('points', PLANE).batch(normalVectors(1, 3000, 2).map((vector, i) => ({ type: 'put', key: `k${i}`, vector })))
    await db.close()
    const again = new VectorLevel(location, SMALL)
    await again.open()
    const truth = join(dataOf(location), 'truth')
    const table = join(truth, readdirSync(truth).find(name => name.endsWith('.ldb'))!)
    const before = readFileSync(table)
    rewrite(table, bytes => bytes.fill(0xff, Math.floor(bytes.length / 2), Math.floor(bytes.length / 2) + 8))
    await rejects(again.compact(), 'VECTOR_CORRUPTION', 'checksum')
    await rejects(again.backup(`${location}-copy`), 'VECTOR_CORRUPTION', 'checksum')
    assert.equal((await again.verify()).map(({ where }) => where), ['table'])
    await again.close()
    writeFileSync(table, before)
    await opened(location, async whole => assert.is((await keysOf(whole.collection('points', PLANE))).length, 3000))
  })
})

test('close waits until the data before a compaction are gone, also when somebody reads them still', async () => {
  await withStore(async (db, location) => {
    const points = db.collection('points', PLANE)
    await points.batch(normalVectors(1, 500, 2).map((vector, i) => ({ type: 'put', key: `k${i}`, vector })))
    const iteration = points.keys()
    await iteration.next()
    await db.compact()
    await inTime(db.close())
    assert.equal(readdirSync(location).sort(), ['STORE', 'data-2'])
  })
})

test('a verification that is closed meanwhile finds nothing, and a repair gives nothing up', async () => {
  await withStore(async db => {
    const points = db.collection('points', { ...PLANE, codec: 'f32' })
    await points.batch(normalVectors(1, 3000, 2).map((vector, i) => ({ type: 'put', key: `k${i}`, vector })))
    await linked(db)
    for (const work of ['verify', 'repair'] as const) {
      await db.open()
      let closing: Promise<void> | undefined
      const working = asked<unknown>(db[work]({ onProgress: () => { closing ??= db.close() } }))
      await rejects(working, 'VECTOR_DATABASE_NOT_OPEN')
      await closing
      assert.is(db.status, 'closed')
    }
    await db.open()
    await sound(db)
  })
})

test('a backup into the store, or onto a file, is refused', async () => {
  await withStore(async (db, location) => {
    await db.collection('points', PLANE).put('a', [1, 2])
    for (const directory of [location, join(location, 'data-7'), join(location, 'a', 'b')]) await rejects(db.backup(directory), 'VECTOR_IO_ERROR')
    writeFileSync(`${location}-file`, '')
    await rejects(db.backup(`${location}-file`), 'VECTOR_IO_ERROR', 'cannot make')
    assert.equal(readdirSync(location).sort(), ['STORE', 'data-1'])
    assert.is(statSync(`${location}-file`).size, 0)
  })
})

test('a STORE file that names data which are not there is repaired, by two calls at once as by one', async () => {
  await withStore(async (db, location) => {
    await db.collection('points', PLANE).put('a', [1, 2])
    await db.close()
    rewrite(join(location, 'STORE'), bytes => bytes.toString().replace('"data":1', '"data":3'))
    const again = new VectorLevel(location, SMALL)
    await rejects(again.open(), 'VECTOR_CORRUPTION', 'data-3')
    const [one, other] = await Promise.all([again.repair(), again.repair()])
    assert.is(one, other)
    assert.equal(one.lost, [])
    assert.equal(await keysOf(again.collection('points', PLANE)), ['a'])
    await again.close()
  })
})

test('a compaction that waits can be aborted', async () => {
  await withStore(async db => {
    const points = db.collection('points', { ...PLANE, codec: 'f32' })
    await points.batch(normalVectors(1, 3000, 2).map((vector, i) => ({ type: 'put', key: `k${i}`, vector })))
    await linked(db)
    const controller = new AbortController()
    let compacting: Promise<void> | undefined
    const findings = await db.verify({
      onProgress: () => {
        compacting ??= asked(db.compact({ signal: controller.signal }))
        controller.abort()
      }
    })
    assert.equal(findings, [])
    await rejects(inTime(compacting!), 'VECTOR_ABORTED')
    await points.put('after', [1, 1])
  })
})

test('a large batch that fills the cache with changes leaves a sound store', async () => {
  await withStore(async (db, location) => {
    const points = db.collection('points', { dimensions: 256, metric: 'l2', codec: 'sq8', M: 8, efConstruction: 20 })
    const vectors = normalVectors(1, 12_000, 256)
    for (let from = 0; from < vectors.length; from += 3000) {
      await points.batch(vectors.slice(from, from + 3000).map((vector, i) => ({ type: 'put', key: `k${from + i}`, vector })))
    }
    await linked(db)
    await db.checkpoint()
    await sound(db)
    await db.close()
    await opened(location, async again => {
      await sound(again)
      for (let i = 0; i < vectors.length; i += 997) {
        assert.is((await again.collection('points', { dimensions: 256 }).search(vectors[i]!, { k: 1, exact: true }))[0]!.key, `k${i}`)
      }
    })
  })
})

test.run()
