import { join } from 'node:path'
import { ClassicLevel } from 'classic-level'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { SCRATCH_VISITED_BYTES } from '../../index/kernel/layout.js'
import { recordKey, userKey, userKeyEnd, userPart } from '../../storage/keys.js'
import { MemoryIndex } from '../index/memory-index.js'
import { linked, opened, PLANE, withStore } from '../src/store.js'

const test = suite('src: ordinals that are used again')

async function inTruth<T>(location: string, use: (level: ClassicLevel<Buffer, Buffer>) => Promise<T>): Promise<T> {
  const level = new ClassicLevel<Buffer, Buffer>(join(location, 'data-1', 'truth'), { keyEncoding: 'buffer', valueEncoding: 'buffer', createIfMissing: false })
  try {
    await level.open()
    return await use(level)
  } finally {
    await level.close()
  }
}

/** The key that leads to an ordinal. */
async function keyOf(location: string, ordinal: number): Promise<string | undefined> {
  return await inTruth(location, async level => {
    for await (const [key, value] of level.iterator({ gte: userKey(1, Buffer.alloc(0)), lt: userKeyEnd(1) })) {
      if (value.readUIntLE(0, 3) === ordinal) return userPart(key).toString()
    }
    return undefined
  })
}

test('repair does not bring back a deleted record that shows through where a later one had its ordinal', async () => {
  await withStore(async (db, location) => {
    const points = db.collection('points', PLANE)
    await points.batch(Array.from({ length: 40 }, (_, i) => ({ type: 'put', key: `k${i}`, vector: [i, i] })))
    await linked(db)
    await db.close()
    const old = await inTruth(location, async level => await level.get(recordKey(1, 5)))
    let heir: string | undefined
    await opened(location, async again => {
      const stored = again.collection('points', PLANE)
      await stored.del('k5')
      for (let i = 0; i < 30; i++) {
        await stored.put(`other ${i}`, [i, -1])
        await linked(again)
        await again.checkpoint()
      }
    })
    heir = await keyOf(location, 5)
    assert.ok(heir, 'the ordinal was not used again')
    await inTruth(location, async level => { await level.put(recordKey(1, 5), old!) })
    await opened(location, async again => {
      const { lost } = await again.repair()
      const stored = again.collection('points', PLANE)
      assert.is(await stored.get('k5'), undefined)
      assert.ok(lost.some(item => item.key === heir), JSON.stringify(lost))
      assert.equal(await again.verify(), [])
    })
  })
})

test('a sweep after reopening has room to mark what it visits', () => {
  const index = new MemoryIndex({ dimensions: 4 }).fill(Array.from({ length: 3000 }, (_, i) => Float32Array.of(i % 7, i % 11, i % 13, i)))
  for (let ordinal = 0; ordinal < 20; ordinal++) index.graph.remove(ordinal * 100)
  index.link()
  assert.ok(index.graph.ghosts > 0)
  const again = index.reopen(index.checkpoint())
  again.graph.step('rest')
  const room = again.arena.u32[(again.scratch.ptr + SCRATCH_VISITED_BYTES) / 4]
  assert.ok(room >= 3000, `room for ${room} ids`)
  while (again.graph.step('rest'));
  while (index.graph.step('rest'));
  assert.is(again.hash(), index.hash())
})

test.run()
