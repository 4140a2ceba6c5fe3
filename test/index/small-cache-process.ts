/** Links vectors in a cache of 8 MiB: `node small-cache-process.js <dimensions> <codec> <efConstruction> <count>`. */

import type { CodecName } from '../../codecs/codec.js'
import { Random } from '../../floor/random.js'
import { gaussian, MemoryIndex, trained } from './memory-index.js'

const [dimensions, efConstruction, count] = [process.argv[2], process.argv[4], process.argv[5]].map(Number)
const options = { dimensions, codec: process.argv[3] as CodecName, M: 16, efConstruction, cacheBytes: 8 * 2 ** 20 }
const random = new Random(1)
const index = new MemoryIndex(options).useCodebook(trained(options, [gaussian(random, dimensions), gaussian(random, dimensions)]))
for (let i = 0; i < count; i++) {
  if (index.cache.isCrowded()) index.checkpoint()
  index.fill([gaussian(random, dimensions)])
}
console.log(`linked ${index.graph.ordinals - index.graph.unlinked}`)
