import { setTimeout as pause } from 'node:timers/promises'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { ThreadFailure } from '../../../index/threads/threads.js'
import { Stage } from './stage.js'
import { EXITING, HANGING } from './stand-in.js'

const test = suite('Lost workers')

/** What a promise rejects with. */
function failureOf(promise: Promise<unknown>): Promise<Error> {
  return promise.then(() => { throw new Error('it resolved') }, error => error as Error)
}

for (const workers of [1, 2, 3]) {
  test(`a search whose worker ends fails, and no other, workers: ${workers}`, async () => {
    const stage = await new Stage(workers).ready()
    const others = Array.from({ length: 200 }, () => stage.search({ microseconds: 20, faults: 1 }))
    const failure = await failureOf(stage.search({ mode: EXITING }))
    assert.instance(failure, ThreadFailure)
    await Promise.all(others)
    // The search may have failed before the thread had ended altogether.
    while (!stage.losses.length) await pause(1)
    assert.match(stage.losses.join(), /code 7/)
    await stage.close()
  })

  test(`an item whose worker ends is done again, where it changes nothing, workers: ${workers}`, async () => {
    const stage = await new Stage(workers).ready()
    const search = stage.search({ microseconds: 10_000 })
    const fatal = { count: 40, mutates: false, mode: EXITING, victim: 17, microseconds: 10, faults: 1 }
    await stage.run([{ count: 40, mutates: true }, fatal, { count: 40, mutates: true, microseconds: 10 }])
    await search
    await stage.close()
  })

  test(`a program whose worker ends within a change fails, workers: ${workers}`, async () => {
    const stage = await new Stage(workers).ready()
    const failure = await failureOf(stage.run([{ count: 40, mutates: false }, { count: 40, mutates: true, mode: EXITING, victim: 17, faults: 1 }]))
    assert.instance(failure, ThreadFailure)
    await stage.search({ faults: 1 })
    await stage.run([{ count: 40, mutates: true }])
    await stage.close()
  })

  test(`the calling thread does not wait for a worker that has ended, workers: ${workers}`, async () => {
    for (const mutates of [false, true]) {
      for (const gate of ['stop', 'park', 'read'] as const) {
        const stage = await new Stage(workers).ready()
        const fatal = { count: 30, mutates, microseconds: 300, mode: EXITING, victim: 12 }
        const ran = stage.run([fatal, { count: 3, mutates: false }]).catch(error => assert.instance(error, ThreadFailure))
        for (let i = 0; i < 20; i++) stage[gate]()
        await ran
        stage[gate]()
        await stage.close()
      }
    }
  })
}

test('a worker that ended is replaced', async () => {
  const stage = await new Stage(1).ready()
  for (let round = 0; round < 3; round++) {
    await failureOf(stage.search({ mode: EXITING }))
    await stage.ready()
  }
  assert.is(stage.losses.length, 3)
  await stage.close()
})

test('close ends workers that never come back', async () => {
  const stage = await new Stage(2).ready()
  const failure = failureOf(stage.search({ mode: HANGING }))
  await stage.search()
  await stage.close()
  assert.instance(await failure, ThreadFailure)
})

test('so it does where a program waits for one of them, however often others look whether they may go on with it', async () => {
  const stage = await new Stage(2).ready()
  const failure = failureOf(stage.search({ mode: HANGING }))
  await stage.search()
  const program = stage.run([{ count: 3, mutates: true }])
  const isClosed = await Promise.race([stage.close().then(() => true), pause(12_000, false, { ref: false })])
  assert.ok(isClosed)
  assert.instance(await failure, ThreadFailure)
  await program
})

test('where workers cannot load the kernel, the calling thread does it all', async () => {
  const { loadKernel } = await import('./stand-in.js')
  const stage = new Stage(2, { kernel: { module: new URL('./none.js', import.meta.url).href, loadKernel } })
  const jobs = Array.from({ length: 300 }, () => stage.job())
  await Promise.all(jobs.map(job => stage.threads.call('find', stage.graph, job)))
  assert.ok(jobs.every(job => stage.isHome(job)))
  await stage.run([{ count: 40, mutates: true }])
  while (stage.losses.length < 2) await pause(1)
  await stage.close()
})

test.run()
