import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import fc from 'fast-check'
import { codecs, type CodecName, type Metric } from '../../codecs/codec.js'
import { atOnce } from '../../floor/slices.js'
import { Random } from '../../floor/random.js'
import { isFindable } from '../../index/graph.js'
import type { Nearest } from '../../index/searcher.js'
import { findInGraph } from '../../index/graph-check.js'
import { BATCH, STATE_FREE, STATE_GHOST, STATE_LIVE } from '../../index/kernel/layout.js'
import { check } from '../seed.js'
import { clustered, distanceBetween, gaussian, MemoryIndex, type MemoryIndexOptions, trained } from './memory-index.js'

const test = suite('Graph')
const METRICS: Metric[] = ['l2', 'cosine', 'dot']
const CODECS: CodecName[] = ['f32', 'sq8', 'pq', 'pq8']

/** An index with codes from the beginning. */
function open(options: MemoryIndexOptions, vectors: Float32Array[]): MemoryIndex {
  return new MemoryIndex(options).useCodebook(trained(options, vectors))
}

function findings(index: MemoryIndex): string[] {
  return [...findInGraph(index.graph)].filter(finding => finding !== undefined)
}

function close(actual: number[], expected: number[], message: string): void {
  assert.is(actual.length, expected.length, message)
  for (const [i, distance] of actual.entries()) {
    assert.ok(Math.abs(distance - expected[i]) <= 1e-4 * Math.max(1, Math.abs(expected[i])), `${message}: result ${i} has distance ${distance}, not ${expected[i]}`)
  }
}

const distances = ({ found }: Nearest): number[] => found.map(({ distance }) => distance)

const shapes = fc.record({
  dimensions: fc.integer({ min: 1, max: 20 }),
  metric: fc.constantFrom(...METRICS),
  codec: fc.constantFrom(...CODECS),
  M: fc.integer({ min: 2, max: 10 }),
  efConstruction: fc.oneof(fc.integer({ min: 4, max: 60 }), fc.constant(160)),
  seed: fc.nat({ max: 0xffffffff })
}, { noNullPrototype: true })
const counts = fc.oneof(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 600 }))
const kinds = fc.constantFrom<Kind[]>('gaussian', 'clustered', 'grid', 'same', 'line')
type Kind = 'gaussian' | 'clustered' | 'grid' | 'same' | 'line'

function makeVectors(kind: Kind, random: Random, count: number, dimensions: number): Float32Array[] {
  if (kind === 'clustered') return clustered(random, count, dimensions, 1 + random.below(10), 0.05)
  const one = gaussian(random, dimensions)
  return Array.from({ length: count }, (_, number) => {
    if (kind === 'same') return one.slice()
    if (kind === 'line') return one.map(value => value * (1 + number))
    if (kind === 'grid') return one.map(() => 1 + random.below(3))
    return gaussian(random, dimensions)
  })
}

test('nothing is found in the graph of any vectors, and its degrees are within bounds', async () => {
  await check(fc.property(shapes, counts, kinds, (options, count, kind) => {
    const vectors = makeVectors(kind, new Random(options.seed), count, options.dimensions)
    const index = open(options, vectors).fill(vectors)
    const { graph } = index
    assert.equal(findings(index), [])
    assert.is(graph.unlinked, 0)
    let edges = 0
    for (let ordinal = 0; ordinal < count; ordinal++) {
      const { protectedCount, neighbors } = graph.baseNode(ordinal)
      assert.ok(neighbors.length <= 2 * options.M, `ordinal ${ordinal} has ${neighbors.length} neighbors`)
      assert.ok(protectedCount <= options.M, `ordinal ${ordinal} has ${protectedCount} protected neighbors`)
      assert.ok(neighbors.length > 0 || count === 1, `ordinal ${ordinal} has no neighbor`)
      edges += protectedCount
    }
    assert.is(edges, 2 * (count - 1), 'the protected edges are a tree')
    for (let slot = 0; slot < graph.slots; slot++) {
      const { level, neighbors } = graph.upperNode(slot)
      assert.ok(neighbors.length <= options.M, `slot ${slot} has ${neighbors.length} neighbors`)
      assert.ok(level >= 1 && level <= graph.levels, `slot ${slot} has level ${level} of ${graph.levels}`)
    }
  }), { numRuns: 60 })
})

test('every node can be reached from every other by protected edges alone', async () => {
  await check(fc.property(shapes, counts, kinds, (options, count, kind) => {
    const vectors = makeVectors(kind, new Random(options.seed), count, options.dimensions)
    const { graph } = open(options, vectors).fill(vectors)
    const reached = new Set([count - 1])
    for (const ordinal of reached) {
      const { protectedCount, neighbors } = graph.baseNode(ordinal)
      for (const neighbor of neighbors.slice(0, protectedCount)) reached.add(neighbor)
    }
    assert.is(reached.size, count)
  }), { numRuns: 40 })
})

test('a search whose beam can hold everything finds the nearest by their distances', async () => {
  await check(fc.property(shapes, counts, kinds, fc.integer({ min: 1, max: 30 }), fc.double({ min: 0, max: 0.9, noNaN: true }), (options, count, kind, k, removed) => {
    const random = new Random(options.seed)
    const vectors = makeVectors(kind, random, count, options.dimensions)
    const index = open(options, vectors).fill(vectors)
    for (let ordinal = 0; ordinal < count; ordinal++) if (random.next() < removed) index.graph.remove(ordinal)
    for (let query = 0; query < 3; query++) {
      const vector = query ? gaussian(random, options.dimensions) : vectors[random.below(count)]
      const expected = index.bruteForce(vector, k)
      close(distances(index.graph.exact(vector, k)), expected, 'exact')
      close(distances(index.graph.search(vector, k, count)), expected, 'search')
      // Codes order what they cannot tell apart by chance, so only exact ones are sure to end with the nearest.
      if (index.graph.live && options.codec === 'f32') close(index.widestSearch(vector, Math.min(k, index.graph.live)), expected, 'the beam')
    }
  }), { numRuns: 60 })
})

test('searching finds k live results whenever k are live, nearest first and none twice', async () => {
  const removals = fc.constantFrom<('none' | 'random' | 'half' | 'all but one' | 'all')[]>('none', 'random', 'half', 'all but one', 'all')
  await check(fc.property(shapes, fc.integer({ min: 1, max: 800 }), kinds, removals, fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 50 }), (options, count, kind, removal, k, ef) => {
    const random = new Random(options.seed)
    const vectors = makeVectors(kind, random, count, options.dimensions)
    const index = open(options, vectors).fill(vectors)
    const { graph } = index
    const survivor = random.below(count)
    for (let ordinal = 0; ordinal < count; ordinal++) {
      const goes = { none: false, random: random.next() < 0.3, half: ordinal < count / 2, 'all but one': ordinal !== survivor, all: true }[removal]
      if (goes) graph.remove(ordinal)
    }
    for (let query = 0; query < 3; query++) {
      const { found } = graph.search(gaussian(random, options.dimensions), k, ef)
      assert.is(found.length, Math.min(k, graph.live))
      assert.is(new Set(found.map(({ ordinal }) => ordinal)).size, found.length)
      for (const [i, { ordinal, distance }] of found.entries()) {
        assert.ok(isFindable(graph.stateOf(ordinal)))
        if (i) assert.ok(distance >= found[i - 1].distance)
      }
    }
    assert.equal(findings(index), [])
  }), { numRuns: 60 })
})

test('an empty graph finds nothing, and nothing is wrong with it', () => {
  const index = new MemoryIndex({ dimensions: 3 })
  assert.equal(index.graph.search(Float32Array.of(1, 2, 3), 5, 10), { found: [], exact: true, partial: false })
  assert.equal(index.graph.exact(Float32Array.of(1, 2, 3), 5).found, [])
  assert.equal(findings(index), [])
  assert.not(index.graph.step())
})

test('one vector is found by every search', () => {
  for (const metric of METRICS) {
    for (const codec of CODECS) {
      const options = { dimensions: 3, metric, codec }
      const vectors = [Float32Array.of(1, 2, 3)]
      const { graph } = open(options, vectors).fill(vectors)
      assert.equal(graph.search(Float32Array.of(-1, 0, 7), 5, 1).found.map(({ ordinal }) => ordinal), [0])
    }
  }
})

test('the same vector 300 times is 300 results, with M = 2 as well', () => {
  for (const M of [2, 16]) {
    for (const codec of CODECS) {
      const options = { dimensions: 8, codec, M }
      const vectors = Array.from({ length: 300 }, () => Float32Array.of(1, 2, 3, 4, 5, 6, 7, 8))
      const index = open(options, vectors).fill(vectors)
      assert.equal(findings(index), [])
      assert.is(index.graph.search(vectors[0], 300, 10).found.length, 300)
      assert.is(index.widestSearch(vectors[0], 300).length, 300, 'all by the graph alone')
    }
  }
})

test('vectors that are not linked yet are found, and so they are while they are linked', () => {
  const random = new Random(11)
  for (const codec of CODECS) {
    const options = { dimensions: 6, codec, M: 4 }
    const vectors = Array.from({ length: 500 }, () => gaussian(random, 6))
    const index = open(options, vectors)
    for (const vector of vectors) index.add(vector)
    for (let linked = 0; ; linked++) {
      if (linked % 5 === 0) {
        for (let i = 0; i < 500; i += 41) assert.is(index.graph.search(vectors[i], 1, 16).found[0].ordinal, i, `${linked} batches of 500 are linked`)
      }
      if (!index.graph.step()) break
    }
    assert.ok(index.graph.unlinked < BATCH)
    index.link()
    assert.is(index.graph.unlinked, 0)
  }
})

test('removing is idempotent, before and after linking', () => {
  const random = new Random(12)
  const vectors = Array.from({ length: 100 }, () => gaussian(random, 4))
  const index = new MemoryIndex({ dimensions: 4 })
  for (const vector of vectors) index.add(vector)
  index.graph.remove(3)
  index.graph.remove(3)
  assert.is(index.graph.live, 99)
  index.link()
  index.graph.remove(3)
  index.graph.remove(70)
  assert.is(index.graph.live, 98)
  index.link()
  assert.is(index.graph.stateOf(3), STATE_FREE)
  assert.equal(findings(index), [])
})

test('codes are trained at the stated count and not before; until then search is exact', () => {
  const random = new Random(13)
  const { trainingCount } = codecs.sq8
  const index = new MemoryIndex({ dimensions: 5, codec: 'sq8', metric: 'cosine' })
  const { graph } = index
  for (let i = 0; i < trainingCount; i++) {
    assert.not(graph.wantsTraining, `${i} vectors`)
    assert.not(graph.trained)
    assert.not(graph.step())
    index.add(gaussian(random, 5))
    if (i % 400 === 7) {
      const query = gaussian(random, 5)
      close(distances(graph.search(query, 10, 10)), index.bruteForce(query, 10), `${i} vectors`)
    }
  }
  assert.ok(graph.wantsTraining)
  const gone = [0, 5, 1999]
  for (const ordinal of gone) graph.remove(ordinal)
  atOnce(graph.train())
  assert.ok(graph.trained)
  assert.not(graph.wantsTraining)
  assert.is(graph.codebook!.values.length, 6)
  index.link()
  assert.is(graph.unlinked, 0)
  for (const ordinal of gone) assert.not(graph.isLinked(ordinal), 'what was removed before the training never enters the graph')
  assert.equal(findings(index), [])
  index.fill(Array.from({ length: 50 }, () => gaussian(random, 5)))
  assert.equal(findings(index), [])
  assert.is(graph.search(index.vectors.get(2010)!, 1, 64).found[0].ordinal, 2010)
})

test('where codes are all that is stored, distances are theirs, records are not read, and what has no code yet is measured by its record', () => {
  const random = new Random(21)
  for (const metric of METRICS) {
    const options = { dimensions: 24, codec: 'sq8' as const, metric, store: 'codes' as const }
    const { trainingCount } = codecs.sq8
    const index = new MemoryIndex(options)
    const { graph, kernel, scratch } = index
    for (let i = 0; i < trainingCount; i++) index.add(gaussian(random, 24))
    assert.not(graph.approximate)
    atOnce(graph.train())
    assert.ok(graph.approximate)
    const decodedQuery = (query: Float32Array): Float32Array => {
      graph.load(query)
      kernel.encodeRow(graph.ptr, scratch.ptr, scratch.row)
      return codecs.sq8.decode(index.arena.bytes.slice(scratch.row, scratch.row + graph.rowBytes.codes), graph.codebook!, graph.options)
    }
    // Of codes that are not of unit length the kernel means half of the squared distance.
    const between = (a: Float32Array, b: Float32Array): number => (metric === 'cosine' ? distanceBetween('l2', a, b) / 2 : distanceBetween(metric, a, b))
    const expected = (query: Float32Array, k: number): number[] => {
      const code = decodedQuery(query)
      const live = [...index.vectors].filter(([ordinal]) => isFindable(graph.stateOf(ordinal)))
      return live.map(([ordinal, vector]) => (graph.stateOf(ordinal) === STATE_LIVE ? between(code, graph.decode(ordinal)) : distanceBetween(metric, query, vector)))
        .sort((a, b) => a - b).slice(0, k)
    }
    for (const linked of [0, 40, 80]) {
      for (let i = 0; i < 40; i++) graph.step()
      const query = gaussian(random, 24)
      close(distances(graph.exact(query, 20)), expected(query, 20), `exact, ${linked} batches are linked`)
      close(distances(graph.search(query, 20, 10_000)), expected(query, 20), `search, ${linked} batches are linked`)
    }
    index.link()
    for (let i = 0; i < 30; i++) index.add(gaussian(random, 24))
    for (let i = 0; i < trainingCount; i += 3) graph.remove(i)
    const reads = index.recordReads
    for (let i = 0; i < 20; i++) {
      const query = gaussian(random, 24)
      close(distances(graph.exact(query, 20)), expected(query, 20), 'exact, all have codes')
      const [nearest, found] = [expected(query, 10), distances(graph.search(query, 10, 200))]
      close(found.filter((_, i) => i === 0 || found[i - 1] <= found[i]), found, 'nearest first')
      assert.ok(found.filter(distance => distance <= nearest[9] * (1 + 1e-5) + 1e-5).length >= 8, `${metric}: ${found}, not ${nearest}`)
    }
    assert.is(index.recordReads, reads)
    assert.equal(findings(index), [])
  }
})

test('vectors are not given up before a checkpoint that has all their codes', () => {
  const random = new Random(22)
  const index = new MemoryIndex({ dimensions: 5, codec: 'sq8', store: 'codes' })
  const { graph } = index
  const keeps = (): boolean[] => [graph.coded, graph.keepsCodes]
  for (let i = 0; i < codecs.sq8.trainingCount; i++) index.add(gaussian(random, 5))
  graph.noteCheckpoint()
  assert.equal(keeps(), [true, false], 'before the training')
  atOnce(graph.train())
  assert.equal(keeps(), [false, false], 'codes are to be made')
  graph.noteCheckpoint()
  index.link()
  assert.equal(keeps(), [false, false], 'the checkpoint has not all of them')
  graph.noteCheckpoint()
  assert.equal(keeps(), [true, true])
})

test('nothing is trained on when all were removed', () => {
  const index = new MemoryIndex({ dimensions: 2, codec: 'sq8' })
  for (let i = 0; i < codecs.sq8.trainingCount; i++) index.graph.remove(index.add(Float32Array.of(i, 1)))
  assert.not(index.graph.wantsTraining)
  assert.equal(index.graph.search(Float32Array.of(1, 1), 3, 3).found, [])
})

test('the graph is a function of the order of operations, not of when it is linked', () => {
  const random = new Random(14)
  const options = { dimensions: 7, M: 5 }
  const vectors = Array.from({ length: 400 }, () => gaussian(random, 7))
  const atOnce = new MemoryIndex(options)
  for (const vector of vectors) {
    atOnce.add(vector)
    atOnce.graph.step()
    assert.not(atOnce.graph.step())
  }
  atOnce.link()
  const later = new MemoryIndex(options).fill(vectors)
  const inBetween = new MemoryIndex(options)
  for (const [i, vector] of vectors.entries()) {
    inBetween.add(vector)
    if (i % 3) inBetween.graph.step()
    inBetween.graph.search(vector, 5, 20)
  }
  inBetween.link()
  assert.is(later.hash(), atOnce.hash())
  assert.is(inBetween.hash(), atOnce.hash())
})

test('a graph goes on from a checkpoint as if there had been none', () => {
  const random = new Random(15)
  for (const codec of CODECS) {
    const options = { dimensions: 9, codec, metric: 'cosine' as const, M: 4 }
    const vectors = clustered(random, 500, 9, 5)
    const whole = open(options, vectors).fill(vectors)
    const before = open(options, vectors)
    for (const [i, vector] of vectors.slice(0, 300).entries()) {
      before.add(vector)
      if (i % 100 === 50) before.checkpoint()
      if (i % 4) before.graph.step()
    }
    const after = before.reopen(before.checkpoint())
    assert.is(after.hash(), before.hash())
    after.fill(vectors.slice(300))
    assert.is(after.hash(), whole.hash(), codec)
    assert.equal(findings(after), [])
  }
})

test('an index that is built anew is searched from the beginning, and ends with the same neighbors', () => {
  const random = new Random(16)
  for (const codec of CODECS) {
    for (const metric of METRICS) {
      const options = { dimensions: 6, codec, metric, M: 4 }
      const count = codecs[codec].trainingCount ? codecs[codec].trainingCount + 100 : 600
      const vectors = clustered(random, count, 6, 8)
      const index = new MemoryIndex(options)
      const dead = (ordinal: number): boolean => ordinal % 7 === 3 && ordinal < 90
      for (const [ordinal, vector] of vectors.entries()) if (!dead(ordinal)) index.vectors.set(ordinal, vector)
      const { graph } = index
      atOnce(graph.rebuild(Uint32Array.from(index.vectors.keys()), count))
      assert.is(graph.live, index.vectors.size)
      assert.is(graph.ordinals, count)
      assert.is(graph.rebuilding, index.vectors.size)
      for (let linked = 0; ; linked++) {
        if (linked % 20 === 0) {
          const query = gaussian(random, 6)
          close(distances(graph.search(query, 10, 10 + 32 * linked)), index.bruteForce(query, 10), `${linked} batches of ${count} are linked`)
        }
        if (linked === 10) {
          graph.remove(200)
          index.add(gaussian(random, 6))
        }
        if (!graph.step()) break
      }
      assert.is(graph.rebuilding, 0)
      index.link()
      assert.is(graph.stateOf(200), STATE_GHOST, 'what was removed before its turn came has entered the graph as well')
      assert.equal(findings(index), [])
      const query = gaussian(random, 6)
      close(distances(graph.exact(query, 20)), index.bruteForce(query, 20), 'at the end')
    }
  }
})

test('an ordinal that three bytes cannot name as a neighbor is VECTOR_FULL', () => {
  const index = new MemoryIndex({ dimensions: 1, M: 2, cacheBytes: 128 * 2 ** 20 })
  const last = 0xfffffe
  index.graph.restore({ ...index.graph.state(), ordinals: last })
  assert.is(index.add(Float32Array.of(1)), last)
  assert.throws(() => index.add(Float32Array.of(2)), (error: { code?: string }) => error.code === 'VECTOR_FULL')
})

/** Of uniform numbers, so that no machine's logarithm decides. */
function fixedVectors(): Float32Array[] {
  const random = new Random(2026)
  return Array.from({ length: 400 }, () => Float32Array.from({ length: 12 }, () => random.next() - 0.5))
}

/** Set anew when the graph is changed on purpose; stores of earlier versions keep theirs. */
const GOLDEN: [CodecName, Metric, string][] = [
  ['f32', 'l2', '123bf4b101fbcd58'],
  ['f32', 'cosine', 'e1d3ed3eae1f2107'],
  ['f32', 'dot', 'b68f936c16b132aa'],
  ['sq8', 'l2', '714be5813181177d'],
  ['sq8', 'cosine', '308454608b0b3034'],
  ['sq8', 'dot', 'c10c7a4ae435f864'],
  ['pq', 'l2', '89bce07f88e00068'],
  ['pq', 'cosine', 'd5acbb32f65189a0'],
  ['pq8', 'dot', '569f91a7f59e58f1']
]

test('the graphs of fixed vectors are these, to the bit', () => {
  const hashes = GOLDEN.map(([codec, metric]) => {
    const options = { dimensions: 12, codec, metric, M: 6, efConstruction: 50, seed: 9 }
    return [codec, metric, open(options, fixedVectors()).fill(fixedVectors()).hash()]
  })
  assert.equal(hashes, GOLDEN)
})

test('an ordinal whose vector was never stored can be shown, however far it is beyond the others', () => {
  const { graph } = new MemoryIndex({ dimensions: 4, codec: 'f32' })
  graph.show(500_000)
  assert.ok(graph.states.capacity * graph.states.rowsPerBlock > 500_000)
  assert.is(graph.stateOf(500_000), STATE_LIVE)
})

test.run()
