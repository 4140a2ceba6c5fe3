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

function createCollection(task) {
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
  return zvec.ZVecCreateAndOpen(folder(task), schema)
}

const docOf = (key, vector) => ({ id: String(key), vectors: { [field]: vector } })

function check(statuses) {
  const failed = statuses.find((status) => !status.ok)
  if (failed) throw new Error(`${failed.code}: ${failed.message}`)
}

const query = (collection, vector, topk, ef) =>
  collection.querySync({ fieldName: field, vector, topk, outputFields: [], params: { indexType, ef } })

async function optimize(collection) {
  await collection.optimize({ concurrency })
  const { indexCompleteness } = collection.stats
  if (indexCompleteness[field] !== 1) throw new Error(`only ${indexCompleteness[field]} of the rows are indexed`)
}

/** zvec: a write-ahead log, then an index that `optimize` builds; queries before it are exact and slow. */
export const engine = {
  async build(task) {
    const collection = createCollection(task)
    return {
      add({ first }, vectors) {
        check(collection.insertSync(vectors.map((vector, i) => docOf(first + i, vector))))
      },
      finish: () => optimize(collection),
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
      search: (vector, topk) => query(collection, vector, topk, ef),
      ordinalsOf: (docs) => docs.map((doc) => Number(doc.id)),
      close: () => collection.closeSync()
    }
  }
}

/** The same, changed in place. */
export const mutable = {
  note: 'deleteSync, insertSync, upsertSync, 1,000 at once, then optimize; durable',

  async create(task) {
    const collection = createCollection(task)
    let unindexed = false
    const put = (call) => (keys, vectors) => {
      check(collection[call](keys.map((key, i) => docOf(key, vectors[i]))))
      unindexed = true
    }
    let { ef } = task
    return {
      insert: put('insertSync'),
      update: put('upsertSync'),
      delete: (keys) => check(collection.deleteSync(keys.map(String))),
      async settle() {
        if (unindexed) await optimize(collection)
        unindexed = false
      },
      setEf(value) {
        ef = value
      },
      search: (vector, topk) => query(collection, vector, topk, ef),
      ordinalsOf: (docs) => docs.map((doc) => Number(doc.id)),
      close: () => collection.closeSync()
    }
  }
}
