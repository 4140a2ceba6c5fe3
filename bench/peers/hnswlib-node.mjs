import { join } from 'node:path'
import hnswlib from 'hnswlib-node'

const seed = 100
const file = (task) => join(task.directory, 'index.hnsw')
const create = ({ metric, dim }) => new hnswlib.HierarchicalNSW(metric, dim)

/** hnswlib in memory, saved as one file; it has no threads of its own. */
export const engine = {
  /** The binding takes arrays of numbers only. */
  prepare: (vector) => Array.from(vector),
  preparedName: 'number[] ready',

  async build(task) {
    const index = create(task)
    index.initIndex(task.count, task.M, task.efConstruction, seed)
    return {
      add({ first }, vectors) {
        vectors.forEach((vector, i) => index.addPoint(vector, first + i))
      },
      finish() {},
      close: () => index.writeIndexSync(file(task))
    }
  },

  async open(task) {
    const index = create(task)
    index.readIndexSync(file(task))
    return {
      setEf: (ef) => index.setEf(ef),
      search: (query, k) => index.searchKnn(query, k),
      ordinalsOf: (result) => result.neighbors,
      close() {}
    }
  }
}

/** The same, changed in place. */
export const mutable = {
  prepare: engine.prepare,
  note: 'markDelete; addPoint takes the place of a deleted point; an update is addPoint on the same label; in memory',

  async create(task) {
    const index = create(task)
    index.initIndex(task.count, task.M, task.efConstruction, seed, true)
    // Deletes come first in a round, so that after the load each new point takes the place of a deleted one.
    const add = (replace) => (keys, vectors) => keys.forEach((key, i) => index.addPoint(vectors[i], key, replace))
    return {
      insert(keys, vectors) {
        add(index.getCurrentCount() === task.count)(keys, vectors)
      },
      update: add(false),
      delete: (keys) => keys.forEach((key) => index.markDelete(key)),
      settle() {},
      save: () => index.writeIndexSync(file(task)),
      setEf: (ef) => index.setEf(ef),
      search: (query, k) => index.searchKnn(query, k),
      ordinalsOf: (result) => result.neighbors,
      close() {}
    }
  }
}
