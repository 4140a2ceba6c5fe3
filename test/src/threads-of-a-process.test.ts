import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { runScript } from './child.js'
import { linked, opened, withDirectory } from './store.js'
import { normalVectors } from './vectors.js'

const test = suite('threads of a process')
const SEED = Number(process.env['FC_SEED'] ?? Date.now() % 2 ** 31)

test(`databases that come and go share the threads, and the process ends when the last is closed, seed ${SEED}`, async () => {
  await withDirectory(async directory => {
    const { code, output } = await runScript('shared-threads-child.js', [directory, String(SEED)])
    assert.is(code, 0)
    for (const [number, written] of (JSON.parse(output) as number[]).entries()) {
      await opened(join(directory, `store-${number}`), async db => {
        assert.is((await db.collection('points', { dimensions: 8 }).stats()).count, written, `store ${number}`)
      })
    }
  })
})

for (const workers of [1, 3]) {
  test(`when threads end, what was acknowledged is there, and found; workers: ${workers}, seed ${SEED}`, async () => {
    await withDirectory(async directory => {
      const location = join(directory, 'store')
      const { code, output } = await runScript('worker-death-child.js', [location, String(workers), String(SEED)])
      assert.is(code, 0)
      const { acknowledged, deaths } = JSON.parse(output) as { acknowledged: number, deaths: number }
      assert.ok(deaths > 0)
      const vectors = normalVectors(SEED, 2000, 16)
      await opened(location, async db => {
        const points = db.collection<number>('points', { dimensions: 16 })
        await linked(db)
        assert.ok((await points.stats()).count >= acknowledged)
        for (let i = 0; i < acknowledged; i += 37) assert.is((await points.search(vectors[i]!, { k: 1, ef: 200 }))[0]!.metadata, i)
      })
    })
  })
}

test.run()
