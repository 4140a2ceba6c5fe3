import * as assert from 'uvu/assert'
import type { Hit } from '../../src/index.js'
import { distance } from './distance.js'
import type { ModelCollection } from './model.js'

/**
 * Each hit is a record of the model, with its metadata and its distance, none is there twice, and the nearest comes first.
 *
 * Which of several equally near records was found is not compared: see `expectNearest` and `recallOf` for what was found.
 */
export function expectHonest(hits: Hit<unknown>[], model: ModelCollection, query: Float32Array): void {
  assert.is(new Set(hits.map(hit => hit.key)).size, hits.length, 'a key is there twice')
  for (const [i, hit] of hits.entries()) {
    const record = model.records.get(hit.key)
    assert.ok(record, `'${hit.key}' is no record`)
    assert.equal(hit.metadata, record.metadata, `metadata of '${hit.key}'`)
    expectDistance(hit.distance, distance(model.metric, query, record.vector), model.tolerance(query, record.vector), `distance of '${hit.key}'`)
    if (i) assert.ok(hit.distance >= hits[i - 1]!.distance, `'${hit.key}' comes after one that is farther`)
  }
}

/** The hits have the distances of the nearest records. */
export function expectNearest(hits: Hit<unknown>[], nearest: Hit<unknown>[], model: ModelCollection, query: Float32Array): void {
  expectHonest(hits, model, query)
  assert.is(hits.length, nearest.length, 'hits')
  for (const [i, hit] of hits.entries()) {
    const margin = model.tolerance(query, model.records.get(hit.key)!.vector) + model.tolerance(query, model.records.get(nearest[i]!.key)!.vector)
    expectDistance(hit.distance, nearest[i]!.distance, margin, `distance of hit ${i}`)
  }
}

/** The share of the hits that are as near as the farthest of the nearest. */
export function recallOf(hits: Hit<unknown>[], nearest: Hit<unknown>[], model: ModelCollection, query: Float32Array): number {
  if (!nearest.length) return 1
  const { key, distance: farthest } = nearest[nearest.length - 1]!
  const margin = model.rounded ? model.tolerance(query, model.records.get(key)!.vector) : 1e-5 * Math.max(1, Math.abs(farthest))
  return hits.filter(hit => hit.distance <= farthest + margin).length / nearest.length
}

function expectDistance(actual: number, expected: number, margin: number, what: string): void {
  assert.ok(Math.abs(actual - expected) <= margin, `${what} is ${actual}, not ${expected} +- ${margin}`)
}
