import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import fc from 'fast-check'
import {
  SCRATCH_ADDRESSES, SCRATCH_BEAM, SCRATCH_BEAM_CAPACITY, SCRATCH_CANDIDATES, SCRATCH_IDS, SCRATCH_KEYS, SCRATCH_LEFT, SCRATCH_LEVELS, SCRATCH_QUERY,
  SCRATCH_RESULT, SCRATCH_ROW, SCRATCH_ROWS, SCRATCH_SELECTED, SCRATCH_VISITED, SCRATCH_VISITED_BYTES, WIDTH_MOST
} from '../../index/kernel/layout.js'
import { Scratch, type ScratchNeeds } from '../../index/scratch.js'
import { Arena } from '../../storage/arena.js'
import { check } from '../seed.js'

const test = suite('Scratch')
/** Ordinals that are scanned, and entries that are measured, together (kernel/result.ts). */
const SCAN = 64
const RERANKED = 16

const needs: fc.Arbitrary<ScratchNeeds> = fc.record({
  vectorBytes: fc.integer({ min: 1, max: 200 }).map(groups => groups * 16),
  rowBytes: fc.integer({ min: 5, max: 3200 }),
  queryBytes: fc.integer({ min: 0, max: 300_000 }),
  M: fc.oneof(fc.integer({ min: 2, max: 4 }), fc.integer({ min: 2, max: 64 })),
  ef: fc.oneof(fc.integer({ min: 4, max: 16 }), fc.integer({ min: 4, max: 3000 })),
  ids: fc.integer({ min: 1, max: 100_000 })
})

/** What the kernel writes to each buffer, in bytes. */
function usedBytes({ vectorBytes, rowBytes, queryBytes, M, ef, ids }: ScratchNeeds): Map<number, number> {
  const gathered = Math.max(WIDTH_MOST * 2 * M, SCAN, 2 * M + 2, ef)
  return new Map([
    [SCRATCH_QUERY, vectorBytes],
    [SCRATCH_LEVELS, Math.max(queryBytes, 1024)],
    [SCRATCH_ROW, rowBytes],
    [SCRATCH_IDS, 4 * gathered],
    [SCRATCH_ROWS, 4 * gathered],
    [SCRATCH_ADDRESSES, 4 * (gathered + 3)],
    [SCRATCH_KEYS, 4 * (gathered + 15)],
    [SCRATCH_LEFT, 8 * Math.max(2 * M + 1, ef)],
    [SCRATCH_SELECTED, 4 * (2 * M + 1)],
    [SCRATCH_CANDIDATES, Math.max(8 * (2 * M + 2), 4 * (RERANKED + Math.min(RERANKED, ef)))],
    [SCRATCH_RESULT, 8 * ef],
    [SCRATCH_BEAM, 8 * (ef + 1)],
    [SCRATCH_VISITED, ids]
  ])
}

test('every buffer holds what the kernel writes to it, and no two overlap, however the needs change', async () => {
  await check(fc.property(fc.array(needs, { minLength: 1, maxLength: 8 }), sequence => {
    const arena = new Arena(64 * 2 ** 20)
    const scratch = new Scratch(arena)
    const word = (at: number): number => arena.u32[(scratch.ptr + at) / 4]
    let widest = 0
    for (const one of sequence) {
      widest = Math.max(widest, one.ef)
      scratch.ensure(one)
      const used = [...usedBytes(one)]
      // Each is filled with its own byte; one that is too small would be overwritten by its neighbor.
      for (const [i, [buffer, byteLength]] of used.entries()) arena.bytes.fill(i + 1, word(buffer), word(buffer) + byteLength)
      for (const [i, [buffer, byteLength]] of used.entries()) {
        assert.ok(arena.bytes.subarray(word(buffer), word(buffer) + byteLength).every(byte => byte === i + 1), `the buffer at ${buffer} of ${byteLength} bytes`)
      }
      assert.is(word(SCRATCH_BEAM_CAPACITY), widest)
      assert.ok(word(SCRATCH_VISITED_BYTES) >= one.ids)
      assert.is(scratch.query, word(SCRATCH_QUERY))
      assert.is(scratch.result, word(SCRATCH_RESULT))
    }
  }), { numRuns: 40, examples: [[[{ vectorBytes: 16, rowBytes: 5, queryBytes: 0, M: 2, ef: 4, ids: 1 }]]] })
})

test('what it was ensured once costs nothing again', () => {
  const arena = new Arena(8 * 2 ** 20)
  const scratch = new Scratch(arena)
  const one = { vectorBytes: 512, rowBytes: 132, queryBytes: 256, M: 16, ef: 100, ids: 1000 }
  scratch.ensure(one)
  const words = arena.u32.slice(scratch.ptr / 4, scratch.ptr / 4 + 24)
  scratch.ensure(one)
  scratch.ensure({ ...one, ef: 100, ids: 900 })
  assert.equal(arena.u32.slice(scratch.ptr / 4, scratch.ptr / 4 + 24), words)
})

test('it counts the distances and the expanded nodes', () => {
  const scratch = new Scratch(new Arena(2 ** 20))
  assert.equal(scratch.counters, { distances: 0, hops: 0 })
})

test.run()
