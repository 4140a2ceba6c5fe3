import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { Arena } from '../../storage/arena.js'
import { BlockStore } from '../../storage/block-store.js'
import { BlockWriter, type StandingBlock } from '../../storage/block-writer.js'

const BYTES = 4072
const test = suite<{ directory: string, arena: Arena, store: BlockStore, writer: BlockWriter }>('block writer')

test.before.each(context => {
  context.directory = mkdtempSync(join(tmpdir(), 'vector-level-writer-'))
  context.arena = new Arena(4 * 2 ** 20)
  context.store = new BlockStore(context.directory)
  context.writer = new BlockWriter(context.arena, context.store, context.directory)
})
test.after.each(async ({ directory, store, writer }) => {
  await writer.close()
  await store.close()
  rmSync(directory, { recursive: true, force: true })
})

/** Blocks in a row, filled with a byte that tells their number and the round. */
function fill(arena: Arena, frames: number, count: number, round: number): StandingBlock[] {
  return Array.from({ length: count }, (_, place) => {
    const frame = frames + 4096 * place
    arena.bytes.fill(place + round, frame, frame + BYTES)
    return { frame, byteLength: BYTES, place }
  })
}

function read(store: BlockStore, place: number): number[] | undefined {
  const target = new Uint8Array(BYTES)
  return store.read(place, target) ? [...new Set(target)] : undefined
}

// The smaller count is written on the calling thread, the larger on another.
for (const count of [5, 500]) {
  test(`${count} blocks are read as they stood when they were copied`, async ({ arena, store, writer }) => {
    const frames = arena.allocate(4096 * count)
    for (const round of [1, 2]) {
      const { copied, written } = writer.write(fill(arena, frames, count, round), new Map([['checkpoint', Buffer.of(round)]]))
      await copied
      arena.bytes.fill(0, frames, frames + 4096 * count)
      await written
      for (const place of [0, 1, count - 1]) assert.equal(read(store, place), [(place + round) & 255], `block ${place} of round ${round}`)
      assert.equal([...store.readMeta('checkpoint')!], [round])
    }
  })

  test(`${count} blocks whose writing fails leave what was there, and the next writing succeeds`, async ({ arena, store, writer }) => {
    const frames = arena.allocate(4096 * count)
    await writer.write(fill(arena, frames, count, 1), new Map([['checkpoint', Buffer.of(1)]])).written
    const bad = new Map([['checkpoint', Buffer.of(2)], ['bad', Symbol.iterator as unknown as Buffer]])
    let code: string | undefined
    try {
      const { copied, written } = writer.write(fill(arena, frames, count, 2), bad)
      await copied
      await written
    } catch (error) {
      code = (error as { code?: string }).code ?? (error as Error).name
    }
    assert.ok(code, 'it failed')
    assert.equal(read(store, 3), [4])
    assert.equal([...store.readMeta('checkpoint')!], [1])
    await writer.write(fill(arena, frames, count, 3), new Map([['checkpoint', Buffer.of(3)]])).written
    assert.equal(read(store, 3), [6])
  })
}

for (const count of [5, 500]) {
  test(`${count} blocks are removed with what is written, and not when that fails; what is removed and written is there`, async ({ arena, store, writer }) => {
    const frames = arena.allocate(4096 * count)
    const blocks = fill(arena, frames, count, 1)
    await writer.write(blocks, new Map()).written
    const bad = new Map([['bad', Symbol.iterator as unknown as Buffer]])
    const places = blocks.map(({ place }) => place)
    await (async () => await writer.write([], bad, places).written)().then(() => assert.unreachable(), () => undefined)
    assert.equal([...store.places()], places)
    await writer.write(fill(arena, frames, 2, 7), new Map(), [...places, 70_000]).written
    assert.equal([...store.places()], [0, 1])
    assert.equal(read(store, 1), [8])
  })
}

test('a writer that never had a thread, or whose thread is gone, closes', async ({ writer }) => {
  await writer.close()
  await writer.close()
})

test.run()
