import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { codecs, type CodecName, type Metric } from '../../codecs/codec.js'
import { VectorLevelError } from '../../floor/errors.js'
import { Random } from '../../floor/random.js'
import { atOnce, byAndBy } from '../../floor/slices.js'
import { isFindable } from '../../index/graph.js'
import { findInGraph } from '../../index/graph-check.js'
import type { KernelBuild } from '../../index/kernel.js'
import type { Nearest } from '../../index/searcher.js'
import type { Arena } from '../../storage/arena.js'
import { check } from '../seed.js'
import { clustered, distanceBetween, gaussian, MemoryIndex, trained } from './memory-index.js'
import { ThreadedIndex, type ThreadedIndexOptions } from './threaded-index.js'

const test = suite('linking by several threads')
const WORKERS = [0, 1, 2, 3, 8]

interface History {
  dimensions: number
  metric: Metric
  codec: CodecName
  M: number
  efConstruction: number
  seed: number
  /** Of writes: each of them stores, replaces, or removes some. */
  writes: number
  /** How many at once, at most. */
  together: number
  data: 'gaussian' | 'clustered' | 'grid' | 'same'
  /** How ordinals come to be used again: after a checkpoint at rest. Without that there are checkpoints, and openings behind them, at any time. */
  reuse: boolean
}

const histories: fc.Arbitrary<History> = fc.record({
  dimensions: fc.integer({ min: 1, max: 20 }),
  metric: fc.constantFrom<Metric[]>('l2', 'cosine', 'dot'),
  codec: fc.constantFrom<CodecName[]>('f32', 'sq8', 'pq', 'pq8'),
  M: fc.oneof(fc.integer({ min: 2, max: 5 }), fc.constantFrom(16, 64)),
  efConstruction: fc.oneof(fc.integer({ min: 2, max: 40 }), fc.constant(150)),
  seed: fc.nat({ max: 0xffffffff }),
  writes: fc.integer({ min: 1, max: 40 }),
  together: fc.constantFrom(1, 5, 40, 100),
  data: fc.constantFrom<History['data'][]>('gaussian', 'clustered', 'grid', 'same'),
  reuse: fc.boolean()
}, { noNullPrototype: true })

function vectorsOf({ data, dimensions, seed }: History, random: Random, count: number): Float32Array[] {
  if (data === 'gaussian') return Array.from({ length: count }, () => gaussian(random, dimensions))
  if (data === 'grid') return Array.from({ length: count }, () => Float32Array.from({ length: dimensions }, () => 1 + random.below(3)))
  if (data === 'same') return Array.from({ length: count }, () => gaussian(new Random(seed), dimensions))
  return Array.from({ length: count }, () => clustered(new Random(seed + random.below(4)), 1, dimensions, 1)[0].map(value => value + 0.05 * random.normal()))
}

function findings({ graph }: MemoryIndex): string[] {
  return [...findInGraph(graph)].filter(finding => finding !== undefined)
}

/** What is written, in an order that the history alone decides. */
class Writes {
  readonly history: History
  readonly random: Random
  readonly live: number[] = []
  /** Ordinals that have been live since searches began, of each search that is under way; and the least there were. */
  readonly watches = new Set<{ live: Set<number>, least: number }>()

  constructor(history: History) {
    this.history = history
    this.random = new Random(history.seed)
  }

  /** An index of the history, with codes from the beginning. */
  open<Index extends MemoryIndex>(make: (options: History) => Index): Index {
    return make(this.history).useCodebook(trained(this.history, vectorsOf(this.history, new Random(7), 50)))
  }

  next(index: MemoryIndex): void {
    const { random, live, history } = this
    const share = random.next()
    const count = 1 + random.below(history.together)
    const vectors = share < 0.75 ? vectorsOf(history, random, count) : []
    for (let i = 0; i < count; i++) {
      const gone = share >= 0.5 && live.length ? live.splice(random.below(live.length), 1)[0] : undefined
      const vector = vectors[i]
      if (vector) live.push(index.add(vector))
      if (gone !== undefined) index.graph.remove(gone)
      for (const watch of this.watches) {
        if (vector) watch.live.add(live.at(-1)!)
        watch.least = Math.min(watch.least, live.length)
      }
    }
  }
}

/** All at once at the end, but for rests, by this thread alone. */
function alone(history: History): string {
  const writes = new Writes(history)
  const index = writes.open(options => new MemoryIndex(options))
  for (let i = 0; i < history.writes; i++) {
    writes.next(index)
    if (!history.reuse || i % 7 !== 6) continue
    while (index.graph.step());
    index.checkpoint()
    index.trim()
  }
  index.link()
  return index.hash()
}

/** By threads, whenever chance has it, with searches meanwhile. */
async function together(history: History, options: Pick<ThreadedIndexOptions, 'workers' | 'build'>): Promise<string> {
  const writes = new Writes(history)
  const timing = new Random(history.seed + 1 + options.workers)
  let index = writes.open(given => new ThreadedIndex({ ...given, ...options }))
  const searches: Promise<void>[] = []
  try {
    for (let i = 0; i < history.writes; i++) {
      index.threads!.stop(() => writes.next(index))
      for (let left = timing.below(4); left > 0; left--) {
        index.start('batches', timing.below(200))
        for (let i = timing.below(4); i > 0; i--) searches.push(search(index, writes, timing))
        if (timing.below(3)) await index.rest()
        if (timing.below(10) === 0) searches.push(search(index, writes, timing, true))
      }
      if (history.reuse ? i % 7 === 6 : timing.below(10) === 0) {
        await (history.reuse ? index.linkTogether('batches') : index.rest())
        await Promise.all(searches.splice(0))
        const state = index.checkpoint()
        if (timing.below(2)) index = await index.reopenTogether(state)
        if (history.reuse) index.trim()
      }
    }
    await index.linkTogether('tasks', timing.below(200))
    await Promise.all(searches)
    assert.equal(findings(index), [])
    return index.hash()
  } finally {
    await Promise.allSettled(searches)
    await index.close()
  }
}

/** What is found must have been live at some moment since the search began, and k of it, as many as there always were. */
async function search(index: ThreadedIndex, writes: Writes, timing: Random, here = false): Promise<void> {
  const { history, live } = writes
  const k = 1 + timing.below(20)
  const vector = gaussian(timing, history.dimensions)
  const { revision } = index.graph
  const watch = { live: new Set(live), least: live.length }
  writes.watches.add(watch)
  let nearest: Nearest
  try {
    nearest = here ? index.graph.search(vector, k, 20) : await index.ask(vector, k, 20)
  } finally {
    writes.watches.delete(watch)
  }
  const { found } = nearest
  assert.ok(found.length >= Math.min(k, watch.least), `${found.length} of ${k}, ${watch.least} were live`)
  assert.is(new Set(found.map(({ ordinal }) => ordinal)).size, found.length, 'each of them once')
  for (const [i, { ordinal, distance }] of found.entries()) {
    assert.ok(watch.live.has(ordinal), `ordinal ${ordinal} was live`)
    if (i) assert.ok(distance >= found[i - 1].distance, 'nearest first')
    if (revision !== index.graph.revision) continue
    const right = distanceBetween(history.metric, vector, index.vectors.get(ordinal)!)
    assert.ok(Math.abs(distance - right) <= 1e-3 * Math.max(1, Math.abs(right)), `ordinal ${ordinal} is ${distance} away, not ${right}`)
  }
}

// So that the threads are there all the time.
const anchor = new ThreadedIndex({ dimensions: 1, workers: 8 })
test.after(() => anchor.close())

test('the graph is a function of the order of operations, whenever it is linked and by however many threads', async () => {
  await check(fc.asyncProperty(histories, async history => {
    const expected = alone(history)
    for (const workers of WORKERS) assert.is(await together(history, { workers }), expected, `workers: ${workers}`)
  }), { numRuns: 12 })
})

test('the same in plain TypeScript', async () => {
  const build: KernelBuild = 'reference'
  await check(fc.asyncProperty(histories, async history => {
    const short = { ...history, writes: Math.min(history.writes, 10), efConstruction: Math.min(history.efConstruction, 20) }
    assert.is(await together(short, { workers: 2, build }), alone(short))
  }), { numRuns: 4 })
})

/** Below this many rows none fit into the memory together. */
const LARGE = { dimensions: 400, M: 8, efConstruction: 30, cacheBytes: 4 * 2 ** 20 }

test('threads that share a memory which holds a part of the graph make the same one', async () => {
  const vectors = clustered(new Random(3), 3000, LARGE.dimensions, 20)
  const fill = async (index: ThreadedIndex): Promise<string> => {
    const searches: Promise<unknown>[] = []
    for (const [i, vector] of vectors.entries()) {
      index.threads!.stop(() => index.add(vector))
      if (index.cache.isCrowded()) {
        await index.rest()
        index.checkpoint()
      }
      if (i % 3 === 0) index.start('batches')
      if (i % 20 === 0) searches.push(index.ask(vectors[i >> 1], 5, 30).then(({ found }) => assert.is(found[0].ordinal, i >> 1)))
      if (i % 20 === 0) await index.rest()
    }
    await Promise.all(searches)
    while (index.start('tasks')) {
      await index.rest()
      if (index.cache.isCrowded()) index.checkpoint()
    }
    assert.ok(index.cache.counts().evictions > 1000, `${index.cache.counts().evictions} evictions`)
    assert.equal(findings(index), [])
    const hash = index.hash()
    await index.close()
    return hash
  }
  const expected = new MemoryIndex({ ...LARGE, cacheBytes: 64 * 2 ** 20 }).fill(vectors).hash()
  for (const workers of [0, 2, 8]) assert.is(await fill(new ThreadedIndex({ ...LARGE, workers })), expected, `workers: ${workers}`)
})

test('codes that are made again while the threads link and search do not change the graph', async () => {
  const { trainingCount } = codecs.sq8
  const run = async (workers: number, seed: number): Promise<string> => {
    const random = new Random(5)
    const timing = new Random(seed)
    const index = new ThreadedIndex({ dimensions: 4, codec: 'sq8', M: 4, efConstruction: 10, workers })
    const { graph, threads } = index
    const live: number[] = []
    let recoded = false
    for (let i = 0; i < trainingCount + 400; i++) {
      const vector = gaussian(random, 4).map((value, at) => i >= trainingCount + 100 ? 3 * value + (at & 1 ? -40 : 40) : value / 10 + 1)
      // Another codebook may be due before all codes are those of the last.
      if (graph.recoded !== undefined) await index.rest()
      recoded ||= graph.recoded !== undefined
      threads!.stop(() => {
        live.push(index.add(vector))
        if (live.length > trainingCount + 50) graph.remove(live.shift()!)
        if (graph.wantsTraining) atOnce(graph.train())
      })
      if (i === trainingCount) await index.linkTogether()
      if (timing.below(5) === 0) index.start('batches', timing.below(300))
      if (timing.below(3) === 0) await index.rest()
      if (i % 50 === 49) assert.is((await index.ask(vector, 10, 40)).found.length, 10)
    }
    await index.linkTogether()
    assert.ok(recoded)
    assert.ok(live.every(ordinal => isFindable(graph.stateOf(ordinal))))
    assert.equal(findings(index), [])
    const hash = index.hash()
    await index.close()
    return hash
  }
  const expected = await run(0, 1)
  for (const workers of [0, 1, 3, 8]) assert.is(await run(workers, 2 + workers), expected, `workers: ${workers}`)
})

for (const codec of ['pq', 'pq8'] as const) {
  test(`${codec}: codebooks, and codes that are made together, are the same by any number of threads`, async () => {
    const run = async (workers: number, hasRoom = true): Promise<string> => {
      const random = new Random(7)
      const index = new ThreadedIndex({ dimensions: 10, codec, codeBytes: 3, M: 4, efConstruction: 10, workers })
      const refused = hasRoom ? undefined : refuseEncodings(index.arena)
      const { graph } = index
      const { trainingCount } = codecs[codec]
      for (let i = 0; i < trainingCount; i++) index.add(gaussian(random, 10))
      await byAndBy(graph.train(), 1)
      await index.linkTogether()
      const others = Array.from({ length: 100 }, (_, i) => ({ ordinal: trainingCount + i, vector: gaussian(random, 10) }))
      await byAndBy(graph.storeAll(others.map(other => ({ ...other, label: { key: Buffer.from('a'), metadata: Buffer.alloc(0) } }))), 1)
      for (const { ordinal, vector } of others) {
        index.vectors.set(ordinal, vector)
        graph.show(ordinal)
      }
      await index.linkTogether()
      assert.equal(findings(index), [])
      assert.ok(others.every(({ ordinal, vector }) => graph.hasRightCode(ordinal, vector)))
      if (refused) assert.ok(refused() > 100)
      const hash = index.hash()
      await index.close()
      return hash
    }
    const expected = await run(0)
    for (const workers of [1, 3]) assert.is(await run(workers), expected, `workers: ${workers}`)
    assert.is(await run(2, false), expected, 'without room for what threads are given')
  })
}

/** Leaves no room for vectors that other threads are to encode; returns how often it was wanted. */
function refuseEncodings(arena: Arena): () => number {
  let refused = 0
  const allocate = arena.allocate.bind(arena)
  arena.allocate = (byteLength, use) => {
    if (!new Error().stack!.includes('new Encoding')) return allocate(byteLength, use)
    refused++
    throw new VectorLevelError('VECTOR_FULL', 'no room')
  }
  return () => refused
}

test('what is removed before it has got its first code changes the graph as much as what is removed later', async () => {
  const run = async (workers: number, steps: number): Promise<string> => {
    const random = new Random(5)
    const index = new ThreadedIndex({ dimensions: 4, codec: 'sq8', M: 4, efConstruction: 10, workers })
    const { graph } = index
    for (let i = 0; i < codecs.sq8.trainingCount; i++) index.add(gaussian(random, 4))
    atOnce(graph.train())
    for (let i = 0; i < steps; i++) graph.step()
    for (let ordinal = 0; ordinal < 600; ordinal += 3) graph.remove(ordinal)
    await index.linkTogether()
    assert.equal(findings(index), [])
    const hash = index.hash()
    await index.close()
    return hash
  }
  const expected = await run(0, 0)
  for (const steps of [1, 10, 1000]) assert.is(await run(1, steps), expected, `${steps} steps before`)
})

test.run()
