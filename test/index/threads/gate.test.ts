import { setImmediate as turn, setTimeout as pause } from 'node:timers/promises'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import fc from 'fast-check'
import { ThreadFailure } from '../../../index/threads/threads.js'
import { check } from '../../seed.js'
import { type Act, Stage } from './stage.js'
import { PLAIN, THROWING } from './stand-in.js'

const test = suite('Gate')

const job = { microseconds: fc.constantFrom(0, 5, 40), faults: fc.constantFrom(0, 0, 1, 3), mode: fc.constantFrom(PLAIN, PLAIN, PLAIN, THROWING) }
const act = fc.record({ ...job, count: fc.nat({ max: 20 }), mutates: fc.boolean(), victim: fc.nat({ max: 40 }) })
const command = fc.oneof(
  { weight: 4, arbitrary: fc.record({ search: fc.record(job) }) },
  { weight: 2, arbitrary: fc.record({ run: fc.array(act, { maxLength: 8 }) }) },
  { weight: 4, arbitrary: fc.record({ gate: fc.constantFrom('stop', 'park', 'read') }) },
  { weight: 2, arbitrary: fc.record({ wait: fc.constantFrom('turn', 'pause') }) }
)

class Refused extends Error {}

/** Whether a program must fail, where faults are refused at times. */
function fails(acts: Act[]): boolean {
  return acts.some(({ mode, count, victim }) => mode === THROWING && victim! < count)
}

test('whatever runs, the calling thread has the memory for itself as far as it asks, and everything comes to its end', async () => {
  // Keeps the threads from one run to the next.
  const keeper = await new Stage(3).ready()
  const schedule = fc.tuple(fc.constantFrom(0, 1, 2, 3), fc.array(command, { maxLength: 40 }), fc.constantFrom(0, 7))
  await check(fc.asyncProperty(schedule, async ([workers, commands, refuseEach]) => {
    const stage = await new Stage(workers).ready()
    stage.onFault = () => {
      stage.park()
      assert.throws(() => stage.stop(), /wait for itself/)
      if (!stage.reading) assert.throws(() => stage.read(), /wait for itself/)
      if (refuseEach && stage.faults % refuseEach === 0) throw new Refused()
    }
    const ends: Promise<void>[] = []
    for (const command of commands) {
      if ('search' in command) {
        const { search } = command
        ends.push(stage.search(search).then(() => assert.is.not(search.mode, THROWING), error => {
          assert.instance(error, ThreadFailure)
          assert.ok(search.mode === THROWING || error.cause instanceof Refused)
        }))
      } else if ('run' in command) {
        if (stage.threads.running) continue
        ends.push(stage.run(command.run).then(() => assert.not.ok(fails(command.run)), error => {
          if (!(error instanceof Refused)) assert.ok(fails(command.run), String(error))
        }))
      } else if ('gate' in command) {
        stage[command.gate](() => {
          if (command.gate === 'stop') stage.read()
          if (command.gate === 'read') stage.stop()
          stage.park()
        })
      } else {
        await (command.wait === 'turn' ? turn() : pause(1))
      }
    }
    await Promise.all(ends)
    await stage.close()
  }), { numRuns: 120 })
  await keeper.close()
})

test('nobody begins anything while the calling thread has the memory, however short the moments in between', async () => {
  const stage = await new Stage(2).ready()
  const jobs = Array.from({ length: 200 }, () => stage.job({ microseconds: 1 }))
  for (let round = 0; round < 20; round++) {
    const ends = jobs.map(job => stage.threads.call('find', stage.graph, job))
    const steps = stage.steps(Array.from({ length: 20 }, (_, i) => ({ count: 6, mutates: i % 2 === 0, microseconds: 1 })))
    const ran = stage.threads.run(stage.graph, steps)
    for (let i = 0; i < 100; i++) stage[i % 4 === 0 ? 'read' : i % 4 === 1 ? 'park' : 'stop']()
    await Promise.all([...ends, ran])
  }
  await stage.close()
})

test('what a fault is answered with, is what the program rejects with', async () => {
  for (const workers of [0, 1, 2]) {
    const stage = await new Stage(workers).ready()
    const error = new Refused()
    stage.onFault = () => { throw error }
    assert.is(await stage.run([{ count: 10, mutates: false }, { count: 30, mutates: true, faults: 1 }]).catch(error => error), error)
    const failure = await stage.search({ faults: 1 }).catch(error => error)
    assert.instance(failure, ThreadFailure)
    assert.is(failure.cause, error)
    stage.onFault = () => undefined
    await stage.run([{ count: 30, mutates: true, faults: 1 }])
    await stage.close()
  }
})

test.run()
