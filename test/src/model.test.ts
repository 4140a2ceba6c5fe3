import { cpSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { CodecName, Metric } from '../../src/index.js'
import { commands, graphCommands } from '../model/commands.js'
import { ModelCollection } from '../model/model.js'
import { type Model, NAMES, type Shape, Subject, vectorOf } from '../model/subject.js'
import { check } from '../seed.js'
import { linked, sound, withDirectory } from './store.js'

const CODECS: CodecName[] = ['f32', 'sq8', 'pq']
const METRICS: Metric[] = ['l2', 'cosine', 'dot']
const M = fc.constantFrom(4, 16)
const durability = fc.constantFrom<Shape['durability']>('strict', 'relaxed')
/** Above the number of vectors that codecs are trained on. */
const PRELOADED = 4100
const DIMENSIONS = 4
/** The mean recall of fewer says nothing. */
const ENOUGH_SEARCHES = 8

const test = suite('model: the database and a Map that is searched by looking at everything answer the same')

for (const codec of CODECS) {
  for (const metric of METRICS) {
    test(`from an empty store, ${codec} and ${metric}`, async () => {
      const shape = fc.record<Shape>({ codec: fc.constant(codec), metric: fc.constant(metric), M, dimensions: fc.constantFrom(1, 3, 17, 100), durability })
      await check(fc.asyncProperty(shape, commands, async (shape, steps) => {
        await withDirectory(async directory => {
          await run(new Subject(directory, shape), newModel(metric), steps)
        })
      }), { numRuns: 7, includeErrorInReport: true })
    })
  }
}

for (const codec of CODECS) {
  for (const metric of METRICS) {
    test(`from ${PRELOADED} vectors in a graph, ${codec} and ${metric}`, async () => {
      await withDirectory(async template => {
        const shape: Shape = { codec, metric, M: 8, dimensions: DIMENSIONS, durability: 'relaxed' }
        await preload(new Subject(template, shape), newModel(metric))
        await check(fc.asyncProperty(durability, graphCommands, async (durability, steps) => {
          await withDirectory(async directory => {
            cpSync(join(template, 'store'), join(directory, 'store'), { recursive: true })
            const model = newModel(metric)
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

function newModel(metric: Metric): Model {
  return { collections: NAMES.map(() => new ModelCollection(metric)), recalls: [] }
}

async function run(subject: Subject, model: Model, steps: Iterable<fc.AsyncCommand<Model, Subject>>): Promise<void> {
  try {
    await subject.db.open()
    await fc.asyncModelRun(() => ({ model, real: subject }), steps)
    await sound(subject.db)
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
