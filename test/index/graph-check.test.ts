import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { Random } from '../../floor/random.js'
import { findInGraph } from '../../index/graph-check.js'
import { BASE_HEADER, ROW_BELOW, ROW_LEFT, ROW_LEVEL, ROW_ORDINAL, ROW_PROTECTED, STATE_DEAD, STATE_FREE, STATE_LIVE, UPPER_HEADER } from '../../index/kernel/layout.js'
import { gaussian, MemoryIndex } from './memory-index.js'

const test = suite<{ index: MemoryIndex }>('graph check')

test.before.each(context => {
  const random = new Random(21)
  context.index = new MemoryIndex({ dimensions: 4, M: 3 }).fill(Array.from({ length: 60 }, () => gaussian(random, 4)))
})

function findings(index: MemoryIndex): string {
  return [...findInGraph(index.graph)].filter(finding => finding !== undefined).join('\n')
}

function baseRow(index: MemoryIndex, ordinal: number): number {
  return index.kernel.rowAddress(index.graph.base.ptr, ordinal) >>> 0
}

function upperRow(index: MemoryIndex, slot: number): number {
  return index.kernel.rowAddress(index.graph.upper.ptr, slot) >>> 0
}

function setNeighbor(index: MemoryIndex, ordinal: number, at: number, neighbor: number): void {
  const bytes = Uint8Array.of(neighbor, neighbor >> 8, neighbor >> 16)
  index.arena.bytes.set(bytes, baseRow(index, ordinal) + BASE_HEADER + 3 * at)
}

/** A slot of a level from 1, whose node has neighbors there. */
function slotOf(index: MemoryIndex, level: number): number {
  for (let slot = 0; slot < index.graph.slots; slot++) {
    const node = index.graph.upperNode(slot)
    if (node.level === level && node.neighbors.length) return slot
  }
  throw new Error(`no slot of level ${level} has neighbors`)
}

test('nothing is found in a sound graph', ({ index }) => {
  assert.is(findings(index), '')
})

test('a wrong count of live ordinals is found', ({ index }) => {
  index.arena.bytes[index.kernel.rowAddress(index.graph.states.ptr, 7) >>> 0] = STATE_DEAD
  assert.match(findings(index), '59 ordinals are live, the count says 60')
})

test('a code that is not that of its vector is found', ({ index }) => {
  index.arena.bytes[(index.kernel.rowAddress(index.graph.codes.ptr, 7) >>> 0) + 5]! ^= 1
  assert.match(findings(index), 'the code of ordinal 7 is not that of its vector')
})

test('a node that is its own neighbor is found', ({ index }) => {
  setNeighbor(index, 20, index.graph.baseNode(20).neighbors.length - 1, 20)
  assert.match(findings(index), 'ordinal 20 is its own neighbor')
})

test('a neighbor that is there twice is found', ({ index }) => {
  const { neighbors } = index.graph.baseNode(20)
  setNeighbor(index, 20, neighbors.length - 1, neighbors[0])
  assert.match(findings(index), 'ordinal 20 has a neighbor twice')
})

test('a neighbor that is not linked is found', ({ index }) => {
  setNeighbor(index, 20, index.graph.baseNode(20).neighbors.length - 1, 60)
  assert.match(findings(index), 'ordinal 20 has neighbor 60 of 60')
})

test('a node that is free is found', ({ index }) => {
  const [neighbor] = index.graph.baseNode(20).neighbors
  index.arena.bytes[index.kernel.rowAddress(index.graph.states.ptr, neighbor) >>> 0] = STATE_FREE
  assert.match(findings(index), `ordinal ${neighbor} has a node, and is free`)
})

test('a neighbor without a node is found', ({ index }) => {
  const [neighbor] = index.graph.baseNode(20).neighbors
  index.arena.bytes[baseRow(index, neighbor) + ROW_PROTECTED] = ROW_LEFT
  assert.match(findings(index), `ordinal 20 has neighbor ${neighbor}, which has no node`)
})

test('a protected edge that is not protected back is found', ({ index }) => {
  const row = baseRow(index, 20)
  const [parent] = index.graph.baseNode(20).neighbors
  index.arena.bytes[row + ROW_PROTECTED] = 0
  assert.match(findings(index), `ordinal ${parent} protects its edge to 20, which does not protect it back`)
})

test('more protected neighbors than there are neighbors is found', ({ index }) => {
  index.arena.bytes[baseRow(index, 20) + ROW_PROTECTED] = 7
  assert.match(findings(index), /ordinal 20 has 7 protected of \d+ neighbors/)
})

test('a slot of an ordinal that is not linked is found', ({ index }) => {
  index.arena.bytes[upperRow(index, 2) + ROW_ORDINAL] = 60
  assert.match(findings(index), 'slot 2 stands for ordinal 60 of 60')
})

test('a slot that leads down to another ordinal is found', ({ index }) => {
  const slot = slotOf(index, 2)
  const { ordinal } = index.graph.upperNode(slot)
  const other = slot === 0 ? 5 : 0
  index.arena.bytes[upperRow(index, slot) + ROW_BELOW] = other
  assert.match(findings(index), `slot ${slot} of ordinal ${ordinal} leads down to slot ${other} of another one`)
})

test('a slot with a neighbor of another level, or that is itself, is found', ({ index }) => {
  const slot = slotOf(index, 1)
  const [neighbor] = index.graph.upperNode(slot).neighbors
  index.arena.bytes[upperRow(index, neighbor) + ROW_LEVEL] = 9
  assert.match(findings(index), `slot ${slot} of level 1 has neighbor ${neighbor} of level 9`)
  index.arena.bytes[upperRow(index, slot) + UPPER_HEADER] = slot
  assert.match(findings(index), `slot ${slot} has neighbor ${slot} of ${index.graph.slots}`)
})

test('nodes that cannot be reached are found', ({ index }) => {
  // Nobody has the last one as a neighbor any more.
  for (let ordinal = 0; ordinal < 60; ordinal++) {
    const { neighbors } = index.graph.baseNode(ordinal)
    const at = neighbors.indexOf(59)
    if (at >= 0) setNeighbor(index, ordinal, at, neighbors[(at + 1) % neighbors.length])
  }
  assert.match(findings(index), '1 of 60 nodes cannot be reached from the entry point')
})

test('a live ordinal that is not linked yet is no finding', ({ index }) => {
  index.add(Float32Array.of(1, 2, 3, 4))
  assert.is(index.graph.stateOf(60), STATE_LIVE)
  assert.is(findings(index), '')
})

test.run()
