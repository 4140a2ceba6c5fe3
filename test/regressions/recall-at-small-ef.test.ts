import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { type CodecName, VectorLevel } from '../../src/index.js'
import { linked, withDirectory } from '../src/store.js'
import { clusteredVectors } from '../src/vectors.js'

const K = 10

const test = suite('recall: sq8 keeps up with f32 where ef is no more than k')

for (const metric of ['l2', 'cosine', 'dot'] as const) {
  test(`sq8 finds as many as f32 at the same ef, within 0.005, also when ef is k, ${metric}`, async () => {
    const vectors = clusteredVectors(7, 5400, 24, 120)
    const queries = vectors.splice(5000)
    await withDirectory(async directory => {
      const db = new VectorLevel(directory, { cacheSize: 64 * 2 ** 20, durability: 'relaxed' })
      try {
        const recall = async (codec: CodecName): Promise<number> => {
          const points = db.collection(codec, { dimensions: 24, metric, codec })
          await points.batch(vectors.map((vector, i) => ({ type: 'put', key: `k${i}`, vector })))
          await linked(db)
          let found = 0
          for (const query of queries) {
            const farthest = points.searchSync(query, { k: K, exact: true }).at(-1)!.distance
            found += points.searchSync(query, { k: K, ef: K }).filter(({ distance }) => distance <= farthest + 1e-5 * Math.abs(farthest)).length
          }
          return found / (queries.length * K)
        }
        const [f32, sq8] = [await recall('f32'), await recall('sq8')]
        assert.ok(sq8 >= f32 - 0.005, `recall of sq8 ${sq8}, of f32 ${f32} at ef ${K}`)
      } finally {
        await db.close()
      }
    })
  })
}

test.run()
