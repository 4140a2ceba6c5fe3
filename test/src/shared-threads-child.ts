import { join } from 'node:path'
import { Random } from '../../floor/random.js'
import { VectorLevel } from '../../src/index.js'
import { sound, SMALL } from './store.js'
import { normalVector } from './vectors.js'

const DIMENSIONS = 8
const [directory, seed] = [process.argv[2]!, Number(process.argv[3])]
const random = new Random(seed)

/** Opens a store again and again, with other numbers of workers, and writes to it: what it holds then stays. Returns how many records there are. */
async function life(number: number): Promise<number> {
  let written = 0
  for (let opening = 0; opening < 4; opening++) {
    const db = new VectorLevel(join(directory, `store-${number}`), { ...SMALL, durability: 'relaxed', workers: random.below(5) })
    const points = db.collection<number>('points', { dimensions: DIMENSIONS, codec: number % 2 ? 'f32' : 'sq8', metric: 'l2', M: 4, efConstruction: 20 })
    for (let round = random.below(5); round > 0; round--) {
      const vectors = Array.from({ length: random.below(900) }, () => normalVector(random, DIMENSIONS))
      const batch = points.batch(vectors.map((vector, i) => ({ type: 'put', key: `k${written + i}`, vector, metadata: written + i })))
      if (random.below(2)) await points.search(normalVector(random, DIMENSIONS))
      await batch
      for (let i = 0; i < vectors.length; i += 50) {
        const [hit] = await points.search(vectors[i]!, { k: 1, ef: 200 })
        if (!hit || hit.distance > 1e-6) throw new Error(`store ${number}: what was written is not found, but ${hit?.metadata} at ${hit?.distance}, not ${written + i}`)
      }
      written += vectors.length
    }
    if (random.below(2)) await sound(db)
    if (random.below(4) === 0) void points.search(normalVector(random, DIMENSIONS)).catch(() => undefined)
    await db.close()
  }
  return written
}

const written = await Promise.all(Array.from({ length: 5 }, (_, number) => life(number)))
// The process ends by itself: nothing is left of the threads.
console.log(JSON.stringify(written))
