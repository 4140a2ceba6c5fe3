import { setTimeout as pause } from 'node:timers/promises'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { Stage } from './stage.js'

const test = suite('Threads')
const WORKERS = [0, 1, 2, 3, 8]

for (const workers of WORKERS) {
  test(`each search is done once, workers: ${workers}`, async () => {
    const stage = await new Stage(workers).ready()
    const jobs = Array.from({ length: 1500 }, (_, i) => stage.job({ microseconds: i % 7 === 0 ? 20 : 0, faults: i % 11 === 0 ? 2 : 0 }))
    await Promise.all(jobs.map(job => stage.threads.call('find', stage.graph, job)))
    assert.ok(jobs.every(job => stage.runsOf(job) === 1))
    assert.is(stage.threads.waiting, 0)
    await stage.close()
  })

  test(`searches that waited for a place are begun when others have ended, workers: ${workers}`, async () => {
    const stage = await new Stage(workers).ready()
    const searches = Promise.all(Array.from({ length: 1000 }, () => stage.search()))
    // Whoever does those that have a place is asleep again when this thread looks.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 100)
    const isDone = await Promise.race([searches.then(() => true), pause(3000, false, { ref: false })])
    assert.ok(isDone, `${stage.threads.waiting} searches wait`)
    await stage.close()
  })

  test(`each item is done once, and no step begins before the one before has ended, workers: ${workers}`, async () => {
    const stage = await new Stage(workers).ready()
    for (let round = 0; round < 3; round++) {
      const searches = Array.from({ length: 50 }, () => stage.search({ microseconds: 20 }))
      await stage.run(Array.from({ length: 20 }, (_, i) => (
        { count: i % 5 === 0 ? 1 : 37 * (i % 3), microseconds: 5 * (i % 2), faults: i % 4 === 0 ? 1 : 0, mutates: i % 2 === 0 }
      )))
      await Promise.all(searches)
    }
    assert.not.ok(stage.threads.running)
    await stage.close()
  })
}

for (const workers of [1, 2]) {
  test(`where most of it is faults, the calling thread does it all, and workers do again what has none, workers: ${workers}`, async () => {
    const stage = await new Stage(workers).ready()
    const areHome = async (count: number, faults: number): Promise<boolean[]> => {
      const jobs = Array.from({ length: count }, () => stage.job({ microseconds: 20, faults }))
      await Promise.all(jobs.map(job => stage.threads.call('find', stage.graph, job)))
      assert.ok(jobs.every(job => stage.runsOf(job) === 1))
      return jobs.map(job => stage.isHome(job))
    }
    assert.is((await areHome(300, 1)).filter(Boolean).length, 0, 'a fault now and then is answered')
    await areHome(100, 20)
    assert.ok((await areHome(100, 20)).every(Boolean), 'who would wait is not asked')
    const program = { count: 50, mutates: true, microseconds: 5, faults: 20 }
    await stage.run([program, { ...program, mutates: false }, program])
    stage.stop()
    await areHome(500, 0)
    assert.is((await areHome(100, 0)).filter(Boolean).length, 0, 'and is asked again')
    await stage.close()
  })
}

test('what takes long is left to workers, however many faults there are', async () => {
  const stage = await new Stage(1).ready()
  const ask = async (count: number, long: boolean): Promise<boolean[]> => {
    const jobs = Array.from({ length: count }, () => stage.job({ faults: 40 }))
    await Promise.all(jobs.map(job => stage.threads.call('find', stage.graph, job, long)))
    return jobs.map(job => stage.isHome(job))
  }
  await ask(50, false)
  assert.ok((await ask(10, false)).every(Boolean))
  assert.is((await ask(20, true)).filter(Boolean).length, 0)
  const [search] = await ask(1, false)
  assert.not.ok(search, 'those were no sign of what comes')
  await stage.close()
})

test.run()
