import { cpSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { Random } from '../../floor/random.js'
import { type BatchOperation, type CollectionOptions, VectorLevel } from '../../src/index.js'
import { copyOfOpenStore, dataOf, linked, SMALL } from '../src/store.js'
import { normalVector } from '../src/vectors.js'
import { operationsOf } from './workload.js'

/** What is done to stores before they are damaged. */
export type Recipe = typeof RECIPES[number]

/**
 * Kinds of stores: closed cleanly; copied while open, with operations that the index lacks; the same with updates and deletions of which
 * a checkpoint was written and whose traces are not removed yet; several tables of LevelDB and several leaf pages of LMDB, trained codes
 * and a second collection.
 */
export const RECIPES = ['closed', 'open', 'replaced', 'tables'] as const

const DIMENSIONS = 8
const COUNTS: Record<Recipe, number> = { closed: 250, open: 250, replaced: 250, tables: 44 }
const BATCH = 100
const LOADS = 34

/** Collections, with the codec of `points`. */
export function collectionsOf(recipe: Recipe): Record<string, CollectionOptions> {
  const shape: CollectionOptions = { dimensions: DIMENSIONS, metric: 'l2', M: 8, efConstruction: 40 }
  return recipe === 'tables' ? { points: { ...shape, codec: 'sq8' }, others: { ...shape, codec: 'f32' } } : { points: { ...shape, codec: 'f32' } }
}

export interface Commit {
  collection: string
  operations: BatchOperation<number>[]
}

/** All that was done to a store of a recipe, in order; the metadata of a record is the number of the commit that wrote it last. */
export function commitsOf(recipe: Recipe, seed: number): Commit[] {
  return Array.from({ length: COUNTS[recipe] }, (_, i) => {
    if (recipe !== 'tables') return { collection: 'points', operations: operationsOf(2 * seed, i) }
    const random = new Random(Math.imul(seed, 31) + i)
    const put = (key: number): BatchOperation<number> => ({ type: 'put', key: `k${key}`, vector: normalVector(random, DIMENSIONS), metadata: i })
    if (i < LOADS) return { collection: i % 10 === 9 ? 'others' : 'points', operations: Array.from({ length: BATCH }, (_, j) => put(i * BATCH + j)) }
    const keys = Array.from({ length: 20 }, () => random.below(9 * BATCH))
    const change = (key: number): BatchOperation<number> => {
      const kind = random.below(6)
      if (kind < 2) return { type: 'del', key: `k${key}` }
      return kind < 4 ? { type: 'updateMetadata', key: `k${key}`, metadata: i } : put(key)
    }
    return { collection: 'points', operations: keys.map(change) }
  })
}

/** Makes a store as the recipe says in `location`, and a copy of an earlier moment in `${location}-earlier`. */
export async function prepare(recipe: Recipe, seed: number, location: string): Promise<void> {
  const commits = commitsOf(recipe, seed)
  const work = `${location}-work`
  for (const directory of [location, work, `${location}-earlier`]) rmSync(directory, { recursive: true, force: true })
  let db = await openAll(work)
  for (const [i, { collection, operations }] of commits.entries()) {
    await db.collection(collection, collectionsOf(recipe)[collection]!).batch(operations)
    if (i === commits.length >> 1) {
      if (recipe === 'replaced') continue
      await linked(db)
      await db.checkpoint()
      copyOfOpenStore(work, `${location}-earlier`)
    }
    if (recipe !== 'tables' || i % 12 !== 11) continue
    await db.close()
    db = await openAll(work)
  }
  await linked(db)
  if (recipe === 'open' || recipe === 'replaced') copyOfOpenStore(work, location)
  if (recipe === 'replaced') {
    await db.checkpoint()
    copyOfOpenStore(work, `${location}-earlier`)
    // The index of the checkpoint, and the truth of the moment before, when the log was not cut yet.
    for (const name of ['INDEX', 'index-1']) {
      cpSync(join(dataOf(work), name), join(dataOf(location), name), { recursive: true, filter: path => !path.endsWith('lock.mdb') })
    }
  }
  await db.close()
  if (recipe === 'closed' || recipe === 'tables') cpSync(work, location, { recursive: true })
  rmSync(work, { recursive: true })
}


async function openAll(location: string): Promise<VectorLevel> {
  const db = new VectorLevel(location, { ...SMALL, durability: 'relaxed', checkpoint: { operations: 1_000_000 } })
  await db.open()
  return db
}
