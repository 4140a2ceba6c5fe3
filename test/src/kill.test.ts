import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { Random } from '../../floor/random.js'
import { ModelCollection } from '../model/model.js'
import { runScript } from './child.js'
import { KILLED, operationsOf } from './kill-operations.js'
import { opened, withDirectory } from './store.js'

const ROUNDS = 5
const seed = Number(process.env['FC_SEED'] ?? Math.floor(Math.random() * 2 ** 31))

const test = suite('kill')

for (const durability of ['strict', 'relaxed'] as const) {
  test(`keeps what was acknowledged, in order and batches whole, when the process is killed at any moment, ${durability}, FC_SEED=${seed}`, async () => {
    await withDirectory(async location => {
      const random = new Random(seed)
      const model = new ModelCollection('l2')
      let from = 0
      await opened(location, async db => {
        await db.collection<number>('points', KILLED).put('before', new Float32Array(8))
        await db.collection<number>('points', KILLED).del('before')
      })
      for (let round = 0; round < ROUNDS; round++) {
        // From the first acknowledgement on, so that kills fall into opening and replaying, too, when it is at once.
        const patience = random.below(4) ? 20 + random.below(300) : 0
        let killing = false
        const { signal, output } = await runScript('kill-child.js', [location, durability, `${seed}`, `${from}`], (_, kill) => {
          if (!killing) setTimeout(kill, patience)
          killing = true
        })
        assert.is(signal, 'SIGKILL')
        const acknowledged = output.split('\n').slice(0, -1).map(Number)
        assert.ok(acknowledged.length > 0)
        const last = Math.max(...acknowledged)
        await opened(location, async db => {
          const points = db.collection<number>('points', KILLED)
          const found: Record<string, unknown> = {}
          for await (const [key, record] of points.entries()) found[key] = record
          // Operations go to the log in their order: what is there is all up to one of them, with the acknowledged ones before it.
          for (; from <= last; from++) await model.batch(operationsOf(seed, from))
          let more = 0
          while (!isSame(found, model) && more++ < 20) await model.batch(operationsOf(seed, from++))
          assert.ok(isSame(found, model), `round ${round}: the store does not hold a beginning of the operations with all ${acknowledged.length} acknowledged ones`)
          for (const [key, { vector }] of [...model.records].slice(0, 50)) assert.is(points.searchSync(vector, { k: 1 })[0]!.key, key)
          assert.is(points.searchSync(new Float32Array(8), { k: 1000, exact: true }).length, model.records.size)
          if (round % 2) await db.checkpoint()
        })
      }
      assert.ok(from > 100, `${from} operations`)
    })
  })
}

function isSame(found: Record<string, unknown>, model: ModelCollection): boolean {
  try {
    assert.equal(found, Object.fromEntries(model.records))
    return true
  } catch {
    return false
  }
}

test.run()
