import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import fc from 'fast-check'
import { Random } from '../../floor/random.js'
import { Arena } from '../../storage/arena.js'
import { BLOCK_HEADER, SPACE_CAPACITY, SPACE_DIRTY, SPACE_MAGIC, SPACE_ROWS, SPACE_ROW_BYTES, SPACE_SHIFT } from '../../storage/kernel/layout.js'
import { MOST_ROWS, PAGE_SLACK, Space } from '../../storage/space.js'
import { check } from '../seed.js'

const test = suite('Space')
const nothing = (): void => undefined
/** No kernel reads them. */
const ALONE = { threads: 1, references: 0 }

test('rows of every width fit their block, and fill half of it or more', () => {
  const arena = new Arena(16 * 2 ** 20)
  for (let rowBytes = 1; rowBytes <= 64_100; rowBytes += rowBytes < 2000 ? 1 : 97) {
    const { rowsPerBlock, frameBytes, frameClass } = new Space(arena, 0, { rowBytes, load: nothing }, ALONE)
    assert.is(frameBytes, 4096 << frameClass)
    assert.ok(frameClass >= 0 && frameClass < 5)
    assert.ok(rowsPerBlock >= 1)
    assert.ok(BLOCK_HEADER + rowsPerBlock * rowBytes + PAGE_SLACK <= frameBytes, `${rowsPerBlock} rows of ${rowBytes} bytes in ${frameBytes}`)
    assert.ok(BLOCK_HEADER + (rowsPerBlock + 1) * rowBytes + PAGE_SLACK > frameBytes, 'no more would fit')
    assert.ok(rowsPerBlock * rowBytes > 0.499 * frameBytes, `${rowsPerBlock} rows of ${rowBytes} bytes in ${frameBytes}`)
  }
})

test('a row that no frame can hold is a RangeError', () => {
  const arena = new Arena(2 ** 20)
  assert.throws(() => new Space(arena, 0, { rowBytes: 65_536, load: nothing }, ALONE), (error: unknown) => error instanceof RangeError)
})

test('the division by a block\'s rows is exact up to the last row, for all widths up to 20,000 bytes', () => {
  const arena = new Arena(16 * 2 ** 20)
  const random = new Random(1)
  const seen = new Set<number>()
  for (let rowBytes = 1; rowBytes <= 20_000; rowBytes++) {
    const { ptr, rowsPerBlock } = new Space(arena, 0, { rowBytes, load: nothing }, ALONE)
    if (seen.has(rowsPerBlock)) continue
    seen.add(rowsPerBlock)
    const word = (at: number): number => arena.u32[(ptr + at) / 4]
    assert.is(word(SPACE_ROWS), rowsPerBlock)
    assert.is(word(SPACE_ROW_BYTES), rowBytes)
    const magic = BigInt(word(SPACE_MAGIC))
    const shift = BigInt(word(SPACE_SHIFT))
    const blockOf = (row: number): number => Number((BigInt(row) * magic) >> shift)
    const last = Math.floor((MOST_ROWS - 1) / rowsPerBlock)
    const blocks = [1, 2, 3, last - 1, last, ...Array.from({ length: 40 }, () => 1 + random.below(last))]
    for (const block of blocks) {
      assert.is(blockOf(block * rowsPerBlock - 1), block - 1, `before block ${block} of ${rowsPerBlock} rows`)
      assert.is(blockOf(block * rowsPerBlock), block, `first of block ${block} of ${rowsPerBlock} rows`)
    }
    assert.is(blockOf(0), 0)
    assert.is(blockOf(MOST_ROWS - 1), last)
  }
  assert.ok(seen.size > 100, `${seen.size} different counts of rows`)
})

test('growing keeps which blocks are resident and dirty', async () => {
  await check(fc.property(fc.array(fc.tuple(fc.nat({ max: 31 }), fc.boolean()), { maxLength: 20 }), fc.integer({ min: 1, max: 5000 }), (blocks, rows) => {
    const arena = new Arena(2 ** 21)
    const space = new Space(arena, 0, { rowBytes: 4000, load: nothing }, ALONE)
    for (const [block, resident] of blocks) space.setResident(block, resident ? 4096 * (block + 1) : 0)
    const seen = (): number[] => Array.from({ length: 32 }, (_, block) => space.frameOf(block))
    const before = seen()
    space.reserve(rows)
    assert.ok(space.capacity * space.rowsPerBlock >= rows)
    assert.is(arena.u32[(space.ptr + SPACE_CAPACITY) / 4], space.capacity)
    assert.equal(seen(), before)
  }))
})

test('counts the blocks that must stay: the dirty ones, and those being written until they are', async () => {
  await check(fc.property(fc.uniqueArray(fc.nat({ max: 99 })), fc.uniqueArray(fc.nat({ max: 99 })), fc.boolean(), (dirty, writing, isWritten) => {
    const arena = new Arena(2 ** 21)
    const space = new Space(arena, 0, { rowBytes: 4000, load: nothing }, ALONE)
    space.reserve(100)
    const flags = arena.u32[(space.ptr + SPACE_DIRTY) / 4]!
    for (const block of dirty) arena.bytes[flags + block] = 1
    for (const block of writing) space.markWriting(block)
    assert.is(space.countDirty(), new Set([...dirty, ...writing]).size)
    const left = dirty.filter(block => !writing.includes(block))
    assert.equal([...space.dirtyBlocks()], left.sort((a, b) => a - b))
    space.endWriting(isWritten)
    assert.is(space.countDirty(), isWritten ? left.length : new Set([...dirty, ...writing]).size)
  }))
})

test('a space grows with its rows, each time at least twofold', () => {
  const arena = new Arena(8 * 2 ** 20)
  const space = new Space(arena, 0, { rowBytes: 4000, load: nothing }, ALONE)
  const capacities = new Set<number>()
  for (let rows = 1; rows <= 100_000; rows += 37) {
    space.reserve(rows)
    assert.ok(space.capacity >= rows)
    capacities.add(space.capacity)
  }
  assert.ok(capacities.size <= 13, `${[...capacities]}`)
})

test('growing and a checkpoint keep which blocks are on disk', async () => {
  await check(fc.property(fc.uniqueArray(fc.nat({ max: 31 })), fc.integer({ min: 1, max: 5000 }), (blocks, rows) => {
    const arena = new Arena(2 ** 21)
    const space = new Space(arena, 0, { rowBytes: 4000, load: nothing }, ALONE)
    for (const block of blocks) space.markStored(block)
    space.reserve(rows)
    const other = new Space(arena, 1, { rowBytes: 4000, load: nothing }, ALONE)
    other.reserve(rows)
    other.restoreStored(space.stored.slice())
    for (let block = 0; block < space.capacity; block++) {
      assert.is(space.isStored(block), blocks.includes(block))
      assert.is(other.isStored(block), blocks.includes(block))
    }
  }))
})

test('more rows than there are numbers for is VECTOR_FULL, however large the tables already are', () => {
  const arena = new Arena(64 * 2 ** 20)
  const space = new Space(arena, 0, { rowBytes: 1, load: nothing }, ALONE)
  const isFull = (error: { code?: string }): boolean => error.code === 'VECTOR_FULL'
  assert.throws(() => space.reserve(MOST_ROWS + 1), isFull)
  space.reserve(MOST_ROWS)
  assert.throws(() => space.reserve(MOST_ROWS + 1), isFull)
})

test.run()
