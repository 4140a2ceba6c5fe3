import { openItems } from '../churn/vector-level.js'
import type { MutableIndex } from '../churn/engine.js'
import { linked } from '../linked.js'
import { loadMutableEngine, ownEngine } from '../macro/engines.js'
import type { IndexTask } from '../macro/engine.js'

export interface StoreTask extends IndexTask {
  workers: number
  ef: number
  durability?: 'strict' | 'relaxed'
}

/** An index whose searches, where it can, are done by other threads. */
export type AsyncIndex = Pick<MutableIndex, 'insert' | 'settle' | 'setEf' | 'search' | 'ordinalsOf' | 'close'>

export interface AsyncEngine {
  /** See `Engine`. */
  prepare?(vector: Float32Array): unknown
  create(task: StoreTask): Promise<AsyncIndex>
}

/** Peers have searches on the calling thread alone. */
export async function loadAsyncEngine(name: string): Promise<AsyncEngine> {
  return name === ownEngine ? own : await loadMutableEngine(name)
}

const own: AsyncEngine = {
  async create(task) {
    const { workers, durability = 'strict' } = task
    let { ef } = task
    const { db, items } = await openItems(task, { workers, durability })
    return {
      insert: (keys, vectors) => items.batch(keys.map((key, i) => ({ type: 'put', key: String(key), vector: vectors[i] as Float32Array }))),
      settle: () => linked(items),
      setEf(value) {
        ef = value
      },
      search: (query, k) => items.search(query as Float32Array, { k, ef }),
      ordinalsOf: (hits) => (hits as { key: string }[]).map(({ key }) => Number(key)),
      close: () => db.close()
    }
  }
}
