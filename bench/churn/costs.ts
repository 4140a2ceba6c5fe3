import { rowOf, type Matrix } from '../data/fbin-file.js'
import { permutation } from '../data/permutation.js'
import { median } from '../macro/quantile.js'
import type { Collection, VectorLevel } from '../../src/index.js'
import type { MutableTask } from './engine.js'
import type { ChurnCosts } from './figures.js'
import { seed } from './runbook-files.js'
import { linked } from '../linked.js'
import { openItems } from './vector-level.js'

const callers = 64
const turns = 5
/** Operations of one kind in one turn, and deletes whose blocks are counted, so many at a time as are removed together; fewer in a small collection. */
const operations = 2_000
const countedDeletes = 480
const deletesTogether = 16
/** Checkpoints are written between the measurements only. */
const neverByItself = { operations: 2 ** 31, seconds: 1e6 }

/**
 * Times single inserts, deletes and updates of many callers, by turns, each kind until all is linked, and counts the blocks that
 * deletes change, each its share of those that are removed together.
 */
export async function measureCosts(task: MutableTask, base: Matrix, dataset: string): Promise<ChurnCosts> {
  const { count } = task
  const each = Math.min(operations, Math.floor(count / (turns * 2 + 1)))
  const { db, items } = await openItems(task, { checkpoint: neverByItself })
  const single = new SingleOperations(items, base, count)
  await single.load()
  const times: Record<'insert' | 'delete' | 'update', number[]> = { insert: [], delete: [], update: [] }
  for (let turn = 0; turn < turns; turn++) {
    for (const kind of ['insert', 'delete', 'update'] as const) {
      await db.checkpoint()
      times[kind].push(await single.time(each, () => single[kind]()))
    }
  }
  const dirty: number[] = []
  for (let i = 0; i < Math.min(countedDeletes, each); i += deletesTogether) {
    const deletes = async (): Promise<void> => {
      for (let j = 0; j < deletesTogether; j++) await single.delete()
    }
    dirty.push((await dirtiedBy(db, items, deletes)) / deletesTogether)
  }
  await db.close()
  return {
    dataset,
    count,
    callers,
    insertUs: median(times.insert),
    updateUs: median(times.update),
    deleteUs: median(times.delete),
    dirtyBlocks: median(dirty)
  }
}

/** Blocks that have changed since a checkpoint when all is linked again. */
async function dirtiedBy(db: VectorLevel, items: Collection, act: () => Promise<void>): Promise<number> {
  await db.checkpoint()
  const before = (await db.stats()).cache.dirty
  await act()
  await linked(items)
  return (await db.stats()).cache.dirty - before
}

/** Operations on one key each: new vectors are the rows behind the first ones, deletes and updates meet each key once. */
class SingleOperations {
  readonly #items: Collection
  readonly #base: Matrix
  readonly #count: number
  readonly #order: Uint32Array
  #nextRow: number
  #nextKey = 0

  constructor(items: Collection, base: Matrix, count: number) {
    this.#items = items
    this.#base = base
    this.#count = this.#nextRow = count
    this.#order = permutation(count, seed)
  }

  async load(): Promise<void> {
    const rows = Array.from({ length: this.#count }, (_, row) => row)
    while (rows.length > 0) {
      await this.#items.batch(rows.splice(0, 1_000).map((row) => ({ type: 'put', key: String(row), vector: rowOf(this.#base, row) })))
    }
    await linked(this.#items)
  }

  insert(): Promise<void> {
    return this.#items.put(`new ${this.#nextRow}`, this.#newVector())
  }

  update(): Promise<void> {
    return this.#items.put(this.#anyKey(), this.#newVector())
  }

  delete(): Promise<void> {
    return this.#items.del(this.#anyKey())
  }

  /** Microseconds of one of `count` operations, until all are linked. */
  async time(count: number, act: () => Promise<void>): Promise<number> {
    let left = count
    const call = async (): Promise<void> => {
      while (left-- > 0) await act()
    }
    const started = performance.now()
    await Promise.all(Array.from({ length: callers }, call))
    await linked(this.#items)
    return ((performance.now() - started) * 1e3) / count
  }

  #newVector(): Float32Array {
    return rowOf(this.#base, this.#nextRow++ % this.#base.count)
  }

  #anyKey(): string {
    return String(this.#order[this.#nextKey++])
  }
}
