import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { type CodecChoice, codecs, type CodecName, type Metric } from '../../codecs/codec.js'
import { atOnce, byAndBy, SLICE_MS } from '../../floor/slices.js'
import { Random } from '../../floor/random.js'
import { isFindable } from '../../index/graph.js'
import { findInGraph } from '../../index/graph-check.js'
import { localOrder } from '../../index/local-order.js'
import { Renumbered } from '../../index/renumber.js'
import { check } from '../seed.js'
import { gaussian, MemoryIndex, type MemoryIndexOptions } from './memory-index.js'
import { ThreadedIndex } from './threaded-index.js'

const test = suite('change of codec')
const NAMES: CodecName[] = ['f32', 'sq8', 'pq', 'pq8']
const METRICS: Metric[] = ['l2', 'cosine', 'dot']
/** What each codec is trained on at least, and some more. */
const COUNT = 4000 + 60
const DIMENSIONS = 8

function choice(codec: CodecName, codeBytes = codecs[codec].codeBytes?.usual(DIMENSIONS)): CodecChoice {
  return { codec, ...(codeBytes !== undefined && { codeBytes }) }
}

function vectors(seed: number, count: number): Float32Array[] {
  const random = new Random(seed)
  return Array.from({ length: count }, () => gaussian(random, DIMENSIONS).map((value, i) => value * (1 + i % 3)))
}

const STORED = vectors(1, COUNT)
const MORE = vectors(2, 400)

/** An index of STORED, all of it linked; the first of a shape is kept for others. */
const made = new Map<string, { index: MemoryIndex, state: ReturnType<MemoryIndex['checkpoint']> }>()
function stored(options: Omit<MemoryIndexOptions, 'dimensions'>): MemoryIndex {
  const name = JSON.stringify(options)
  let known = made.get(name)
  if (!known) {
    const index = new MemoryIndex({ dimensions: DIMENSIONS, M: 4, efConstruction: 16, ...options })
    for (const vector of STORED) put(index, vector)
    index.link()
    made.set(name, known = { index, state: index.checkpoint() })
  }
  return known.index.reopen(known.state)
}

function put(index: MemoryIndex, vector: Float32Array): number {
  const ordinal = index.add(vector)
  if (index.graph.wantsTraining) atOnce(index.graph.train())
  return ordinal
}

/** Goes on from a checkpoint, behind which the records of what was removed are gone. */
function reopened(index: MemoryIndex): MemoryIndex {
  const next = index.reopen(index.checkpoint())
  for (const ordinal of next.vectors.keys()) if (!isFindable(next.graph.stateOf(ordinal))) next.vectors.delete(ordinal)
  return next
}

function findings(index: MemoryIndex): string[] {
  return [...findInGraph(index.graph)].filter(finding => finding !== undefined)
}

function expectExact(index: MemoryIndex, queries: Float32Array[]): void {
  for (const query of queries) {
    const { found } = index.graph.exact(query, 5)
    const distances = index.bruteForce(query, 5)
    for (const [i, { distance }] of found.entries()) assert.ok(Math.abs(distance - distances[i]) < 1e-3 * Math.max(1, Math.abs(distances[i])), `${distance}, not ${distances[i]}`)
    assert.is(found.length, 5)
  }
}

function recall(index: MemoryIndex, queries: Float32Array[]): number {
  let found = 0
  for (const query of queries) {
    const last = index.bruteForce(query, 10)[9]
    found += index.graph.search(query, 10, 64).found.filter(({ distance }) => distance <= last + 1e-4 * Math.abs(last)).length
  }
  return found / 10 / queries.length
}

for (const from of NAMES) {
  for (const to of NAMES.filter(name => name !== from)) {
    test(`${from} to ${to}: the graph is a function of the order of operations, and of nothing else`, async () => {
      const metric = METRICS[(NAMES.indexOf(from) + NAMES.indexOf(to)) % 3]
      await check(fc.property(fc.record({ seed: fc.nat(), pace: fc.constantFrom(0, 20, 150), ends: fc.constantFrom(20, 100, 250) }), ({ seed, pace, ends }) => {
        const run = (pace: number, reopens: boolean): string => {
          const random = new Random(seed)
          const timing = new Random(seed + 1)
          let index = stored({ codec: from, metric })
          const live = STORED.map((_, ordinal) => ordinal)
          for (let i = 0; i < 300; i++) {
            live.push(put(index, MORE[i]))
            if (random.below(2)) index.graph.remove(live.splice(random.below(live.length), 1)[0])
            if (i === 10) atOnce(index.graph.change(choice(to)))
            if (i === ends) index.graph.endChange()
            if (reopens && timing.below(60) === 0) index = reopened(index)
            // Steps that follow each write, in hundredths.
            for (let left = timing.below(2 * pace + 1); left > timing.below(100) && index.graph.step(); left -= 100);
          }
          index.link()
          assert.is(index.graph.options.codec, to)
          assert.is(index.graph.next, undefined)
          assert.is(index.graph.codeKind, 'recodes')
          return index.hash()
        }
        const hash = run(200, false)
        assert.is(run(pace, true), hash)
        assert.is(run(0, false), hash)
      }), { numRuns: 2 })
    })

    test(`${from} to ${to}: results are right before, while and after, nothing is wrong, and recall is that of a new graph`, () => {
      const metric = METRICS[(NAMES.indexOf(from) + NAMES.indexOf(to) + 1) % 3]
      let index = stored({ codec: from, metric })
      const queries = MORE.slice(300, 360)
      atOnce(index.graph.change(choice(to)))
      assert.equal(index.graph.next, choice(to))
      assert.is(index.graph.options.codec, from)
      for (let steps = 0; !index.graph.awaitsEnd; steps++) {
        assert.ok(index.graph.step(), 'it goes on without tasks')
        expectExact(index, queries.slice(0, 3))
        if (steps < 3) assert.equal(findings(index), [])
        if (steps % 2) index = reopened(index)
        put(index, MORE[steps])
        index.graph.remove(steps * 7)
      }
      assert.is(index.graph.recoded, 1)
      index.graph.endChange()
      index.link()
      assert.is(index.graph.awaitsEnd, false)
      assert.is(index.graph.recoded, undefined)
      assert.is(index.graph.options.codec, to)
      assert.equal(findings(index), [])
      expectExact(index, queries)
      const fresh = stored({ codec: to, metric })
      const [changed, built] = [recall(index, queries), recall(fresh, queries)]
      assert.ok(changed > built - 0.06, `recall ${changed}, ${built} of a new graph`)
      index = reopened(index)
      assert.equal(findings(index), [])
      assert.ok(index.graph.rowBytes.codes === fresh.graph.rowBytes.codes)
      // The other space is empty, and has the same rows: codes of another codebook may follow.
      assert.is(index.graph.codes.rowBytes, index.graph.recodes.rowBytes)
      while (index.graph.step('rest'));
      index.checkpoint()
      const order = atOnceOrder(index)
      const state = new Renumbered(index.arena, index.graph, order).state()
      assert.is(state.codes.choice.codec, to)
    })
  }
}

function atOnceOrder(index: MemoryIndex): Uint32Array {
  const steps = localOrder(index.graph)
  for (;;) {
    const step = steps.next()
    if (step.done) return step.value
  }
}

test('other bytes of a code are another codec; the same choice changes nothing', () => {
  const index = stored({ codec: 'pq', metric: 'l2', codeBytes: 4 })
  const hash = index.hash()
  atOnce(index.graph.change(choice('pq', 4)))
  assert.is(index.graph.recoded, undefined)
  assert.is(index.hash(), hash)
  atOnce(index.graph.change(choice('pq', 2)))
  index.link()
  index.graph.endChange()
  index.link()
  assert.is(index.graph.rowBytes.codes, 2)
  assert.equal(findings(index), [])
})

test('there and back: each time all is right, and memory is given back', () => {
  let index = stored({ codec: 'sq8', metric: 'cosine' })
  let free = 0
  for (let round = 0; round < 4; round++) {
    for (const name of ['pq', 'f32', 'pq8', 'sq8'] as const) {
      atOnce(index.graph.change(choice(name)))
      index.link()
      index.graph.endChange()
      index.link()
      assert.is(index.graph.options.codec, name)
      expectExact(index, MORE.slice(0, 5))
    }
    index.checkpoint()
    const allocated = index.arena.owners.filter(owner => owner === -2).length
    if (round > 1) assert.is(allocated, free)
    free = allocated
  }
  assert.equal(findings(index), [])
  index = reopened(index)
  assert.equal(findings(index), [])
})

for (const from of NAMES) {
  for (const to of NAMES.filter(name => name !== from)) {
    for (const count of from === 'sq8' || to === 'sq8' ? [0, 1, 300, 3000] : [300, 3000]) {
      test(`${from} to ${to} with ${count} vectors: as if it had been that codec from the beginning`, () => {
        const index = new MemoryIndex({ dimensions: DIMENSIONS, codec: from, metric: 'l2', M: 4, efConstruction: 16 })
        const live = STORED.slice(0, count).map(vector => put(index, vector))
        index.link()
        for (const ordinal of live.splice(0, count / 10)) index.graph.remove(ordinal)
        if (count > 2000) index.link()
        const begins = index.graph.trained && live.length >= codecs[to].trainingCount
        atOnce(index.graph.change(choice(to)))
        assert.is(index.graph.options.codec, begins ? from : to)
        index.link()
        index.graph.endChange()
        index.link()
        assert.is(index.graph.options.codec, to)
        assert.is(index.graph.trained, live.length >= codecs[to].trainingCount)
        assert.is(index.graph.live, live.length)
        if (live.length > 5) expectExact(index, MORE.slice(0, 5))
        assert.equal(findings(index), [])
        let again = reopened(index)
        for (const vector of STORED.slice(count).concat(MORE)) put(again, vector)
        again.link()
        assert.is(again.graph.trained, true)
        assert.equal(findings(again), [])
        expectExact(again, MORE.slice(0, 5))
        again = reopened(again)
        assert.equal(findings(again), [])
      })
    }
  }
}

test('an index that is being built anew changes over as well', async () => {
  const index = new MemoryIndex({ dimensions: DIMENSIONS, codec: 'sq8', metric: 'l2', M: 4, efConstruction: 16 })
  for (const [ordinal, vector] of STORED.entries()) index.vectors.set(ordinal, vector)
  await byAndBy(index.graph.rebuild(Uint32Array.from(STORED.keys()), COUNT), SLICE_MS)
  while (index.graph.rebuilding > COUNT / 2) index.graph.step()
  await byAndBy(index.graph.change(choice('pq')), SLICE_MS)
  for (let i = 0; i < 200; i++) {
    put(index, MORE[i])
    index.graph.remove(i * 17)
    index.graph.step()
  }
  index.graph.endChange()
  index.link()
  assert.is(index.graph.options.codec, 'pq')
  assert.is(index.graph.rebuilding, 0)
  assert.equal(findings(index), [])
  expectExact(index, MORE.slice(0, 5))
})

test('a second change ends the first', () => {
  for (const linked of [false, true]) {
    const index = stored({ codec: 'sq8', metric: 'l2' })
    atOnce(index.graph.change(choice('pq')))
    if (linked) index.link()
    atOnce(index.graph.change(choice('pq8')))
    assert.is(index.graph.options.codec, 'pq')
    assert.is(index.graph.next?.codec, 'pq8')
    index.link()
    index.graph.endChange()
    index.link()
    assert.is(index.graph.options.codec, 'pq8')
    assert.equal(findings(index), [])
  }
})

test('for 0, 1 and 3 workers the graph is the same, whatever searches are under way', async () => {
  const hashes = new Set<string>()
  for (const workers of [0, 1, 3]) {
    let index = new ThreadedIndex({ dimensions: DIMENSIONS, codec: 'sq8', metric: 'cosine', M: 4, efConstruction: 16, workers })
    try {
      for (const vector of STORED) put(index, vector)
      await index.linkTogether('tasks', 100)
      await byAndBy(index.graph.change(choice('pq')), SLICE_MS)
      for (let i = 0; i < 300; i++) {
        put(index, MORE[i])
        if (i % 3 === 0) index.graph.remove(i)
        index.start('batches', 64)
        if (i % 10 === 0) assert.is((await index.ask(MORE[i], 3, 50)).found.length, 3)
        if (i === 200) {
          await index.rest()
          index.graph.endChange()
        }
        if (i === 150 || i === 250) {
          await index.rest()
          index = await index.reopenTogether(index.checkpoint())
        }
      }
      await index.linkTogether()
      assert.is(index.graph.options.codec, 'pq')
      assert.equal(findings(index), [])
      hashes.add(index.hash())
    } finally {
      await index.close()
    }
  }
  assert.is(hashes.size, 1)
})

test('what has no room is refused before anything is changed', () => {
  const index = new MemoryIndex({ dimensions: 1536, codec: 'sq8', metric: 'l2', cacheBytes: 8 * 2 ** 20 })
  const code = ((): string | undefined => {
    try {
      index.graph.checkRoomFor({ codec: 'pq8', codeBytes: 192 })
      return undefined
    } catch (error) {
      return (error as { code: string }).code
    }
  })()
  assert.is(code, 'VECTOR_FULL')
  index.graph.checkRoomFor({ codec: 'pq', codeBytes: 192 })
})

test.run()
