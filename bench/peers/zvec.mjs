import { join } from 'node:path'
import zvec from '@zvec/zvec'

const concurrency = 1
const field = 'embedding'
const indexType = zvec.ZVecIndexType.HNSW
const metrics = { cosine: zvec.ZVecMetricType.COSINE, l2: zvec.ZVecMetricType.L2 }
// The collection makes its own folder, and refuses one that is there.
const folder = (task) => join(task.directory, 'collection')

zvec.ZVecInitialize({
  logLevel: zvec.ZVecLogLevel.ERROR,
  queryThreads: concurrency,
  optimizeThreads: concurrency
})

/** zvec: a write-ahead log, then an index that `optimize` builds; queries before it are exact and slow. */
export const engine = {
  async build(task) {
    const schema = new zvec.ZVecCollectionSchema({
      name: 'bench',
      vectors: {
        name: field,
        dataType: zvec.ZVecDataType.VECTOR_FP32,
        dimension: task.dim,
        indexParams: {
          indexType,
          metricType: metrics[task.metric],
          m: task.M,
          efConstruction: task.efConstruction
        }
      }
    })
    const collection = zvec.ZVecCreateAndOpen(folder(task), schema)
    return {
      add({ first }, vectors) {
        const docs = vectors.map((vector, i) => ({ id: String(first + i), vectors: { [field]: vector } }))
        const failed = collection.insertSync(docs).find((status) => !status.ok)
        if (failed) throw new Error(`${failed.code}: ${failed.message}`)
      },
      async finish() {
        await collection.optimize({ concurrency })
        const { indexCompleteness } = collection.stats
        if (indexCompleteness[field] !== 1) throw new Error(`only ${indexCompleteness[field]} of the rows are indexed`)
      },
      close: () => collection.closeSync()
    }
  },

  async open(task) {
    // Read into memory rather than mapped, as the other engines do it; it is no slower.
    const collection = zvec.ZVecOpen(folder(task), { enableMMAP: false })
    let ef = 64
    return {
      setEf(value) {
        ef = value
      },
      search: (vector, topk) =>
        collection.querySync({ fieldName: field, vector, topk, outputFields: [], params: { indexType, ef } }),
      ordinalsOf: (docs) => docs.map((doc) => Number(doc.id)),
      close: () => collection.closeSync()
    }
  }
}
