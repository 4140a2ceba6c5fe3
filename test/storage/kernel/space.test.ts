import * as assert from 'uvu/assert'
import fc from 'fast-check'
import { loadKernel } from '../../../index/kernel.js'
import { Arena } from '../../../storage/arena.js'
import { BlockCache } from '../../../storage/block-cache.js'
import { BLOCK_HEADER, COUNTS_BYTES, COUNTS_FAULTS, COUNTS_READS, PAGE_BYTES, REFERENCED, SPACE_COUNTS, SPACE_REFERENCES } from '../../../storage/kernel/layout.js'
import { MOST_ROWS } from '../../../storage/space.js'
import { BUILDS, kernelSuite } from '../../index/kernel-suite.js'
import { check } from '../../seed.js'

kernelSuite('kernel space', BUILDS, (test, build) => {
  test('a row is where its block\'s frame and its number within the block say, and its block is loaded once', async () => {
    await check(fc.property(fc.integer({ min: 1, max: 20_000 }), fc.array(fc.nat({ max: 3000 }), { minLength: 1, maxLength: 30 }), (rowBytes, rows) => {
      const arena = new Arena(4 * 2 ** 20)
      const cache = new BlockCache(arena)
      const loaded: number[] = []
      const space = cache.createSpace({ rowBytes, load: block => loaded.push(block) })
      const kernel = loadKernel(build, arena.memory, { fault: (id, block) => cache.fault(id, block), loadRecords: () => undefined })
      space.reserve(3001)
      for (const row of rows) {
        const block = Math.floor(row / space.rowsPerBlock)
        const known = space.frameOf(block) !== 0
        const faults = loaded.length
        const address = kernel.rowAddress(space.ptr, row) >>> 0
        assert.is(address, space.frameOf(block) + BLOCK_HEADER + (row % space.rowsPerBlock) * rowBytes)
        assert.equal(loaded.slice(faults), known ? [] : [block])
        assert.is(arena.bytes[arena.u32[(space.ptr + SPACE_REFERENCES) / 4] + space.frameOf(block) / PAGE_BYTES], REFERENCED)
        assert.not(space.isDirty(block))
      }
      const block = Math.floor(rows[0] / space.rowsPerBlock)
      assert.is(kernel.dirtyRowAddress(space.ptr, rows[0]) >>> 0, kernel.rowAddress(space.ptr, rows[0]) >>> 0)
      assert.equal([...space.dirtyBlocks()], [block])
    }))
  })

  test('the last rows that have numbers are found', () => {
    const arena = new Arena(8 * 2 ** 20)
    const cache = new BlockCache(arena)
    let last = -1
    const space = cache.createSpace({ rowBytes: 3, load: block => last = block })
    const kernel = loadKernel(build, arena.memory, { fault: (id, block) => cache.fault(id, block), loadRecords: () => undefined })
    space.reserve(MOST_ROWS)
    for (const row of [MOST_ROWS - 1, MOST_ROWS - 2000, MOST_ROWS >> 1]) {
      const address = kernel.rowAddress(space.ptr, row) >>> 0
      assert.is(last, Math.floor(row / space.rowsPerBlock))
      assert.is(address, space.frameOf(last) + BLOCK_HEADER + (row % space.rowsPerBlock) * 3)
    }
  })

  test('each thread counts its reads and faults for itself, and a space sums them up', () => {
    const arena = new Arena(2 ** 20)
    const cache = new BlockCache(arena, 3)
    const [one, other] = [cache.createSpace({ rowBytes: 1000, kind: 'one', load: () => undefined }), cache.createSpace({ rowBytes: 1000, kind: 'other', load: () => undefined })]
    one.reserve(100)
    const kernels = [0, 1, 2].map(thread => loadKernel(build, arena.memory, { fault: (id, block) => cache.fault(id, block), loadRecords: () => undefined }, thread))
    for (const [thread, kernel] of kernels.entries()) for (let i = 0; i <= thread; i++) kernel.rowAddress(one.ptr, 10 * i)
    kernels[1]!.dirtyRowAddress(other.ptr, 0)
    const countsOf = (thread: number): number[] => {
      const at = arena.u32[(one.ptr + SPACE_COUNTS) / 4]! + thread * COUNTS_BYTES
      return [COUNTS_READS, COUNTS_FAULTS].map(word => Number(arena.u64[(at + word) / 8]))
    }
    // The first of them to come to a block misses it.
    assert.equal([0, 1, 2].map(countsOf), [[1, 1], [2, 1], [3, 1]])
    assert.is(one.reads, 6)
    assert.is(other.reads, 1)
    const { hits, misses, resident, dirty } = cache.counts(['one'])
    assert.equal({ hits, misses, resident, dirty }, { hits: 3, misses: 3, resident: 3, dirty: 0 })
    assert.equal(cache.counts(['other']), { hits: 0, misses: 1, evictions: 0, resident: 1, dirty: 1, residentBytes: other.frameBytes, dirtyBytes: other.frameBytes })
    assert.is(cache.counts().residentBytes, 3 * one.frameBytes + other.frameBytes)
  })

  test('an error of loading comes out of the kernel, and the row can be asked for again', () => {
    const arena = new Arena(2 ** 20)
    const cache = new BlockCache(arena)
    let broken = true
    const space = cache.createSpace({
      rowBytes: 100,
      load: () => {
        if (broken) throw new Error('block 0 is damaged')
      }
    })
    const kernel = loadKernel(build, arena.memory, { fault: (id, block) => cache.fault(id, block), loadRecords: () => undefined })
    assert.throws(() => kernel.rowAddress(space.ptr, 5), /block 0 is damaged/)
    assert.is(space.frameOf(0), 0)
    broken = false
    assert.is(kernel.rowAddress(space.ptr, 5) >>> 0, space.frameOf(0) + BLOCK_HEADER + 500)
  })
})
