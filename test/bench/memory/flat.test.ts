import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { flattenGraph, loadFlatKernel } from '../../../bench/memory/flat.js'
import { Random } from '../../../floor/random.js'
import { atOnce } from '../../../floor/slices.js'
import { clustered, MemoryIndex } from '../../index/memory-index.js'

const test = suite('flat kernel')

test('finds in flat arrays what the kernel finds in blocks', () => {
  const vectors = clustered(new Random(7), 1500, 20, 30)
  const queries = vectors.splice(1450)
  const index = new MemoryIndex({ dimensions: 20, metric: 'cosine', codec: 'sq8' })
  for (const vector of vectors) index.add(vector)
  atOnce(index.graph.train())
  index.link()
  for (let ordinal = 0; ordinal < 1450; ordinal += 7) index.graph.remove(ordinal)
  const { graph, scratch, arena, kernel } = index
  const jobs = queries.map(query => graph.ask(query, 10, 40, false))
  const results = (find: typeof kernel.find, ptr: number): unknown[] => jobs.map(job => {
    find(ptr, scratch.ptr, job.ptr)
    return job.read()
  })
  const expected = results(kernel.find, graph.ptr)
  const flat = flattenGraph(arena, index.cache, graph)
  index.arena.bytes.fill(0, graph.base.frameOf(0), graph.base.frameOf(0) + graph.base.frameBytes)
  assert.equal(results(loadFlatKernel('simd', arena.memory).find, flat), expected)
  assert.equal(new Set(expected.map(nearest => (nearest as { exact: boolean }).exact)), new Set([false]))
})

test.run()
