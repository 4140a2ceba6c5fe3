import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { codecs } from '../../codecs/codec.js'
import { Random } from '../../floor/random.js'
import { findInGraph } from '../../index/graph-check.js'
import { type Graph, KINDS } from '../../index/graph.js'
import { localOrder } from '../../index/local-order.js'
import { DROPPED, Renumbered } from '../../index/renumber.js'
import { KIND_BASE, KIND_CODES, KIND_RECODES, KIND_STATES, KIND_UPPER, placeOf } from '../../storage/block-format.js'
import type { Nearest } from '../../index/searcher.js'
import { check } from '../seed.js'
import { clustered, gaussian, MemoryIndex, trained } from './memory-index.js'

const KIND_NUMBERS = { codes: KIND_CODES, base: KIND_BASE, upper: KIND_UPPER, states: KIND_STATES, recodes: KIND_RECODES }
const FRAME = 65536

const test = suite('renumber')

function orderOf(index: MemoryIndex): Uint32Array {
  const steps = localOrder(index.graph)
  for (;;) {
    const step = steps.next()
    if (step.done) return step.value
  }
}

/** Another index over the renumbered blocks, with the records under their new ordinals. */
function renumbered(index: MemoryIndex): { again: MemoryIndex, order: Uint32Array, ordinals: Uint32Array } {
  index.link()
  while (index.graph.step('rest'));
  const order = orderOf(index)
  const mapped = new Renumbered(index.arena, index.graph, order)
  const again = new MemoryIndex(index.options)
  const frame = index.arena.allocate(FRAME)
  for (const { kind, block, byteLength } of mapped.blocks(KINDS, frame)) {
    const place = placeOf(1, KIND_NUMBERS[kind], block)
    index.kernel.sealBlock(frame, byteLength, place, 0x0123456789abcdefn)
    again.blocks.set(place, index.arena.bytes.slice(frame, frame + byteLength))
  }
  for (const [ordinal, old] of order.entries()) again.vectors.set(ordinal, index.vectors.get(old)!)
  again.graph.restore(mapped.state())
  return { again, order, ordinals: mapped.ordinals }
}

function findings(index: MemoryIndex): string[] {
  return [...findInGraph(index.graph)].filter(finding => finding !== undefined)
}

test('any graph in another numbering is sound, has the same neighbors, and answers the same; then it grows on', async () => {
  await check(fc.property(
    fc.constantFrom('f32' as const, 'sq8' as const, 'pq' as const), fc.integer({ min: 0, max: 400 }), fc.nat({ max: 1000 }), fc.double({ min: 0, max: 0.9, noNaN: true }),
    (codec, count, seed, removed) => {
      const random = new Random(seed)
      const vectors = Array.from({ length: count }, () => gaussian(random, 5))
      const index = new MemoryIndex({ dimensions: 5, M: 4, codec })
      if (codecs[codec].trainingCount && count) index.useCodebook(trained({ codec, dimensions: 5 }, vectors))
      index.fill(vectors)
      for (let ordinal = 0; ordinal < count; ordinal++) if (random.next() < removed) index.graph.remove(ordinal)
      const { again, order, ordinals } = renumbered(index)
      assert.equal(findings(again), [])
      assert.is(again.graph.live, index.graph.live)
      assert.is(again.graph.ordinals, index.graph.live)
      for (const [ordinal, old] of order.entries()) {
        assert.is(ordinals[old], ordinal)
        assert.is(again.graph.stateOf(ordinal), index.graph.stateOf(old))
        if (!index.graph.isLinked(old)) continue
        const { protectedCount, neighbors } = index.graph.baseNode(old)
        assert.equal(again.graph.baseNode(ordinal), { protectedCount, neighbors: neighbors.map(neighbor => ordinals[neighbor]!) })
      }
      for (let i = 0; i < 5; i++) {
        const query = gaussian(random, 5)
        // Codes of few bytes are often the same, and those that are come in the order of their numbers.
        const search = (graph: Graph): Nearest => codec === 'pq' ? graph.exact(query, 10) : graph.search(query, 10, 20)
        const found = search(index.graph).found.map(({ ordinal, distance }) => ({ ordinal: ordinals[ordinal]!, distance }))
        assert.equal(search(again.graph).found, found)
      }
      again.fill(Array.from({ length: 30 }, () => gaussian(random, 5)))
      assert.equal(findings(again), [])
    }
  ), { numRuns: 25 })
})

test('what was removed before it entered the graph is left out', () => {
  const random = new Random(3)
  const index = new MemoryIndex({ dimensions: 4, codec: 'sq8' })
  for (let i = 0; i < 20; i++) index.add(gaussian(random, 4))
  for (let i = 0; i < 10; i++) index.graph.remove(2 * i)
  const { again, order, ordinals } = renumbered(index)
  assert.equal([...order], Array.from({ length: 10 }, (_, i) => 2 * i + 1))
  assert.equal([...ordinals.slice(0, 4)], [DROPPED, 0, DROPPED, 1])
  assert.is(again.graph.search(index.vectors.get(7)!, 1, 10).found[0]!.ordinal, 3)
})

test('nodes of upper levels stand in the order of their ordinals, those of one node together', () => {
  const random = new Random(8)
  const index = new MemoryIndex({ dimensions: 3, M: 2, codec: 'f32' }).fill(Array.from({ length: 600 }, () => gaussian(random, 3)))
  for (let ordinal = 0; ordinal < 600; ordinal += 5) index.graph.remove(ordinal)
  const { graph } = renumbered(index).again
  const ordinals = Array.from({ length: graph.slots }, (_, slot) => graph.upperNode(slot).ordinal)
  assert.ok(new Set(ordinals).size < ordinals.length, 'no node has two upper levels')
  assert.equal(ordinals, [...ordinals].sort((a, b) => a - b))
})

test('neighbors stand in fewer blocks than before', () => {
  const random = new Random(4)
  const vectors = clustered(random, 3000, 8, 40)
  const index = new MemoryIndex({ dimensions: 8, M: 8, codec: 'f32' }).fill(vectors.sort(() => random.next() - 0.5))
  const blocksOf = ({ graph }: MemoryIndex): number => {
    let blocks = 0
    for (let ordinal = 0; ordinal < graph.ordinals; ordinal++) {
      blocks += new Set(graph.baseNode(ordinal).neighbors.map(neighbor => Math.floor(neighbor / graph.base.rowsPerBlock))).size
    }
    return blocks / graph.ordinals
  }
  const [before, after] = [blocksOf(index), blocksOf(renumbered(index).again)]
  assert.ok(after < before * 0.75, `the neighbors of a node stand in ${after} blocks, before in ${before}`)
})

test.run()
