import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { linked, withStore } from './store.js'
import { normalVectors } from './vectors.js'

const test = suite('health of a graph')

test('says that all can be reached and found, in a sample and on the whole, after turnovers', async () => {
  await withStore(async db => {
    const points = db.collection('points', { dimensions: 8, metric: 'l2', codec: 'f32', M: 8, efConstruction: 60 })
    const empty = await points.stats({ exact: true })
    assert.equal([empty.unreachable, empty.probeRecall], [0, undefined])
    const vectors = normalVectors(1, 1200, 8)
    await points.batch(vectors.slice(0, 600).map((vector, i) => ({ type: 'put', key: `k${i}`, vector })))
    for (let round = 0; round < 4; round++) {
      await points.batch(vectors.slice(0, 150).map((_, i) => ({ type: 'del', key: `k${round * 150 + i}` })))
      await points.batch(vectors.slice(0, 150).map((_, i) => ({ type: 'put', key: `k${600 + round * 150 + i}`, vector: vectors[600 + round * 150 + i]! })))
      await linked(db)
      await db.checkpoint()
      const { unreachable, probeRecall, tombstones } = await points.stats()
      assert.is(unreachable, 0)
      assert.ok(probeRecall! >= 0.9, `probes: ${probeRecall}`)
      assert.ok(tombstones < 100, `${tombstones} tombstones`)
      const exact = await points.stats({ exact: true })
      assert.is(exact.unreachable, 0)
      assert.ok(exact.probeRecall! >= 0.95, `recall: ${exact.probeRecall}`)
    }
  })
})

test('an aborted signal ends the measuring', async () => {
  await withStore(async db => {
    const points = db.collection('points', { dimensions: 4, codec: 'f32' })
    await points.batch(normalVectors(2, 1500, 4).map((vector, i) => ({ type: 'put', key: `k${i}`, vector })))
    await linked(db)
    const controller = new AbortController()
    controller.abort(new Error('enough'))
    let code: string | undefined
    await points.stats({ exact: true, signal: controller.signal }).catch((error: { code: string }) => { code = error.code })
    assert.is(code, 'VECTOR_ABORTED')
  })
})

test('results say whether they are exact', async () => {
  await withStore(async db => {
    const points = db.collection('points', { dimensions: 4, codec: 'f32' })
    const vectors = normalVectors(3, 1000, 4)
    assert.is((await points.search(vectors[0]!)).exact, true)
    await points.batch(vectors.map((vector, i) => ({ type: 'put', key: `k${i}`, vector })))
    await linked(db)
    assert.is((await points.search(vectors[0]!, { k: 3 })).exact, false)
    assert.is((await points.search(vectors[0]!, { k: 3, exact: true })).exact, true)
    assert.is(points.searchSync(vectors[0]!, { k: 900 }).exact, true)
    assert.is((await points.searchByKey('k1', { k: 3 }))!.exact, false)
    await points.batch(vectors.slice(0, 995).map((_, i) => ({ type: 'del', key: `k${i}` })))
    const rest = await points.search(vectors[0]!, { k: 10 })
    assert.is(rest.length, 5)
    assert.is(rest.exact, true)
    assert.equal(JSON.parse(JSON.stringify(rest)).length, 5, 'an array like any other')
  })
})

test('files stay in proportion to what lives, though nobody compacts', async () => {
  await withStore(async db => {
    const points = db.collection('points', { dimensions: 64, metric: 'l2', codec: 'f32', M: 4, efConstruction: 10 })
    const vectors = normalVectors(4, 2000, 64)
    await points.batch(vectors.map((vector, i) => ({ type: 'put', key: `k${i}`, vector })))
    for (let turn = 1; turn <= 5; turn++) {
      for (let from = 0; from < 2000; from += 500) {
        await points.batch(vectors.slice(from, from + 500).map((vector, i) => ({ type: 'put', key: `k${from + i}`, vector })))
        await linked(db)
        await db.checkpoint()
      }
    }
    const { bytes } = await db.stats()
    const live = 2000 * (64 * 4 + 16)
    assert.ok(bytes.records < 2.5 * live, `${bytes.records} bytes of records and log, ${live} live`)
    assert.ok(bytes.index < 2.2 * (bytes.index - bytes.free) + 2 ** 20, `${bytes.index} bytes of index, ${bytes.free} of them free`)
    assert.is((await points.stats()).count, 2000)
  })
})

test.run()
