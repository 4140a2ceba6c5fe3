import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { Random } from '../../floor/random.js'
import { gaussian, MemoryIndex } from './memory-index.js'

const test = suite('Batch')

test('has all that a batch asks for done: also the edges that swept rows offer, where no node is linked', () => {
  const random = new Random(3)
  const index = new MemoryIndex({ dimensions: 6, M: 4 }).fill(Array.from({ length: 500 }, () => gaussian(random, 6)))
  const { graph } = index
  for (let ordinal = 0; ordinal < 500; ordinal += 3) graph.remove(ordinal)
  let connected = 0
  for (let steps = graph.begin('batches', 0); steps; steps = graph.begin('batches', 0)) {
    assert.equal(steps.map(({ fn, mutates }) => [fn, mutates]), [['look', false], ['join', true], ['connectPart', true]])
    for (const { fn, arg, count } of steps) {
      const before = index.hash()
      for (let i = 0; i < count; i++) index.kernel[fn](graph.ptr, index.scratch.ptr, arg, i)
      if (fn === 'connectPart' && index.hash() !== before) connected++
      if (fn === 'look') assert.is(index.hash(), before, 'who looks changes nothing')
    }
    for (const _ of graph.end()) continue
  }
  assert.ok(connected > 0)
})

test.run()
