import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { Random } from '../../floor/random.js'
import { runScript } from '../src/child.js'
import { opened, withDirectory } from '../src/store.js'
import { History, lastSaid } from './history.js'
import type { Workload } from './workload.js'

const ROUNDS = 5
const seed = Number(process.env['FC_SEED'] ?? Math.floor(Math.random() * 2 ** 31))

const test = suite('kill')

for (const durability of ['strict', 'relaxed'] as const) {
  test(`keeps what was acknowledged, in order and batches whole, when the process is killed at any moment, ${durability}, FC_SEED=${seed}`, async () => {
    await withDirectory(async directory => {
      const location = `${directory}/store`
      const random = new Random(seed)
      const history = new History(seed)
      for (let round = 0; round < ROUNDS; round++) {
        // From the first acknowledgement on, so that kills fall into opening and replaying, too, when it is at once.
        const patience = random.below(4) ? 20 + random.below(300) : 0
        let killing = false
        const workload: Workload = { location, durability, seed, from: history.count, maintenance: true }
        const { signal, output } = await runScript('../fault/workload-child.js', [JSON.stringify(workload)], (_, kill) => {
          if (!killing) setTimeout(kill, patience)
          killing = true
        })
        assert.is(signal, 'SIGKILL')
        assert.ok(lastSaid(output, 'acknowledged') > history.count)
        await opened(location, async db => {
          await history.findIn(db, lastSaid(output, 'acknowledged'))
          await history.expectIn(db)
        })
      }
      assert.ok(history.count > 100, `${history.count} operations`)
      await history.expectAfterMaintenance(location)
    })
  })
}

test.run()
