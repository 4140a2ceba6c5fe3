import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { Random } from '../../floor/random.js'
import type { Kernel } from '../../index/kernel.js'
import { Arena } from '../../storage/arena.js'
import { BlockReaders } from '../../storage/block-readers.js'
import { BlockStore, type SealedBlock } from '../../storage/block-store.js'
import { bareKernel } from '../index/kernel-suite.js'

const FRAME = 4096
const BYTES = FRAME - 24
const STORE = 0x0123456789abcdefn
const COUNT = 500
const FIRST = 2 ** 28
const TOGETHER = 64

interface Context {
  directory: string
  arena: Arena
  kernel: Kernel
  store: BlockStore
  readers: BlockReaders
  frames: number
  /** Blocks that the calling thread has read. */
  here: number
}

const test = suite<Context>('BlockReaders')

test.before.each(context => {
  context.directory = mkdtempSync(join(tmpdir(), 'vector-level-readers-'))
  context.arena = new Arena(4 * 2 ** 20)
  context.kernel = bareKernel('simd', context.arena)
  context.store = new BlockStore(context.directory)
  context.frames = context.arena.allocate(TOGETHER * FRAME)
  context.here = 0
  write(context, Array.from({ length: COUNT }, (_, block) => block), 1)
  context.readers = readersOf(context, () => true)
})
test.after.each(async ({ directory, store, readers }) => {
  await readers.close()
  await store.close()
  rmSync(directory, { recursive: true, force: true })
})

function readersOf({ directory, arena: { memory } }: Context, isWorthIt: () => boolean, count = 2): BlockReaders {
  const kernel = { module: new URL('../../index/kernel.js', import.meta.url).href, build: 'simd' }
  return new BlockReaders({ directory, memory, storeTag: STORE, kernel, count, isWorthIt })
}

/** Sealed blocks, full of what `stamp` and their number make. */
function write({ arena, kernel, store, frames }: Context, blocks: number[], stamp: number): void {
  const sealed: SealedBlock[] = blocks.map(block => {
    arena.u32.fill(block * 1000 + stamp, frames / 4, frames / 4 + FRAME / 4)
    kernel.sealBlock(frames, BYTES, FIRST + block, STORE)
    return { place: FIRST + block, bytes: arena.bytes.slice(frames, frames + BYTES) }
  })
  store.write(sealed, new Map())
}

function read(context: Context, blocks: number[]): void {
  const { readers, store, arena, kernel, frames } = context
  arena.bytes.fill(0, frames, frames + TOGETHER * FRAME)
  const wanted = { first: FIRST, blocks: Uint32Array.from(blocks), frames: Uint32Array.from(blocks, (_, i) => frames + i * FRAME), count: blocks.length, byteLength: BYTES }
  readers.read(wanted, (block, frame) => {
    context.here++
    const found = store.read(FIRST + block, arena.bytes, frame, BYTES)
    if (!found || !kernel.isSealed(frame, BYTES, FIRST + block, STORE)) throw new Error(`block ${block} ${found ? 'is damaged' : 'is missing'}`)
  })
}

function check({ arena, frames }: Context, blocks: number[], stampOf: (block: number) => number = () => 1): void {
  for (const [i, block] of blocks.entries()) assert.is(arena.u32[(frames + i * FRAME) / 4 + 100], block * 1000 + stampOf(block), `block ${block}`)
}

/** Reads until readers have taken a part of it. */
async function untilHelped(context: Context): Promise<void> {
  const blocks = Array.from({ length: TOGETHER }, (_, i) => i)
  for (let tries = 0; tries < 500; tries++) {
    // Those that sleep come while others are read.
    for (let round = 0; round < 30; round++) {
      context.here = 0
      read(context, blocks)
      check(context, blocks)
      if (context.here < TOGETHER) return
    }
    await new Promise(resolve => setTimeout(resolve, 1))
  }
  assert.unreachable('no reader came')
}

test('blocks are where they are wanted, whoever has read them', async context => {
  await untilHelped(context)
  const random = new Random(1)
  for (let round = 0; round < 2000; round++) {
    const blocks = Array.from({ length: 1 + random.below(TOGETHER) }, () => random.below(COUNT))
    read(context, blocks)
    check(context, blocks)
  }
})

test('readers begin when enough was asked for, and it is worth it', async context => {
  let asked = 0
  let isWorthIt = false
  const readers = readersOf(context, () => { asked++; return isWorthIt })
  const with_ = { ...context, readers }
  const blocks = Array.from({ length: TOGETHER }, (_, i) => i)
  for (let i = 0; i < 100; i++) read(with_, blocks)
  assert.ok(asked > 1 && asked < 10, `asked ${asked} times`)
  assert.is(readers.size, 0)
  isWorthIt = true
  for (let i = 0; i < 100; i++) read(with_, blocks)
  assert.is(readers.size, 2)
  await readers.close()
  assert.is(readers.size, 0)
})

test('what is damaged, or missing, is told by the calling thread, when all others stand', async context => {
  const { store } = context
  await untilHelped(context)
  const damaged = Buffer.alloc(BYTES, 7)
  store.write([{ place: FIRST + 40, bytes: damaged }], new Map(), [FIRST + 41])
  context.readers.refresh()
  for (let round = 0; round < 200; round++) {
    for (const [bad, why] of [[40, 'damaged'], [41, 'missing']] as const) {
      const blocks = [...Array.from({ length: 30 }, (_, i) => i), bad]
      assert.throws(() => read(context, blocks), new RegExp(`block ${bad} is ${why}`))
      check(context, blocks.slice(0, 30))
    }
  }
})

test('readers that sleep come again', async context => {
  await untilHelped(context)
  for (let i = 0; i < 5; i++) {
    await new Promise(resolve => setTimeout(resolve, 20))
    await untilHelped(context)
  }
})

test('after the end the calling thread reads alone', async context => {
  await untilHelped(context)
  await context.readers.close()
  assert.is(context.readers.size, 0)
  context.here = 0
  const blocks = Array.from({ length: TOGETHER }, (_, i) => i)
  read(context, blocks)
  check(context, blocks)
  assert.is(context.here, TOGETHER)
})

test('an end comes in time for readers that have only begun', async context => {
  const readers = readersOf(context, () => true)
  const blocks = Array.from({ length: TOGETHER }, (_, i) => i)
  for (let i = 0; i < 20; i++) read({ ...context, readers }, blocks)
  await readers.close()
  assert.is(readers.size, 0)
})

test('where there are to be none, nothing changes', async context => {
  const readers = readersOf(context, () => true, 0)
  const blocks = Array.from({ length: TOGETHER }, (_, i) => i)
  for (let i = 0; i < 40; i++) read({ ...context, readers }, blocks)
  assert.is(readers.size, 0)
  await readers.close()
})

test.run()
