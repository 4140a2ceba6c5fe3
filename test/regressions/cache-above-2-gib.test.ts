import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { linked, opened, withDirectory } from '../src/store.js'
import { normalVectors } from '../src/vectors.js'

const test = suite('regression: a cache above 2 GiB, whose addresses have their highest bit set')

for (const workers of [0, 1]) {
  test(`links, searches, and opens again, with ${workers} workers`, async () => {
    await withDirectory(async directory => {
      const options = { cacheSize: 3 * 2 ** 30, workers }
      const vectors = normalVectors(1, 2500, 24)
      for (const [i, codec] of (['f32', 'sq8', 'pq'] as const).entries()) {
        await opened(`${directory}/${codec}`, async db => {
          const points = db.collection('points', { dimensions: 24, codec, metric: 'l2', M: 4, efConstruction: 10 })
          await points.batch(vectors.map((vector, n) => ({ type: 'put', key: `k${n}`, vector })))
          await linked(db)
          assert.is((await points.search(vectors[i]!, { k: 1 }))[0]!.key, `k${i}`)
          assert.equal(await db.verify(), [])
        }, options)
        await opened(`${directory}/${codec}`, async db => {
          const points = db.collection('points', { dimensions: 24 })
          assert.is((await points.search(vectors[i]!, { k: 1 }))[0]!.key, `k${i}`)
        }, options)
      }
    })
  })
}

test.run()
