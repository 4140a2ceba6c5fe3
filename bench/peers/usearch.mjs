import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { Index, MetricKind, ScalarKind } from 'usearch'

const threads = 1
const defaultEf = 64
const file = (task) => join(task.directory, 'index.usearch')
const metrics = { cosine: MetricKind.Cos, l2: MetricKind.L2sq }

const create = (task, ef) =>
  new Index({
    dimensions: task.dim,
    metric: metrics[task.metric],
    quantization: ScalarKind.F32,
    connectivity: task.M,
    expansion_add: task.efConstruction,
    expansion_search: ef,
    multi: false
  })

/** usearch in memory, saved as one file. */
export const engine = {
  async build(task) {
    const index = create(task, defaultEf)
    return {
      add({ first, count, values }) {
        index.add(BigUint64Array.from({ length: count }, (_, i) => BigInt(first + i)), values, threads)
      },
      finish() {},
      close: () => index.save(file(task))
    }
  },

  async open(task) {
    let index
    // The binding takes ef when an index is made, and frees an index only when it is collected.
    const load = async (ef) => {
      index = undefined
      globalThis.gc?.()
      await setImmediate()
      index = create(task, ef)
      index.load(file(task))
    }
    await load(defaultEf)
    return {
      setEf: load,
      search: (query, k) => index.search(query, k, threads),
      ordinalsOf: (result) => Array.from(result.keys, Number),
      close() {}
    }
  }
}

/** The same, changed in place. */
export const mutable = {
  note: 'remove marks keys, later adds take their places; an update is remove and add; in memory',

  async create(task) {
    const index = create(task, task.ef)
    const add = (keys, vectors) => {
      const values = new Float32Array(keys.length * task.dim)
      vectors.forEach((vector, i) => values.set(vector, i * task.dim))
      index.add(BigUint64Array.from(keys, BigInt), values, threads)
    }
    const remove = (keys) => {
      const removed = index.remove(BigUint64Array.from(keys, BigInt))
      const missing = removed.filter((count) => count !== 1).length
      if (missing > 0) throw new Error(`remove() did not find ${missing} of ${keys.length} keys`)
    }
    return {
      insert: add,
      update(keys, vectors) {
        remove(keys)
        add(keys, vectors)
      },
      delete: remove,
      settle() {},
      save: () => index.save(file(task)),
      setEf(ef) {
        if (ef !== task.ef) throw new Error(`the binding takes ef when an index is made; it is ${task.ef}, not ${ef}`)
      },
      search: (query, k) => index.search(query, k, threads),
      ordinalsOf: (result) => Array.from(result.keys, Number),
      close() {}
    }
  }
}
