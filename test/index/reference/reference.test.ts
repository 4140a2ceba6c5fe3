import * as assert from 'uvu/assert'
import fc from 'fast-check'
import type { CodecName, Metric } from '../../../codecs/codec.js'
import { Random } from '../../../floor/random.js'
import { type Store, STORES } from '../../../index/graph.js'
import type { KernelBuild } from '../../../index/kernel.js'
import type { Nearest } from '../../../index/searcher.js'
import { check } from '../../seed.js'
import { COMPILED, kernelSuite } from '../kernel-suite.js'
import { clustered, gaussian, MemoryIndex, trained } from '../memory-index.js'

interface History {
  dimensions: number
  metric: Metric
  codec: CodecName
  store: Store
  M: number
  efConstruction: number
  seed: number
  count: number
  data: 'gaussian' | 'clustered' | 'grid' | 'same'
  removals: number
}

const histories: fc.Arbitrary<History> = fc.record({
  dimensions: fc.constantFrom(1, 2, 3, 4, 5, 7, 8, 13, 16, 17, 31, 33),
  metric: fc.constantFrom<Metric[]>('l2', 'cosine', 'dot'),
  codec: fc.constantFrom<CodecName[]>('f32', 'sq8', 'pq', 'pq8'),
  store: fc.constantFrom(...STORES),
  M: fc.integer({ min: 2, max: 8 }),
  efConstruction: fc.oneof({ weight: 4, arbitrary: fc.integer({ min: 4, max: 40 }) }, { weight: 1, arbitrary: fc.constantFrom(149, 150) }),
  seed: fc.nat({ max: 0xffffffff }),
  count: fc.integer({ min: 1, max: 250 }),
  data: fc.constantFrom<History['data'][]>('gaussian', 'clustered', 'grid', 'same'),
  removals: fc.double({ min: 0, max: 0.6, noNaN: true })
})

function vectorsOf({ data, count, dimensions, seed }: History): Float32Array[] {
  const random = new Random(seed)
  const fill = (make: () => Float32Array): Float32Array[] => Array.from({ length: count }, make)
  if (data === 'clustered') return clustered(random, count, dimensions, 1 + random.below(8))
  if (data === 'grid') return fill(() => Float32Array.from({ length: dimensions }, () => 1 + random.below(4)))
  if (data === 'gaussian') return fill(() => gaussian(random, dimensions))
  const same = gaussian(random, dimensions)
  return fill(() => same.slice())
}

/** Stores, also under ordinals that are free again, links a part at a time, removes, searches; returns what can be seen of all that. */
function run(build: KernelBuild, history: History): { hash: string, results: Nearest[] } {
  const vectors = vectorsOf(history)
  const index = new MemoryIndex({ ...history, build }).useCodebook(trained(history, vectors))
  const random = new Random(history.seed ^ 0x5eed)
  const results: Nearest[] = []
  for (const vector of vectors) {
    const ordinal = index.add(vector)
    if (random.next() < history.removals) index.graph.remove(random.below(ordinal + 1))
    if (random.next() < history.removals) index.graph.remove(random.below(index.graph.ordinals))
    while (random.next() < 0.7) index.graph.step()
    if (random.next() < 0.1) {
      index.checkpoint()
      index.trim()
    }
    if (random.next() < 0.1) results.push(index.graph.search(vectors[random.below(vectors.length)], 1 + random.below(12), 4 + random.below(20)))
  }
  index.link()
  for (let i = 0; i < 10; i++) results.push(index.graph.search(gaussian(random, history.dimensions), 1 + random.below(12), i ? 4 + random.below(60) : 150))
  return { hash: index.hash(), results }
}

/** The hash of a graph whose sweep has come around several times, so that some nodes have few edges back. */
function halved(build: KernelBuild, M: number): string {
  const random = new Random(5)
  const options = { dimensions: 8, metric: 'cosine' as const, codec: 'sq8' as const, M, efConstruction: 20, build }
  const vectors = Array.from({ length: 250 }, () => gaussian(random, options.dimensions))
  const index = new MemoryIndex(options).useCodebook(trained(options, vectors)).fill(vectors)
  for (let i = 0; i < 125; i++) {
    index.graph.remove(random.below(250))
    index.link()
  }
  return index.hash()
}

kernelSuite('graph', COMPILED, (test, build) => {
  test('any history gives the graph and the results of the reference, bit for bit', async () => {
    await check(fc.property(histories, history => {
      assert.equal(run(build, history), run('reference', history))
    }), { numRuns: 30 })
  })

  test('a graph that loses half of its nodes is mended as the reference mends it, bit for bit', () => {
    for (const M of [4, 8]) assert.is(halved(build, M), halved('reference', M))
  })
})
