import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { keysOf, opened, rejects, sound, withStore } from './store.js'
import { normalVectors } from './vectors.js'

const SPACE = { dimensions: 6, metric: 'l2' } as const
const VECTORS = normalVectors(3, 3000, 6)

function puts(from: number, to: number): { type: 'put', key: string, vector: Float32Array }[] {
  return VECTORS.slice(from, to).map((vector, i) => ({ type: 'put', key: `k${String(from + i).padStart(4, '0')}`, vector }))
}

const test = suite('backup')

for (const when of ['before any checkpoint', 'with operations behind the checkpoint', 'of an empty store'] as const) {
  test(`a backup ${when} opens, is sound, and answers like the store`, async () => {
    await withStore(async (db, location) => {
      const points = db.collection('points', SPACE)
      if (when !== 'of an empty store') await points.batch(puts(0, 2500))
      if (when === 'with operations behind the checkpoint') await db.checkpoint()
      if (when !== 'of an empty store') await points.batch([...puts(2500, 2600), { type: 'del', key: 'k0007' }, ...puts(0, 5)])
      const copy = `${location}-copy`
      await db.backup(copy)
      await points.put('later', VECTORS[0]!)
      const keys = (await keysOf(points)).filter(key => key !== 'later')
      const nearest = (await points.search(VECTORS[50]!, { exact: true })).filter(hit => hit.key !== 'later')
      await opened(copy, async again => {
        let rebuilt = false
        again.on('rebuild', () => { rebuilt = true })
        const copied = again.collection('points', SPACE)
        assert.equal(await keysOf(copied), keys)
        assert.equal((await copied.search(VECTORS[50]!, { exact: true })).slice(0, nearest.length), nearest)
        assert.not.ok(rebuilt && when === 'with operations behind the checkpoint')
      })
    }, { checkpoint: { operations: 1_000_000 } })
  })
}

test('a backup while records are written has a prefix of the writes, each batch whole', async () => {
  await withStore(async (db, location) => {
    const points = db.collection('points', SPACE)
    await points.batch(puts(0, 500))
    let acknowledged = 500
    let done = false
    const writing = (async () => {
      for (let at = 500; at < 3000 && !done; at += 50) {
        await points.batch(puts(at, at + 50))
        acknowledged = at + 50
      }
    })()
    const least = acknowledged
    await db.backup(`${location}-copy`)
    done = true
    await writing
    await opened(`${location}-copy`, async again => {
      const { length } = await keysOf(again.collection('points', SPACE))
      assert.ok(length >= least && length <= acknowledged && length % 50 === 0, `${length} of ${least} to ${acknowledged}`)
    })
  }, { checkpoint: { operations: 100 } })
})

test('a backup into a directory that is not empty is refused, and leaves it alone', async () => {
  await withStore(async (db, location) => {
    await db.collection('points', SPACE).put('a', VECTORS[0]!)
    mkdirSync(`${location}-copy`)
    writeFileSync(join(`${location}-copy`, 'mine'), 'mine')
    await rejects(db.backup(`${location}-copy`), 'VECTOR_IO_ERROR', 'not empty', 1)
    await sound(db)
  })
})

test('an aborted backup says so, is no store, and the store goes on', async () => {
  await withStore(async (db, location) => {
    const points = db.collection('points', SPACE)
    await points.batch(puts(0, 2500))
    await rejects(db.backup(`${location}-copy`, { signal: AbortSignal.abort() }), 'VECTOR_ABORTED')
    await points.put('after', VECTORS[1]!)
    await db.checkpoint()
    await opened(`${location}-other`, async other => assert.equal(await other.collections(), []))
  })
})

test.run()
