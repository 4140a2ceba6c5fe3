import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { CodecName } from '../../codecs/codec.js'
import { Random } from '../../floor/random.js'
import { findInGraph } from '../../index/graph-check.js'
import type { Nearest } from '../../index/searcher.js'
import { clustered, gaussian, MemoryIndex, trained } from './memory-index.js'

const test = suite('small cache')
const MIB = 2 ** 20

/** Stores, links, removes and searches, with a checkpoint whenever half of the cache has changes. */
function run(cacheBytes: number, codec: CodecName, dimensions: number, count: number): { hash: string, results: Nearest[], evictions: number, recordReads: number } {
  const random = new Random(41)
  const vectors = clustered(random, count, dimensions, 20)
  const options = { dimensions, codec, M: 6, efConstruction: 30, cacheBytes }
  const index = new MemoryIndex(options).useCodebook(trained(options, vectors.slice(0, 200)))
  const results: Nearest[] = []
  for (const [i, vector] of vectors.entries()) {
    index.add(vector)
    index.graph.step()
    if (i % 7 === 3) index.graph.remove(random.below(i))
    if (i % 20 === 9) results.push(index.graph.search(vectors[random.below(count)], 10, 32))
    if (index.cache.isCrowded()) index.checkpoint()
  }
  index.link()
  index.checkpoint()
  for (let i = 0; i < 40; i++) results.push(index.graph.search(gaussian(random, dimensions), 10, 64))
  const hash = index.hash()
  assert.equal([...findInGraph(index.graph)].filter(finding => finding !== undefined), [])
  return { hash, results, evictions: index.cache.counts().evictions, recordReads: index.recordReads }
}

for (const codec of ['f32', 'sq8', 'pq'] as const) {
  test(`the graph and the results are the same with 8 MiB as with 256 MiB, for 3,000 vectors of 1,024 dimensions as ${codec}`, () => {
    const small = run(8 * MIB, codec, 1024, 3000)
    const large = run(256 * MIB, codec, 1024, 3000)
    assert.is(large.evictions, 0)
    assert.ok(small.evictions > (codec === 'pq' ? 100 : 1000), `${small.evictions} evictions`)
    if (codec !== 'f32') assert.ok(small.recordReads > 1000, `${small.recordReads} records were read again`)
    assert.is(small.hash, large.hash)
    assert.equal(small.results, large.results)
  })
}

/** Dimensions, codec, efConstruction, and how many vectors: enough for the neighbors of all nodes of a round to be in other blocks. */
const LARGE: [string, CodecName, string, string][] = [['4096', 'f32', '200', '500'], ['1024', 'f32', '200', '2000'], ['1536', 'sq8', '200', '3000'], ['1536', 'pq', '200', '2000']]

for (const [dimensions, codec, efConstruction, count] of LARGE) {
  test(`8 MiB suffice for ${dimensions} dimensions as ${codec} with efConstruction ${efConstruction}`, () => {
    const path = fileURLToPath(new URL('./small-cache-process.js', import.meta.url))
    // A process of its own, since a kernel that asks for more blocks together than there are frames does not come back.
    const child = spawnSync(process.execPath, [path, dimensions, codec, efConstruction, count], { encoding: 'utf8', timeout: 15_000 })
    assert.is(child.signal, null, 'it still ran after 15 seconds')
    assert.is(`${child.stdout}${child.stderr}`.trim(), `linked ${count}`)
  })
}

test.run()
