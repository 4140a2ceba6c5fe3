import { setImmediate as turn } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { ThreadFailure } from '../../../index/threads/threads.js'
import { runProcess } from '../../src/child.js'
import { Stage } from './stage.js'
import { EXITING } from './stand-in.js'

const test = suite('Pool')

test('databases share the workers, and closing one does not disturb the others', async () => {
  const stages = [new Stage(1), new Stage(3), new Stage(2), new Stage(0)]
  await Promise.all(stages.map(stage => stage.ready()))
  const ends = stages.map(stage => Promise.all([
    stage.run(Array.from({ length: 30 }, (_, i) => ({ count: 20, mutates: i % 3 === 0, microseconds: 10, faults: i % 2 }))),
    ...Array.from({ length: 300 }, () => stage.search({ microseconds: 10, faults: 1 }))
  ]))
  await stages[1]!.close()
  await Promise.all(ends)
  await Promise.all(stages.slice(2).map(stage => stage.close()))
  await stages[0]!.search()
  await stages[0]!.close()
})

test('a worker that one database ends is lost to all, and replaced for all', async () => {
  const stages = [await new Stage(1).ready(), await new Stage(1).ready()]
  await stages[0]!.search({ mode: EXITING }).catch(() => undefined)
  for (const stage of stages) {
    await stage.ready()
    assert.is(stage.losses.length, 1)
    await stage.close()
  }
})

test('close waits for what is under way, and takes nothing more', async () => {
  for (const workers of [0, 1, 2]) {
    const stage = await new Stage(workers).ready()
    const jobs = Array.from({ length: 600 }, () => stage.job({ microseconds: 10, faults: 1 }))
    const ends = jobs.map(job => stage.threads.call('find', stage.graph, job))
    const ran = stage.run([{ count: 100, mutates: true, faults: 1 }, { count: 100, mutates: false }])
    await turn()
    const closed = stage.close()
    assert.instance(await stage.search().catch(error => error), ThreadFailure)
    assert.instance(await stage.run([{ count: 1, mutates: false }]).catch(error => error), ThreadFailure)
    await closed
    await stage.close()
    assert.ok(jobs.every(job => stage.runsOf(job) === 1))
    await Promise.all([...ends, ran])
  }
})

test('a database can be opened right after all were closed', async () => {
  for (let round = 0; round < 5; round++) {
    const first = new Stage(2)
    const closed = first.close()
    const second = new Stage(1)
    await second.search()
    await closed
    await second.ready()
    await second.close()
  }
})

test('a search that nobody has begun can be taken back', async () => {
  for (const workers of [0, 1]) {
    const stage = await new Stage(workers).ready()
    const begun = stage.search({ microseconds: 20_000 })
    const jobs = Array.from({ length: 400 }, () => stage.job())
    const ends = jobs.map(job => stage.threads.call('find', stage.graph, job).then(() => true, () => false))
    const cancelled = jobs.map((job, i) => i % 2 === 1 && stage.threads.cancel(job))
    assert.is(cancelled.filter(Boolean).length, 200)
    assert.equal(await Promise.all(ends), cancelled.map(taken => !taken))
    await begun
    assert.ok(jobs.every((job, i) => stage.runsOf(job) === 1 - i % 2))
    assert.not.ok(stage.threads.cancel(jobs[0]!))
    await stage.close()
  }
})

for (const how of ['closed', 'forgotten', 'under way']) {
  test(`a process ends by itself, ${how}`, async () => {
    const script = fileURLToPath(new URL('./lifetime-child.js', import.meta.url))
    const { code, output } = await runProcess(process.execPath, [script, how], { timeout: 30_000, killSignal: 'SIGKILL' })
    assert.equal({ code, output }, { code: 0, output: how === 'under way' ? 'done\nended\n' : 'done\n' })
  })
}

test.run()
