import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { BatchOperation, Collection, VectorLevel } from '../../src/index.js'
import { KIND_CODES, KIND_RECODES, placeOf } from '../../storage/block-format.js'
import { blocksOf } from './index-content.js'
import { copyOfOpenStore, linked, opened, withDirectory, withStore } from './store.js'
import { normalVectors } from './vectors.js'

const test = suite('recoding')
const SPACE = { dimensions: 12, metric: 'l2', codec: 'sq8', M: 8, efConstruction: 40 } as const
const USUAL = normalVectors(1, 4000, 12)
const OTHER = normalVectors(2, 1000, 12).map(vector => vector.map(value => 2 * value + 30))

function puts(prefix: string, vectors: Float32Array[]): BatchOperation<unknown>[] {
  return vectors.map((vector, i) => ({ type: 'put', key: `${prefix}${i}`, vector }))
}

/** Writes until codes are being made again. */
async function drifting(db: VectorLevel): Promise<Collection> {
  const points = db.collection('points', SPACE)
  await points.batch(puts('usual', USUAL))
  await linked(db)
  assert.ok((await points.stats()).drift < 0.2)
  for (let i = 0; (await points.stats()).recoding === undefined; i += 20) await points.batch(puts(`other${i}-`, OTHER.slice(i, i + 20)))
  return points
}

function keyOf(other: number): string {
  return `other${other - (other % 20)}-${other % 20}`
}

async function checkNearest(points: Collection): Promise<void> {
  for (let i = 0; await points.has(keyOf(i)); i += 7) {
    // What was linked while its codes did not fit is hard to find for a narrow beam.
    const [hit] = await points.search(OTHER[i]!, { k: 1, ef: 128 })
    assert.equal(hit!.key, keyOf(i))
  }
}

test('stats tell of it, verify finds nothing, and searches find what there is, while codes are made again and after', async () => {
  await withStore(async db => {
    const points = await drifting(db)
    await checkNearest(points)
    assert.equal(await db.verify(), [])
    let last = 0
    for (let i = 0; i < 400; i++) {
      const { recoding } = await points.stats()
      if (recoding === undefined) break
      assert.ok(recoding >= last && recoding <= 1, `${last}, then ${recoding}`)
      last = recoding
      await points.put(`more${i}`, OTHER[500 + i]!)
      if (i % 40 === 0) await db.checkpoint()
    }
    assert.ok(last > 0.1, `${last}`)
    assert.is((await points.stats()).recoding, undefined)
    assert.ok((await points.stats()).drift < 1)
    await checkNearest(points)
  })
})

test('events tell how far training is', async () => {
  await withStore(async db => {
    const told: { collection: string, share: number }[] = []
    db.on('trainingProgress', progress => told.push(progress))
    const points = db.collection('points', { ...SPACE, codec: 'pq', codeBytes: 3 })
    await points.batch(puts('usual', USUAL))
    await linked(db)
    assert.ok(told.length > 4)
    assert.equal([told[0], told.at(-1)], [{ collection: 'points', share: 0 }, { collection: 'points', share: 1 }])
    assert.ok(told.every(({ share }, i) => i === 0 || share > told[i - 1]!.share))
    assert.is((await points.search(USUAL[5]!, { k: 1, ef: 64 }))[0]!.key, 'usual5')
  })
})

test('a store that was closed, or killed, while codes were being made again goes on where it was', async () => {
  await withDirectory(async directory => {
    const [location, copy] = [join(directory, 'store'), join(directory, 'copy')]
    await opened(location, async db => {
      const points = await drifting(db)
      await db.checkpoint()
      await points.batch(puts('late', OTHER.slice(600, 620)))
      copyOfOpenStore(location, copy)
    })
    for (const store of [location, copy]) {
      await opened(store, async db => {
        const points = db.collection('points', SPACE)
        await linked(db)
        const { recoding } = await points.stats()
        assert.ok(recoding !== undefined && recoding > 0, `${recoding}`)
        assert.equal(await db.verify(), [])
        await points.batch(puts('more', OTHER.slice(700, 1000)))
        await linked(db)
        assert.is((await points.stats()).recoding, undefined)
        await checkNearest(points)
      })
    }
  })
})

test('a checkpoint after it leaves no block of the old codes in the index', async () => {
  await withStore(async (db, location) => {
    const points = await drifting(db)
    for (let i = 0; (await points.stats()).recoding !== undefined; i++) {
      await points.put(`more${i}`, OTHER[500 + i]!)
      if (i % 20 === 0) await db.checkpoint()
    }
    await db.checkpoint()
    const { free } = (await db.stats()).bytes
    assert.ok(free > 4000 * 16, `${free} bytes are free`)
    await db.close()
    const kinds = [...(await blocksOf(location)).keys()].map(place => Math.floor((place - placeOf(1, 0, 0)) / placeOf(0, 1, 0)))
    assert.ok(kinds.includes(KIND_RECODES))
    assert.not(kinds.includes(KIND_CODES))
  })
})

test('compact ends it first', async () => {
  await withStore(async (db, location) => {
    const points = await drifting(db)
    await db.compact()
    assert.is((await points.stats()).recoding, undefined)
    await checkNearest(points)
    assert.equal(await db.verify(), [])
    await points.batch(puts('more', OTHER.slice(500, 700)))
    await db.close()
    await opened(location, async again => checkNearest(again.collection('points', SPACE)))
  })
})

test.run()
