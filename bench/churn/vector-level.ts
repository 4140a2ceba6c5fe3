import { VectorLevel, type Collection, type VectorLevelOptions } from '../../src/index.js'
import { linked } from '../linked.js'
import type { IndexTask } from '../macro/engine.js'
import type { MutableEngine } from './engine.js'

type Items = Collection<unknown>

/** What `stats` says of the graph where it can. */
interface GraphState {
  tombstones?: number | undefined
  unreachable?: number | undefined
}

/** Large enough for everything to be resident, as it is in the peers. */
const cacheSize = 2 * 1024 ** 3

export async function openItems(task: IndexTask, options: VectorLevelOptions = {}): Promise<{ db: VectorLevel; items: Items }> {
  const db = new VectorLevel(task.directory, { cacheSize, ...options })
  await db.open()
  const { dim: dimensions, metric, codec, M, efConstruction } = task
  return { db, items: db.collection('items', { dimensions, metric, codec, M, efConstruction }) }
}

export const mutable: MutableEngine<Float32Array, ReturnType<Items['searchSync']>> = {
  note: 'batch() of put and del, 1,000 at once; durable',

  async create(task) {
    const { db, items } = await openItems(task)
    const put = (keys: readonly number[], vectors: readonly Float32Array[]): Promise<void> =>
      items.batch(keys.map((key, i) => ({ type: 'put', key: String(key), vector: vectors[i] })))
    let ef = task.ef
    return {
      insert: put,
      update: put,
      delete: (keys) => items.batch(keys.map((key) => ({ type: 'del', key: String(key) }))),
      settle: () => linked(items),
      async state() {
        return { ...(await db.stats()).bytes, ...(await graphState(items)) }
      },
      async compact() {
        await db.checkpoint()
        await db.compact()
      },
      setEf(value) {
        ef = value
      },
      search: (query, k) => items.searchSync(query, { k, ef }),
      ordinalsOf: (hits) => hits.map((hit) => Number(hit.key)),
      close: () => db.close()
    }
  }
}

async function graphState(items: { stats(options?: { exact: boolean }): Promise<GraphState> }): Promise<{ tombstones?: number; unreachable?: number }> {
  const { tombstones, unreachable } = await items.stats({ exact: true })
  return { ...(tombstones !== undefined && { tombstones }), ...(unreachable !== undefined && { unreachable }) }
}
