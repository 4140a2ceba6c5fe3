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
