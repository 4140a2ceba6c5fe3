import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { linked, SMALL, withStore } from '../src/store.js'
import { normalVectors } from '../src/vectors.js'

const test = suite('regression: training took memory when a small cache had none, behind a commit, and again at every opening')

test('parts of many components are trained on fewer vectors, in memory that is there from the beginning', async () => {
  await withStore(async db => {
    const points = db.collection('points', { dimensions: 1024, codec: 'pq', codeBytes: 1, metric: 'l2', M: 2, efConstruction: 4 })
    for (let from = 0; from < 4200; from += 200) {
      await points.batch(normalVectors(from + 1, 200, 1024).map((vector, i) => ({ type: 'put', key: `k${from + i}`, vector })))
    }
    await linked(db)
    assert.ok((await points.stats()).trained)
    assert.is((await points.search(normalVectors(1, 1, 1024)[0]!, { k: 1 }))[0]!.key, 'k0')
  }, { ...SMALL, durability: 'relaxed' })
})

test('where there is none, the first put says so, and nothing is refused after it that was acknowledged', async () => {
  await withStore(async db => {
    const points = db.collection('points', { dimensions: 16_000, codec: 'pq8', codeBytes: 1 })
    let code: string | undefined
    await points.put('a', new Float32Array(16_000).fill(1)).catch(error => { code = (error as { code?: string }).code })
    assert.is(code, 'VECTOR_FULL')
    const others = db.collection('others', { dimensions: 2 })
    await others.put('b', [1, 2])
    assert.ok(await others.has('b'))
  }, SMALL)
})

test.run()
