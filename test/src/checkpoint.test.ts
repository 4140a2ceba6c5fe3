import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { VectorLevel } from '../../src/index.js'
import { BlockStore, TransactionAborted } from '../../storage/block-store.js'
import { asked, copyOfOpenStore, dataOf, inTime, keysOf, linked, opened, PLANE, rejects, withStore } from './store.js'
import { normalVectors } from './vectors.js'

const test = suite('checkpoint')

function sequences(db: VectorLevel): number[] {
  const seen: number[] = []
  db.on('checkpoint', ({ sequence }) => seen.push(sequence))
  return seen
}

test('is written when asked for, up to the last operation', async () => {
  await withStore(async db => {
    const seen = sequences(db)
    const points = db.collection('points', PLANE)
    for (let i = 0; i < 7; i++) await points.put(`k${i}`, [i, 0])
    assert.is((await db.stats()).watermark, 0)
    await db.checkpoint()
    await points.put('k1', [9, 9])
    const { sequence, watermark } = await db.stats()
    assert.equal({ sequence, watermark, seen }, { sequence: 8, watermark: 7, seen: [7] })
  })
})

test('that is asked for has all batches linked, though others come before since the cache is filling', async () => {
  await withStore(async db => {
    const seen = sequences(db)
    const points = db.collection('points', { dimensions: 32, metric: 'l2', codec: 'f32', M: 32, efConstruction: 30 })
    const vectors = normalVectors(1, 24_000, 32)
    for (let from = 0; from < vectors.length; from += 1000) {
      await points.batch(vectors.slice(from, from + 1000).map((vector, i) => ({ type: 'put', key: `k${from + i}`, vector })))
      await db.checkpoint()
      assert.is((await points.stats()).pending, 0)
    }
    assert.ok(seen.length > 20, `${seen.length} checkpoints`)
  }, { durability: 'relaxed' })
})

/** LMDB gives up the next `count` transactions of this thread. */
function abortTransactions(count: number): { left: number, restore(): void } {
  const { write } = BlockStore.prototype
  const aborting = { left: count, restore: () => void (BlockStore.prototype.write = write) }
  BlockStore.prototype.write = function (...given) {
    if (aborting.left-- > 0) throw new TransactionAborted('a checkpoint failed: MDB_BAD_TXN')
    write.apply(this, given)
  }
  return aborting
}

test('that LMDB gave up is written again, and nobody hears of it', async () => {
  await withStore(async db => {
    const points = db.collection('points', PLANE)
    const failures: unknown[] = []
    db.on('checkpointFailed', failure => failures.push(failure))
    for (let i = 0; i < 70; i++) await points.put(`k${i}`, [i, 0])
    const aborting = abortTransactions(3)
    try {
      await db.checkpoint()
      assert.ok(aborting.left < 0)
      assert.is((await db.stats()).watermark, 70)
      aborting.left = 2
      await points.put('last', [1, 1])
      await db.compact()
      assert.equal(failures, [])
    } finally {
      aborting.restore()
    }
  })
})

test('that LMDB gives up again and again is damage, from which the next opening recovers', async () => {
  await withStore(async (db, location) => {
    const points = db.collection('points', PLANE)
    for (let i = 0; i < 70; i++) await points.put(`k${i}`, [i, 0])
    const aborting = abortTransactions(100)
    try {
      await rejects(db.checkpoint(), 'VECTOR_CORRUPTION', 'MDB_BAD_TXN', 'times in a row')
      await rejects(points.put('more', [1, 1]), 'VECTOR_CORRUPTION', 'times in a row')
    } finally {
      aborting.restore()
    }
    await db.close()
    await opened(location, async again => assert.is((await keysOf(again.collection('points', PLANE))).length, 70))
  })
})

test('is written by itself after so many operations', async () => {
  await withStore(async db => {
    const seen = sequences(db)
    const points = db.collection('points', PLANE)
    for (let i = 0; i < 35; i++) await points.put(`k${i}`, [i, 0])
    // The last may still be on its way to the disk.
    for (let tries = 0; tries < 500 && seen.length < 3; tries++) await delay(10)
    assert.equal(seen, [10, 20, 30])
  }, { checkpoint: { operations: 10 } })
})

test('is written by itself after so many seconds, when there is something to write', async () => {
  await withStore(async db => {
    const seen = sequences(db)
    await db.collection('points', PLANE).put('a', [1, 2])
    await delay(120)
    assert.equal(seen, [1])
    await delay(120)
    assert.equal(seen, [1])
  }, { checkpoint: { seconds: 0.05 } })
})

test('comes while linking and writing go on, and loses nothing of either', async () => {
  await withStore(async (db, location) => {
    const points = db.collection('points', { dimensions: 8, metric: 'l2', codec: 'f32', M: 4, efConstruction: 20 })
    const vectors = normalVectors(1, 1500, 8)
    const writing = asked(Promise.all(vectors.map((vector, i) => points.put(`k${i}`, vector))))
    for (let i = 0; i < 10; i++) await db.checkpoint()
    await writing
    const copy = `${location}-copy`
    copyOfOpenStore(location, copy)
    await opened(copy, async again => {
      const stored = again.collection('points', { dimensions: 8 })
      await linked(again)
      for (let i = 0; i < 1500; i += 50) assert.is(stored.searchSync(vectors[i]!, { k: 1, ef: 200 })[0]!.key, `k${i}`)
      assert.is((await stored.stats()).count, 1500)
    })
  }, { durability: 'relaxed' })
})

test('resolves for everyone who asks, also before anything was written', async () => {
  await withStore(async db => {
    const seen = sequences(db)
    await Promise.all([db.checkpoint(), db.checkpoint()])
    await db.collection('points', PLANE).put('a', [1, 2])
    await inTime(Promise.all([db.checkpoint(), db.checkpoint(), db.close()]))
    assert.equal([...new Set(seen)], [0, 1])
  })
})

function filesOf(location: string): { files: number, bytes: number } {
  const entries = readdirSync(location, { recursive: true, withFileTypes: true }).filter(entry => entry.isFile())
  return { files: entries.length, bytes: entries.reduce((sum, { parentPath, path, name }) => sum + statSync(join(parentPath ?? path, name)).size, 0) }
}

test('and closing leave few files, however often the store was opened for a few writes', async () => {
  await withStore(async (db, location) => {
    await db.close()
    for (let round = 0; round < 30; round++) {
      await opened(location, async again => {
        for (let i = 0; i < 3; i++) await again.collection('points', PLANE).put(`k${round * 3 + i}`, [round, i])
      })
    }
    const { files, bytes } = filesOf(location)
    assert.ok(files < 24, `${files} files`)
    assert.ok(bytes < 300_000, `${bytes} bytes of 90 records`)
  })
})

test('keeps the index from growing when the same records are replaced again and again', async () => {
  await withStore(async (db, location) => {
    const points = db.collection('points', { dimensions: 8, metric: 'l2', codec: 'f32', M: 4, efConstruction: 10 })
    for (let round = 0; round < 25; round++) {
      await points.batch(normalVectors(round, 100, 8).map((vector, i) => ({ type: 'put', key: `k${i}`, vector })))
      await db.checkpoint()
    }
    assert.is((await keysOf(points)).length, 100)
    const { index } = (await db.stats()).bytes
    // What 2,500 nodes take, dead ones too, and as much again for pages that are written anew.
    assert.ok(index < 2 * 2500 * (32 + 25) + 200_000, `${index} bytes of index`)
    await db.close()
    assert.ok(filesOf(join(dataOf(location), 'truth')).bytes < 1e6, `${filesOf(join(dataOf(location), 'truth')).bytes} bytes of records`)
  })
})

test('keeps the records from growing when the same records are replaced again and again', async () => {
  await withStore(async (db, location) => {
    const points = db.collection('points', PLANE)
    const metadata = Buffer.alloc(200_000, 'text')
    for (let round = 0; round < 60; round++) {
      await points.batch(Array.from({ length: 10 }, (_, i) => ({ type: 'put', key: `k${i}`, vector: [round, i], metadata })))
      if (round % 4 === 3) await db.checkpoint()
    }
    await db.close()
    const { bytes } = filesOf(location)
    assert.ok(bytes < 80e6, `${bytes} bytes for 2 MB, after 120 MB`)
  }, { durability: 'relaxed' })
})

test.run()
