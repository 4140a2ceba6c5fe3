import { VectorLevel, type Collection } from '../../src/index.js'
import type { Engine, IndexTask } from './engine.js'

type Items = Collection<unknown>

/** Large enough for everything to be resident, as it is in the peers. */
const cacheSize = 2 * 1024 ** 3

async function open(task: IndexTask): Promise<{ db: VectorLevel; items: Items }> {
  const db = new VectorLevel(task.directory, { cacheSize, durability: 'strict', workers: 0 })
  await db.open()
  const { dim: dimensions, metric, codec, M, efConstruction } = task
  return { db, items: db.collection('items', { dimensions, metric, codec, M, efConstruction }) }
}

export const engine: Engine<Float32Array, ReturnType<Items['searchSync']>> = {
  async build(task) {
    const { db, items } = await open(task)
    return {
      add({ first }, vectors) {
        return items.batch(vectors.map((vector, i) => ({ type: 'put', key: String(first + i), vector })))
      },
      finish: () => db.checkpoint(),
      close: () => db.close()
    }
  },

  async open(task) {
    const { db, items } = await open(task)
    let ef = 64
    return {
      setEf(value) {
        ef = value
      },
      search: (query, k) => items.searchSync(query, { k, ef }),
      ordinalsOf: (hits) => hits.map((hit) => Number(hit.key)),
      close: () => db.close()
    }
  }
}
