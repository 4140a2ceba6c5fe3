import { cpSync, readFileSync } from 'node:fs'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { VectorLevel } from '../../src/index.js'
import { dataFileOf, linked, opened, rewrite, SMALL, withStore } from '../src/store.js'
import { normalVectors } from '../src/vectors.js'

const PAGE = 4096
const HEADER = 24
const LEAF = 2
const NODE_HEADER = 8

const test = suite('index: a block that is missing is damage')

/** Where the keys of LMDB's leaf pages lie that list the blocks. */
function keysOfBlocks(data: Buffer): number[] {
  const at: number[] = []
  for (let page = 2 * PAGE; page < data.length; page += PAGE) {
    const entries = data.readUInt16LE(page + 20) >>> 1
    const isLeaf = data.readUInt16LE(page + 18) === LEAF && Number(data.readBigUInt64LE(page)) === page / PAGE
    if (!isLeaf || entries < 10) continue
    for (let entry = 0; entry < entries; entry++) at.push(page + HEADER + data.readUInt16LE(page + HEADER + 2 * entry) + NODE_HEADER)
  }
  return at
}

test('answers right or with an error when a key of LMDB is damaged, and right when opened again', async () => {
  await withStore(async (db, location) => {
    const vectors = normalVectors(1, 3000, 8)
    const points = db.collection('points', { dimensions: 8, metric: 'l2', codec: 'f32', efConstruction: 40 })
    await points.batch(vectors.map((vector, i) => ({ type: 'put', key: `k${i}`, vector })))
    await linked(db)
    await db.close()
    const keys = keysOfBlocks(readFileSync(dataFileOf(location)))
    assert.ok(keys.length > 50, `${keys.length} keys`)
    let noticed = 0
    for (let i = 0; i < keys.length; i += Math.ceil(keys.length / 10)) {
      const copy = `${location}-${i}`
      cpSync(location, copy, { recursive: true })
      rewrite(dataFileOf(copy), bytes => {
        bytes[keys[i]! + 3]! ^= 4
        return bytes
      })
      const damaged = new VectorLevel(copy, SMALL)
      // What is seen before LMDB opens the file is built anew at once.
      damaged.on('rebuild', () => { noticed++ })
      let wrong = 0
      try {
        const stored = damaged.collection('points', { dimensions: 8, metric: 'l2' })
        await damaged.open()
        for (let n = 0; n < vectors.length; n += 13) {
          if (stored.searchSync(vectors[n]!, { k: 1, ef: 100, exact: n % 2 === 0 })[0]?.key !== `k${n}`) wrong++
        }
      } catch (error) {
        assert.is((error as { code: string }).code, 'VECTOR_CORRUPTION', (error as Error).stack)
        noticed++
      } finally {
        await damaged.close()
      }
      assert.is(wrong, 0, `${wrong} wrong answers, and no error`)
      await opened(copy, async again => {
        const stored = again.collection('points', { dimensions: 8, metric: 'l2' })
        for (let n = 0; n < vectors.length; n += 100) assert.is((await stored.search(vectors[n]!, { k: 1, exact: true }))[0]!.key, `k${n}`)
      })
    }
    assert.ok(noticed > 0)
  })
})

test.run()
