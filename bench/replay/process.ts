import { VectorLevel } from '../../src/index.js'
import { FbinFile, rowOf } from '../data/fbin-file.js'
import { datasetOf } from '../datasets.js'
import { linked } from '../linked.js'

/** Loads a store, writes on without a checkpoint, says so, and waits to be killed: `node process.js <directory> <loaded> <tail>`. */
const [directory, loaded, tail] = [process.argv[2], Number(process.argv[3]), Number(process.argv[4])]
const batch = 1000

const { files, dim, metric } = datasetOf('glove-100-angular')
const file = await FbinFile.open(files.base)
const db = new VectorLevel(directory, { checkpoint: { operations: 2 ** 31, seconds: 1e6 } })
const items = db.collection('items', { dimensions: dim, metric })

async function load(from: number, to: number): Promise<void> {
  const values = new Float32Array(batch * dim)
  for (let first = from; first < to; first += batch) {
    await file.read(first, values)
    const rows = { values, dim, count: batch }
    await items.batch(Array.from({ length: batch }, (_, i) => ({ type: 'put', key: String(first + i), vector: rowOf(rows, i) })))
  }
}

await load(0, loaded)
await db.checkpoint()
const start = performance.now()
await load(loaded, loaded + tail)
await linked(items)
process.send!({ insertSeconds: (performance.now() - start) / 1000 })
setInterval(() => undefined, 1000)
