import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import fc from 'fast-check'
import { ALLOCATED, Arena, FREE, SLAB_BYTES } from '../../storage/arena.js'
import { check } from '../seed.js'

const test = suite('Arena')
const SLABS = 12

interface Piece {
  ptr: number
  byteLength: number
  fill: number
}

function isFull(error: unknown): boolean {
  return (error as { code?: string }).code === 'VECTOR_FULL'
}

/** The most slabs next to each other that nobody has. */
function longestRun(arena: Arena): number {
  let longest = 0
  let run = 0
  for (const owner of arena.owners) {
    run = owner === FREE ? run + 1 : 0
    longest = Math.max(longest, run)
  }
  return longest
}

test('memory is as large as asked for, in whole slabs, of which the first is never given out', () => {
  const arena = new Arena(3 * SLAB_BYTES + 1)
  assert.is(arena.slabs, 4)
  assert.is(arena.memory.buffer.byteLength, 4 * SLAB_BYTES)
  assert.equal([...arena.owners], [ALLOCATED, FREE, FREE, FREE])
})

test('pieces are aligned, zeroed and apart from each other, whatever is allocated and released', async () => {
  const commands = fc.array(fc.oneof(
    fc.record({ allocate: fc.oneof(fc.nat({ max: 300 }), fc.constantFrom(64, 65, 32_768, 32_769, 65_536, 65_537, 200_000), fc.nat({ max: 150_000 })) }),
    fc.record({ release: fc.nat() })
  ), { maxLength: 60, size: 'max' })
  await check(fc.property(commands, commands => {
    const arena = new Arena(SLABS * SLAB_BYTES)
    const pieces: Piece[] = []
    for (const [step, command] of commands.entries()) {
      if ('release' in command) {
        const [piece] = pieces.splice(command.release % (pieces.length || 1), 1)
        if (!piece) continue
        assert.ok(arena.bytes.subarray(piece.ptr, piece.ptr + piece.byteLength).every(byte => byte === piece.fill), 'nobody else wrote there')
        arena.release(piece.ptr, piece.byteLength)
        continue
      }
      const byteLength = command.allocate
      const room = longestRun(arena)
      let ptr: number
      try {
        ptr = arena.allocate(byteLength)
      } catch (error) {
        assert.ok(isFull(error), String(error))
        assert.ok(room < Math.max(1, Math.ceil(byteLength / SLAB_BYTES)), `${byteLength} bytes are refused, ${room} slabs are free`)
        continue
      }
      assert.is(ptr % 64, 0)
      assert.ok(ptr >= SLAB_BYTES && ptr + byteLength <= SLABS * SLAB_BYTES, `${ptr}`)
      assert.ok(arena.bytes.subarray(ptr, ptr + byteLength).every(byte => byte === 0), 'zeroed')
      for (let slab = Math.floor(ptr / SLAB_BYTES); slab * SLAB_BYTES < ptr + byteLength; slab++) assert.is(arena.owners[slab], ALLOCATED)
      for (const other of pieces) assert.ok(ptr + byteLength <= other.ptr || other.ptr + other.byteLength <= ptr || byteLength === 0 || other.byteLength === 0)
      const fill = 1 + (step % 255)
      arena.bytes.fill(fill, ptr, ptr + byteLength)
      pieces.push({ ptr, byteLength, fill })
    }
    for (const { ptr, byteLength, fill } of pieces) assert.ok(arena.bytes.subarray(ptr, ptr + byteLength).every(byte => byte === fill))
  }))
})

test('what is released can be allocated again, without end', () => {
  const arena = new Arena(SLABS * SLAB_BYTES)
  for (let round = 0; round < 100; round++) {
    const sizes = [100, 5000, 40_000, 300_000, 64]
    const ptrs = sizes.map(size => arena.allocate(size))
    ptrs.forEach((ptr, i) => arena.release(ptr, sizes[i]))
  }
})

test('what is allocated is counted by its use, until it is released', () => {
  const arena = new Arena(SLABS * SLAB_BYTES)
  const [table, scratch] = [arena.allocate(100, 'tables'), arena.allocate(SLAB_BYTES + 1, 'scratch')]
  arena.allocate(64)
  assert.equal(arena.used, { tables: 128, scratch: 2 * SLAB_BYTES, codebooks: 0, other: 64 })
  arena.release(table, 100, 'tables')
  arena.release(scratch, SLAB_BYTES + 1, 'scratch')
  assert.equal(arena.used, { tables: 0, scratch: 0, codebooks: 0, other: 64 })
})

test('more than there is, is VECTOR_FULL, and what was allocated stays', () => {
  const arena = new Arena(SLABS * SLAB_BYTES)
  const ptr = arena.allocate(1000)
  arena.bytes.fill(7, ptr, ptr + 1000)
  assert.throws(() => arena.allocate(SLABS * SLAB_BYTES), isFull)
  assert.ok(arena.bytes.subarray(ptr, ptr + 1000).every(byte => byte === 7))
  arena.allocate((SLABS - 3) * SLAB_BYTES)
})

test('what was never in use is not written to, and what was is zeroed', () => {
  const arena = new Arena(SLABS * SLAB_BYTES)
  const written: number[] = []
  const fill = arena.bytes.fill.bind(arena.bytes)
  arena.bytes.fill = (value, from, to) => {
    written.push(Math.floor(from! / SLAB_BYTES))
    return fill(value, from, to)
  }
  arena.release(arena.allocate(3 * SLAB_BYTES), 3 * SLAB_BYTES)
  assert.equal(written, [])
  arena.give(1, 1, 0)
  arena.bytes[SLAB_BYTES] = 1
  arena.give(1, 1, FREE)
  const ptr = arena.allocate((SLABS - 1) * SLAB_BYTES)
  assert.equal(written, [1, 9, 10, 11])
  assert.ok(arena.bytes.subarray(ptr).every(byte => byte === 0))
})

test.run()
