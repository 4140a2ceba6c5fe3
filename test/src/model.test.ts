import { cpSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { Metric } from '../../src/index.js'
import { commands, graphCommands } from '../model/commands.js'
import { ModelCollection } from '../model/model.js'
import { type Model, NAMES, type Shape, Subject, vectorOf } from '../model/subject.js'
import { check } from '../seed.js'
import { linked, sound, withDirectory } from './store.js'

const KINDS: Pick<Shape, 'codec' | 'store'>[] = [
  { codec: 'f32', store: 'full' }, { codec: 'sq8', store: 'full' }, { codec: 'pq', store: 'full' }, { codec: 'sq8', store: 'codes' }
]
const METRICS: Metric[] = ['l2', 'cosine', 'dot']
const M = fc.constantFrom(4, 16)
const durability = fc.constantFrom<Shape['durability']>('strict', 'relaxed')
/** Above the number of vectors that codecs are trained on. */
const PRELOADED = 4100
const DIMENSIONS = 4
/** Half of a step of sq8 in each dimension, of a window that is twice as wide as the vectors reach; with room to spare. */
const ROUNDED: Record<Metric, number> = { l2: 0.1, dot: 0.1, cosine: 0.03 }
/** The mean recall of fewer says nothing. */
const ENOUGH_SEARCHES = 8

const test = suite('model: the database and a Map that is searched by looking at everything answer the same')

for (const { codec, store } of KINDS) {
  for (const metric of METRICS) {
    test(`from an empty store, ${codec}, ${store} and ${metric}`, async () => {
      const shape = fc.record<Shape>({ codec: fc.constant(codec), store: fc.constant(store), metric: fc.constant(metric), M, dimensions: fc.constantFrom(1, 3, 17, 100), durability })
      await check(fc.asyncProperty(shape, commands, async (shape, steps) => {
        await withDirectory(async directory => {
          await run(new Subject(directory, shape), newModel(metric, store), steps)
        })
      }), { numRuns: 7, includeErrorInReport: true })
    })
  }
}

for (const { codec, store } of KINDS) {
  for (const metric of METRICS) {
    test(`from ${PRELOADED} vectors in a graph, ${codec}, ${store} and ${metric}`, async () => {
      await withDirectory(async template => {
        const shape: Shape = { codec, store, metric, M: 8, dimensions: DIMENSIONS, durability: 'relaxed' }
        await preload(new Subject(template, shape), newModel(metric, store))
        await check(fc.asyncProperty(durability, graphCommands, async (durability, steps) => {
          await withDirectory(async directory => {
            cpSync(join(template, 'store'), join(directory, 'store'), { recursive: true })
            const model = newModel(metric, store)
            await preload(undefined, model)
            await run(new Subject(directory, { ...shape, durability }), model, steps)
            const mean = model.recalls.reduce((a, b) => a + b, 0) / model.recalls.length
            if (model.recalls.length >= ENOUGH_SEARCHES) assert.ok(mean >= 0.9, `mean recall of ${model.recalls.length} searches is ${mean}`)
          })
        }), { numRuns: 2, includeErrorInReport: true })
      })
    })
  }
}

function newModel(metric: Metric, store: Shape['store']): Model {
  return { collections: NAMES.map(() => new ModelCollection(metric, store === 'codes' ? ROUNDED[metric] : 0)), recalls: [], failures: [] }
}

async function run(subject: Subject, model: Model, steps: Iterable<fc.AsyncCommand<Model, Subject>>): Promise<void> {
  try {
    await subject.db.open()
    await fc.asyncModelRun(() => ({ model, real: subject }), steps)
    await sound(subject.db)
    assert.equal(model.failures, [])
  } finally {
    await subject.db.close()
  }
}

/** Fills the model, and the store too when there is one. */
async function preload(subject: Subject | undefined, model: Model): Promise<void> {
  for (const [i, collection] of model.collections.entries()) {
    for (let n = 0; n < PRELOADED; n++) await collection.put(`p${n}`, vectorOf(n + i, DIMENSIONS), n)
    await subject?.collections[i]!.batch([...collection.records].map(([key, { vector, metadata }]) => ({ type: 'put', key, vector, metadata })))
  }
  if (!subject) return
  await linked(subject.db)
  await subject.db.close()
}

test.run()
