import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { asked, withStore } from '../src/store.js'
import { normalVectors } from '../src/vectors.js'

const test = suite('verify: a moving store is sound')

test('verify finds nothing in a sound store while records are put, replaced and deleted', async () => {
  await withStore(async db => {
    const points = db.collection('points', { dimensions: 4, metric: 'l2', codec: 'f32', efConstruction: 20 })
    const vectors = normalVectors(1, 400, 4)
    await points.put('first', vectors[0]!)
    let done = false
    const writing = asked((async () => {
      for (let i = 0; !done; i++) await Promise.all([points.put(`k${i % 50}`, vectors[i % 400]!), points.del(`k${(i * 7) % 50}`)])
    })())
    for (let i = 0; i < 30; i++) {
      const findings = await db.verify()
      if (findings.length) done = true
      assert.equal(findings.slice(0, 1), [])
    }
    done = true
    await writing
  }, { checkpoint: { operations: 20 } })
})

test('verify finds nothing in a sound store while its vectors are linked', async () => {
  await withStore(async db => {
    const points = db.collection('points', { dimensions: 16, metric: 'l2', codec: 'f32', efConstruction: 100 })
    await points.batch(normalVectors(1, 4000, 16).map((vector, i) => ({ type: 'put', key: `k${i}`, vector })))
    let times = 0
    while ((await points.stats()).pending) {
      assert.equal((await db.verify()).slice(0, 1), [])
      times++
    }
    assert.ok(times > 0)
  })
})

test.run()
