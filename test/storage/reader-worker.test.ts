import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { Arena } from '../../storage/arena.js'
import { BlockStore } from '../../storage/block-store.js'
import { BlockWriter, type StandingBlock } from '../../storage/block-writer.js'
import type { ReaderData } from '../../storage/reader-worker.js'
import { READ, ReadingBoard, REFUSED } from '../../storage/reading-board.js'
import { bareKernel } from '../index/kernel-suite.js'

const FRAME = 4096
const BYTES = FRAME - 24
const STORE = 0x0123456789abcdefn
/** So many that a thread writes them. */
const COUNT = 250
const test = suite('reader thread')

// The calling thread takes no item itself here, so the reader reads them all.
test('reads what stands in the index, and what was written meanwhile when it was told of, and refuses the rest', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'vector-level-reader-'))
  const arena = new Arena(8 * 2 ** 20)
  const kernel = bareKernel('simd', arena)
  const store = new BlockStore(directory)
  const writer = new BlockWriter(arena, store, directory)
  const board = new ReadingBoard()
  const standing = arena.allocate(COUNT * FRAME)
  const wanted = arena.allocate(2 * FRAME)
  const fill = (round: number): StandingBlock[] => Array.from({ length: COUNT }, (_, place) => {
    const frame = standing + place * FRAME
    arena.u32.fill(place * 1000 + round, frame / 4, (frame + FRAME) / 4)
    kernel.sealBlock(frame, BYTES, place, STORE)
    return { frame, byteLength: BYTES, place }
  })
  const read = (...places: number[]): number[] => {
    for (const [item, place] of places.entries()) {
      board.places[item] = place
      board.frames[item] = wanted + item * FRAME
    }
    board.begin(places.length, BYTES)
    return places.map((_, item) => {
      for (; !board.outcomeOf(item); board.listen(item, 10)) if (!board.awake) board.call()
      return board.outcomeOf(item)
    })
  }
  const stampAt = (item: number): number => arena.u32[(wanted + item * FRAME) / 4 + 100]!
  await writer.write(fill(0), new Map()).written
  const workerData: ReaderData = {
    directory, memory: arena.memory, storeTag: STORE, kernel: { module: new URL('../../index/kernel.js', import.meta.url).href, build: 'simd' }, board: board.buffer
  }
  const reader = new Worker(new URL('../../storage/reader-worker.js', import.meta.url), { workerData })
  const ended = new Promise(resolve => reader.once('exit', resolve))
  // It may be asleep before it was seen.
  for (; !board.awake; board.call()) await nextTurn()
  for (let round = 1; round < 6; round++) {
    let isWritten = false
    const written = writer.write(fill(round), new Map()).written.then(() => { isWritten = true })
    // One that sleeps would see it anyhow.
    while (!isWritten) {
      assert.equal(read(0, 1), [READ, READ])
      await nextTurn()
    }
    await written
    board.noteWritten()
    assert.equal(read(7, round), [READ, READ])
    assert.equal([stampAt(0), stampAt(1)], [7000 + round, round * 1000 + round])
  }
  assert.equal(read(COUNT, 3), [REFUSED, READ])
  const damaged = Buffer.alloc(BYTES, 1)
  store.write([{ place: 5, bytes: damaged }], new Map())
  board.noteWritten()
  assert.equal(read(4, 5), [READ, REFUSED])
  board.end()
  assert.is(await ended, 0)
  await writer.close()
  await store.close()
  rmSync(directory, { recursive: true, force: true })
})

test.run()
