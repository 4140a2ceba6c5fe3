import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { type CodecName, codecs, type Metric } from '../../codecs/codec.js'
import { atOnce } from '../../floor/slices.js'
import { Random } from '../../floor/random.js'
import { findInGraph } from '../../index/graph-check.js'
import { clustered, MemoryIndex } from './memory-index.js'

const test = suite('recall')
const COUNT = 5000
const QUERIES = 200
const K = 10
const EF = 64

/** The share of the K nearest that a search finds: its results that are no farther than the K-th nearest. */
function recallOf(index: MemoryIndex, queries: Float32Array[]): number {
  let hits = 0
  for (const query of queries) {
    const farthest = index.graph.exact(query, K).found[K - 1].distance
    hits += index.graph.search(query, K, EF).found.filter(({ distance }) => distance <= farthest).length
  }
  return hits / (queries.length * K)
}

/** A little below what was measured: 0.9985 for dot, 1 for the others. */
const FLOORS: [CodecName, Metric, number][] = [
  ['f32', 'l2', 0.995],
  ['f32', 'cosine', 0.995],
  ['sq8', 'l2', 0.995],
  ['sq8', 'cosine', 0.995],
  ['sq8', 'dot', 0.99],
  ['pq', 'l2', 0.99],
  ['pq', 'cosine', 0.99],
  ['pq8', 'dot', 0.98]
]

for (const [codec, metric, floor] of FLOORS) {
  test(`${codec} with ${metric} finds at least ${(100 * floor).toFixed(1)} % of the nearest among clusters`, () => {
    const random = new Random(31)
    const vectors = clustered(random, COUNT + QUERIES, 32, 50)
    const build = (oneByOne: boolean): number => {
      const index = new MemoryIndex({ dimensions: 32, codec, metric, M: 16, efConstruction: 100 })
      for (const [i, vector] of vectors.slice(0, COUNT).entries()) {
        index.add(vector)
        if (i + 1 === codecs[codec].trainingCount) atOnce(index.graph.train())
        if (oneByOne) index.link()
      }
      index.link()
      assert.equal([...findInGraph(index.graph)].filter(finding => finding !== undefined), [])
      return recallOf(index, vectors.slice(COUNT))
    }
    const [together, oneByOne] = [build(false), build(true)]
    assert.ok(together >= floor, `recall ${together}`)
    assert.ok(together >= oneByOne - 0.003, `recall ${together}, and ${oneByOne} where each node is linked before the next comes`)
  })
}

test.run()
