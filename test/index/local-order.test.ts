import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { codecs } from '../../codecs/codec.js'
import { Random } from '../../floor/random.js'
import { isFindable } from '../../index/graph.js'
import { localOrder } from '../../index/local-order.js'
import { check } from '../seed.js'
import { clustered, gaussian, MemoryIndex, trained } from './memory-index.js'

const test = suite('local order')

function orderOf(index: MemoryIndex): number[] {
  const steps = localOrder(index.graph)
  let placed = 0
  for (;;) {
    const step = steps.next()
    if (step.done) return [...step.value]
    assert.ok(step.value >= placed && step.value <= index.graph.live, `${step.value} placed, before ${placed}`)
    placed = step.value
  }
}

function found(index: MemoryIndex): number[] {
  return [...index.graph.copyStates().entries()].filter(([, state]) => isFindable(state)).map(([ordinal]) => ordinal)
}

function ascending(ordinals: number[]): number[] {
  return [...ordinals].sort((a, b) => a - b)
}

function rest(index: MemoryIndex): MemoryIndex {
  index.link()
  while (index.graph.step('rest'));
  return index
}

test('each ordinal that searches find has one place, and the same graph has the same order', async () => {
  await check(fc.property(
    fc.constantFrom('f32' as const, 'sq8' as const, 'pq' as const), fc.integer({ min: 1, max: 140 }), fc.oneof(fc.integer({ min: 0, max: 100 }), fc.integer({ min: 0, max: 600 })),
    fc.nat({ max: 1000 }), fc.constantFrom(0, 0.5, 1), fc.constantFrom(0, 0, 0.7),
    (codec, dimensions, count, seed, duplicates, removed) => {
      const random = new Random(seed)
      const first = gaussian(random, dimensions)
      const vectors = Array.from({ length: count }, () => random.next() < duplicates ? first : gaussian(random, dimensions))
      const index = new MemoryIndex({ dimensions, M: 4, codec })
      if (codecs[codec].trainingCount && count) index.useCodebook(trained({ codec, dimensions }, vectors))
      index.fill(vectors)
      for (let ordinal = 0; ordinal < count; ordinal++) if (random.next() < removed) index.graph.remove(ordinal)
      rest(index)
      const order = orderOf(index)
      assert.equal(ascending(order), found(index))
      assert.equal(orderOf(index), order)
    }
  ), { numRuns: 60 })
})

test('what has a node keeps a place, though its record is lost', () => {
  const random = new Random(3)
  const index = rest(new MemoryIndex({ dimensions: 4, M: 4, codec: 'f32' }).fill(Array.from({ length: 300 }, () => gaussian(random, 4))))
  index.graph.forget(17)
  const order = orderOf(index)
  assert.is(order.length, 300)
  assert.ok(order.includes(17))
})

test('without codes ordinals stay in their order', () => {
  const random = new Random(2)
  const index = new MemoryIndex({ dimensions: 4, codec: 'sq8' })
  assert.equal(orderOf(index), [])
  for (let i = 0; i < 30; i++) index.add(gaussian(random, 4))
  index.graph.remove(7)
  assert.equal(orderOf(index), Array.from({ length: 30 }, (_, i) => i).filter(i => i !== 7))
})

for (const [name, vectorOf] of [
  ['several regions', undefined], ['several regions of equal vectors', () => Float32Array.of(1, 2)]
] as const) {
  test(`${name}: each ordinal has one place, and neighbors lie together`, () => {
    const random = new Random(5)
    const count = 40_000
    const vectors = vectorOf ? Array.from({ length: count }, vectorOf) : clustered(random, count, 2, 40).sort(() => random.next() - 0.5)
    const index = rest(new MemoryIndex({ dimensions: 2, M: 4, efConstruction: 10, codec: 'f32' }).fill(vectors))
    const order = orderOf(index)
    assert.equal(ascending(order), found(index))
    if (vectorOf) return
    const places = new Map(order.map((ordinal, place) => [ordinal, place]))
    const { rowsPerBlock } = index.graph.base
    let near = 0
    let edges = 0
    for (const ordinal of order) {
      for (const neighbor of index.graph.baseNode(ordinal).neighbors) {
        edges++
        if (Math.floor(places.get(ordinal)! / rowsPerBlock) === Math.floor(places.get(neighbor)! / rowsPerBlock)) near++
      }
    }
    assert.ok(near > edges / 2, `${near} of ${edges} edges stay in their block`)
  })
}

test.run()
