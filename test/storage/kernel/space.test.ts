import * as assert from 'uvu/assert'
import fc from 'fast-check'
import { loadKernel } from '../../../index/kernel.js'
import { Arena } from '../../../storage/arena.js'
import { BlockCache } from '../../../storage/block-cache.js'
import { BLOCK_HEADER, REFERENCED, SPACE_REFERENCES } from '../../../storage/kernel/layout.js'
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
        assert.is(arena.bytes[arena.u32[(space.ptr + SPACE_REFERENCES) / 4] + block], REFERENCED)
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
