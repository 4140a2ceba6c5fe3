import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { codecs } from '../../codecs/codec.js'
import { Random } from '../../floor/random.js'
import type { Nearest, Rerank } from '../../index/searcher.js'
import { clustered, MemoryIndex, trained } from './memory-index.js'

const test = suite('rerank')
const COUNT = 4000
const QUERIES = 100
const K = 10
const DIMENSIONS = 32

/** Codes of 4 bytes for vectors of 32 components: coarse ones. */
function coarse(): { index: MemoryIndex, queries: Float32Array[] } {
  const vectors = clustered(new Random(8), COUNT + QUERIES, DIMENSIONS, 40)
  const options = { dimensions: DIMENSIONS, codec: 'pq', codeBytes: 4, M: 16, efConstruction: 100 } as const
  return { index: new MemoryIndex(options).useCodebook(trained(options, vectors.slice(0, 1000))).fill(vectors.slice(0, COUNT)), queries: vectors.slice(COUNT) }
}

const { index, queries } = coarse()
const distances = ({ found }: Nearest): number[] => found.map(({ distance }) => distance)
const exact = queries.map(query => distances(index.graph.exact(query, K)))

/** Recall, records that were measured and distances between codes, of a search each. */
function measure(ef: number, rerank: Rerank): { recall: number, codes: number } {
  const before = index.scratch.counters.distances
  let hits = 0
  for (const [i, query] of queries.entries()) hits += distances(index.graph.search(query, K, ef, rerank)).filter(distance => distance <= exact[i]![K - 1]!).length
  return { recall: hits / (QUERIES * K), codes: (index.scratch.counters.distances - before) / QUERIES }
}

test('with auto, a narrow beam is widened until the recall that was asked for is reached, and no farther', () => {
  const [half, most, all] = [0.5, 0.9, 0.99].map(recallTarget => measure(16, { oversample: 'auto', recallTarget }))
  for (const [found, target] of [[half!, 0.5], [most!, 0.9], [all!, 0.99]] as const) {
    // Errors are not quite distributed as it is assumed.
    assert.ok(found.recall >= target - 0.05, `recall ${found.recall} for ${target}`)
  }
  assert.ok(half!.codes < most!.codes && most!.codes < all!.codes, `${half!.codes}, ${most!.codes}, ${all!.codes} distances`)
})

test('so many times k are measured, neither more nor fewer, and the beam holds them', () => {
  const [one, four, many] = [1, 4, 40].map(oversample => measure(16, { oversample, recallTarget: 0.99 }))
  assert.ok(one!.recall < four!.recall && four!.recall < many!.recall, `${one!.recall}, ${four!.recall}, ${many!.recall}`)
  assert.ok(many!.recall > 0.9, `${many!.recall}`)
  const reads: number[] = []
  for (const oversample of [1, 2.5, 8]) {
    const other = index.reopen(index.checkpoint())
    other.graph.search(queries[0]!, K, 16, { oversample, recallTarget: 0.99 })
    reads.push(other.recordReads)
  }
  assert.equal(reads, [10, 25, 80])
})

test('where codes are good, auto measures few and widens nothing', () => {
  const vectors = clustered(new Random(8), 3000, DIMENSIONS, 40)
  const options = { dimensions: DIMENSIONS, codec: 'sq8', M: 16, efConstruction: 100 } as const
  const good = new MemoryIndex(options).useCodebook(trained(options, vectors)).fill(vectors)
  const other = good.reopen(good.checkpoint())
  const search = (rerank: Rerank): number => {
    const before = other.scratch.counters.distances
    other.graph.search(queries[0]!, K, 64, rerank)
    return other.scratch.counters.distances - before
  }
  const auto = search({ oversample: 'auto', recallTarget: 0.99 })
  assert.ok(other.recordReads <= 32, `${other.recordReads} records`)
  assert.is(auto, search({ oversample: 2, recallTarget: 0.99 }))
})

test('a beam is widened to what there is room for from the beginning, and no farther', () => {
  const other = index.reopen(index.checkpoint())
  const { widest } = codecs.pq
  for (const ef of [16, 400]) {
    const job = other.graph.ask(queries[0]!, K, ef, false, { oversample: 'auto', recallTarget: 1 })
    other.kernel.find(other.graph.ptr, other.scratch.ptr, job.ptr)
    assert.is(job.needs, 0)
    assert.is(job.read().found.length, K)
    job.release()
  }
  assert.ok(widest! >= 400)
})

test('where nothing is measured again, oversample does not widen the beam', () => {
  const vectors = clustered(new Random(8), 2000, DIMENSIONS, 40)
  const exact = new MemoryIndex({ dimensions: DIMENSIONS, codec: 'f32', M: 16, efConstruction: 100 }).fill(vectors)
  const count = (oversample: number): number => {
    const before = exact.scratch.counters.distances
    exact.graph.search(queries[0]!, K, 32, { oversample, recallTarget: 0.99 })
    return exact.scratch.counters.distances - before
  }
  assert.is(count(40), count(1))
})

test('deleted ones are not measured, and k are found', () => {
  const other = index.reopen(index.checkpoint())
  for (let ordinal = 0; ordinal < COUNT; ordinal += 2) other.graph.remove(ordinal)
  for (const rerank of [{ oversample: 1, recallTarget: 0.99 }, { oversample: 'auto', recallTarget: 1 }] as const) {
    for (const query of queries.slice(0, 20)) {
      const { found } = other.graph.search(query, K, 16, rerank)
      assert.is(found.length, K)
      assert.ok(found.every(({ ordinal }) => ordinal % 2 === 1))
    }
  }
})

test.run()
