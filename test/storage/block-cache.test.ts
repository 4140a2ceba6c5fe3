import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import fc from 'fast-check'
import { type Kernel, loadKernel } from '../../index/kernel.js'
import { ALLOCATED, Arena, FREE, KEPT, SLAB_BYTES } from '../../storage/arena.js'
import { BlockCache } from '../../storage/block-cache.js'
import type { Space } from '../../storage/space.js'
import { check } from '../seed.js'

const test = suite('BlockCache')
const SLABS = 12
/** Rows for frames of every class, the smallest twice. */
const WIDTHS = [100, 3700, 7700, 15_500, 32_000, 64_000]

function isFull(error: unknown): boolean {
  return (error as { code?: string }).code === 'VECTOR_FULL'
}

/** A cache over blocks in a map, and beside it what must be true of it. */
class Model {
  readonly arena: Arena
  readonly cache: BlockCache
  readonly kernel: Kernel
  readonly spaces: Space[]
  readonly disk = new Map<string, Uint8Array>()
  /** The stamp last written to a row. */
  readonly stamps = new Map<string, number>()
  readonly dirty = new Set<string>()
  /** Blocks that a checkpoint under way is writing, as they were when it began. */
  readonly writing = new Map<string, Uint8Array>()
  readonly pieces: { ptr: number, byteLength: number, fill: number }[] = []
  loads = 0

  constructor(slabs: number, widths: number[]) {
    this.arena = new Arena(slabs * SLAB_BYTES)
    this.cache = new BlockCache(this.arena)
    this.kernel = loadKernel('simd', this.arena.memory, { fault: (id, block) => this.cache.fault(id, block), loadRecords: () => undefined })
    this.spaces = widths.map((rowBytes, id) => {
      const space: Space = this.cache.createSpace({
        rowBytes,
        load: (block, frame) => {
          this.loads++
          const stored = this.disk.get(`${id}:${block}`)
          if (stored) this.arena.bytes.set(stored, frame)
          else this.arena.bytes.fill(0, frame, frame + space.frameBytes)
        }
      })
      return space
    })
  }

  read(space: Space, row: number): void {
    const at = this.kernel.rowAddress(space.ptr, row) >>> 0
    assert.is(new DataView(this.arena.bytes.buffer).getUint32(at), this.stamps.get(`${space.id}:${row}`) ?? 0, `row ${row} of space ${space.id}`)
  }

  write(space: Space, row: number, stamp: number): void {
    const at = this.kernel.dirtyRowAddress(space.ptr, row) >>> 0
    new DataView(this.arena.bytes.buffer).setUint32(at, stamp)
    this.stamps.set(`${space.id}:${row}`, stamp)
    this.dirty.add(`${space.id}:${Math.floor(row / space.rowsPerBlock)}`)
  }

  beginCheckpoint(): void {
    this.endCheckpoint(true)
    for (const { space, block, frame } of this.cache.dirtyBlocks()) {
      space.markWriting(block)
      this.writing.set(`${space.id}:${block}`, this.arena.bytes.slice(frame, frame + space.frameBytes))
    }
    assert.equal([...this.writing.keys()].sort(), [...this.dirty].sort())
    this.dirty.clear()
  }

  endCheckpoint(written: boolean): void {
    this.cache.endWriting(written)
    for (const [name, bytes] of this.writing) {
      if (written) this.disk.set(name, bytes)
      else this.dirty.add(name)
    }
    this.writing.clear()
  }

  checkpoint(): void {
    this.beginCheckpoint()
    this.endCheckpoint(true)
  }

  allocate(byteLength: number, fill: number): void {
    const ptr = this.arena.allocate(byteLength)
    this.arena.bytes.fill(fill, ptr, ptr + byteLength)
    this.pieces.push({ ptr, byteLength, fill })
  }

  release(number: number): void {
    const [piece] = this.pieces.splice(number % (this.pieces.length || 1), 1)
    if (piece) this.arena.release(piece.ptr, piece.byteLength)
  }

  /** Resident blocks and their frames. */
  resident(): { space: Space, block: number, frame: number }[] {
    return this.spaces.flatMap(space => Array.from({ length: space.capacity }, (_, block) => ({ space, block, frame: space.frameOf(block) })).filter(({ frame }) => frame))
  }

  /** Whether nothing in some slabs must stay there: their changes find room among the others of their class. */
  canBeEmptied(from: number, count: number): boolean {
    const { owners } = this.arena
    if ([ALLOCATED, KEPT].some(owner => owners.subarray(from, from + count).includes(owner))) return false
    const isWithin = (slab: number): boolean => slab >= from && slab < from + count
    const dirty = this.resident().filter(({ space, block }) => space.isDirty(block))
    const within = dirty.filter(({ frame }) => isWithin(Math.floor(frame / SLAB_BYTES)))
    if (within.some(({ space, block }) => space.isWriting(block))) return false
    return within.every(({ space: { frameClass } }) => {
      const others = [...owners.entries()].filter(([slab, owner]) => owner === frameClass && !isWithin(slab)).length
      return dirty.filter(({ space }) => space.frameClass === frameClass).length <= others * (16 >> frameClass)
    })
  }

  /** Why a block of a class could have been loaded; undefined when there was no way. */
  roomFor(frameClass: number): string | undefined {
    const resident = this.resident()
    for (const [slab, owner] of this.arena.owners.entries()) {
      if (owner === FREE) return `slab ${slab} is free`
      if (owner >= 0 && owner !== frameClass && this.canBeEmptied(slab, 1)) return `slab ${slab} of class ${owner} can be emptied`
      if (owner !== frameClass) continue
      const frames = resident.filter(({ frame }) => Math.floor(frame / SLAB_BYTES) === slab)
      if (frames.length < 16 >> frameClass) return `slab ${slab} of the class has a free frame`
      const clean = frames.find(({ space, block }) => !space.isDirty(block))
      if (clean) return `block ${clean.block} of space ${clean.space.id} holds no changes`
    }
    return undefined
  }

  /** Why so many slabs could have been allocated; undefined when there was no way. */
  roomForSlabs(count: number): string | undefined {
    for (let slab = 0; slab + count <= this.arena.slabs; slab++) if (this.canBeEmptied(slab, count)) return `slabs ${slab} to ${slab + count - 1} can be emptied`
    return undefined
  }

  verify(): void {
    const resident = this.resident()
    const pages = new Set<number>()
    for (const { space, frame } of resident) {
      assert.is(this.arena.owners[Math.floor(frame / SLAB_BYTES)], space.frameClass, 'a frame stands in a slab of its class')
      assert.is(frame % space.frameBytes, 0)
      for (let page = frame; page < frame + space.frameBytes; page += 4096) {
        assert.not(pages.has(page), 'no two blocks share a page')
        pages.add(page)
      }
    }
    const staying = new Set([...this.dirty, ...this.writing.keys()])
    for (const name of staying) {
      const [id, block] = name.split(':').map(Number)
      assert.ok(this.spaces[id].frameOf(block), `block ${name} with changes is resident`)
    }
    const dirty = resident.filter(({ space, block }) => space.isDirty(block))
    assert.equal(new Set(dirty.map(({ space, block }) => `${space.id}:${block}`)), staying)
    assert.equal([...this.cache.dirtyBlocks()].map(({ space, block }) => `${space.id}:${block}`).sort(), [...this.dirty].sort())
    const counts = this.cache.counts()
    assert.is(counts.resident, resident.length)
    assert.is(counts.dirty, staying.size)
    assert.is(this.loads - counts.evictions, resident.length)
    assert.ok(counts.misses >= this.loads)
    for (const { ptr, byteLength, fill } of this.pieces) assert.ok(this.arena.bytes.subarray(ptr, ptr + byteLength).every(byte => byte === fill), 'an allocation is untouched')
  }
}

const rows = fc.record({ space: fc.nat({ max: WIDTHS.length - 1 }), row: fc.nat({ max: 500 }) })
const commands = fc.array(fc.oneof(
  { weight: 6, arbitrary: rows.map(at => ({ type: 'read' as const, ...at })) },
  { weight: 6, arbitrary: rows.map(at => ({ type: 'write' as const, ...at })) },
  { weight: 1, arbitrary: fc.constant({ type: 'begin' as const }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('end' as const), written: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('allocate' as const), byteLength: fc.constantFrom(64, 1000, 40_000, 65_536, 131_072) }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('release' as const), number: fc.nat() }) }
), { minLength: 1, maxLength: 200, size: 'max' })

test('whatever is read, changed, written out and allocated meanwhile: no change is lost, and tables, frames and owners agree', async () => {
  await check(fc.property(commands, commands => {
    const model = new Model(SLABS, WIDTHS)
    for (const space of model.spaces) space.reserve(501)
    for (const [step, command] of commands.entries()) {
      try {
        if (command.type === 'read') model.read(model.spaces[command.space], command.row)
        else if (command.type === 'write') model.write(model.spaces[command.space], command.row, step + 1)
        else if (command.type === 'begin') model.beginCheckpoint()
        else if (command.type === 'end') model.endCheckpoint(command.written)
        else if (command.type === 'allocate') model.allocate(command.byteLength, 1 + step % 255)
        else model.release(command.number)
      } catch (error) {
        if (!isFull(error)) throw error
      }
      model.verify()
    }
    model.checkpoint()
    for (const name of model.stamps.keys()) {
      const [id, row] = name.split(':').map(Number)
      try {
        model.read(model.spaces[id], row)
      } catch (error) {
        if (!isFull(error)) throw error
      }
    }
  }), { numRuns: 60 })
})

test('a block is refused with VECTOR_FULL only when all frames of its class have changes, and no slab of another can be emptied', async () => {
  await check(fc.property(commands, commands => {
    const model = new Model(SLABS, WIDTHS)
    for (const space of model.spaces) space.reserve(501)
    for (const [step, command] of commands.entries()) {
      if (command.type !== 'read' && command.type !== 'write') continue
      const space = model.spaces[command.space]
      try {
        if (command.type === 'read') model.read(space, command.row)
        else model.write(space, command.row, step + 1)
      } catch (error) {
        if (!isFull(error)) throw error
        assert.is(model.roomFor(space.frameClass), undefined)
        model.checkpoint()
      }
    }
  }), { numRuns: 100 })
})

test('tables are refused with VECTOR_FULL only when no run of slabs is free or can be emptied', async () => {
  await check(fc.property(commands, fc.integer({ min: 1, max: 3 }), (commands, slabs) => {
    const model = new Model(SLABS, WIDTHS)
    for (const space of model.spaces) space.reserve(501)
    for (const [step, command] of commands.entries()) {
      if (command.type !== 'read' && command.type !== 'write') continue
      const space = model.spaces[command.space]
      try {
        if (command.type === 'read') model.read(space, command.row)
        else model.write(space, command.row, step + 1)
      } catch (error) {
        if (!isFull(error)) throw error
        break
      }
    }
    try {
      model.arena.allocate(slabs * SLAB_BYTES)
    } catch (error) {
      if (!isFull(error)) throw error
      assert.is(model.roomForSlabs(slabs), undefined)
    }
    model.verify()
  }), { numRuns: 100 })
})

/** Frames of the smallest class that there is room for. */
function framesFree(model: Model): number {
  return 16 * model.arena.owners.filter(owner => owner === FREE).length
}

test('blocks that are used stay, those that are not go first', () => {
  const model = new Model(9, [4000])
  const [space] = model.spaces
  space.reserve(1000)
  const frames = framesFree(model)
  for (let row = 0; row < frames; row++) model.read(space, row)
  const hot = [3, 11, 20]
  for (let row = frames; row < frames + 200; row++) {
    for (const used of hot) model.read(space, used)
    model.read(space, row)
  }
  for (const used of hot) assert.ok(space.frameOf(used), `row ${used}`)
  assert.is(model.loads, frames + 200)
})

test('slabs move to the class that needs them', () => {
  const model = new Model(13, [4000, 8000])
  const [small, large] = model.spaces
  for (const space of model.spaces) space.reserve(2000)
  const slabsOf = (frameClass: number): number => model.arena.owners.filter(owner => owner === frameClass).length
  for (let row = 0; row < 2000; row++) model.read(small, row)
  assert.is(slabsOf(1), 0)
  for (let round = 0; round < 40; round++) for (let row = 0; row < 50; row++) model.read(large, row)
  assert.ok(slabsOf(1) >= 6, `${slabsOf(1)} slabs went over`)
  model.verify()
  for (let round = 0; round < 40; round++) for (let row = 0; row < 100; row++) model.read(small, row)
  assert.ok(slabsOf(0) >= 6, `${slabsOf(0)} slabs came back`)
  model.verify()
})

test('a full cache takes reads and writes again after a checkpoint', () => {
  const model = new Model(9, [4000])
  const [space] = model.spaces
  space.reserve(1000)
  const frames = framesFree(model)
  let row = 0
  assert.throws(() => {
    for (;; row++) {
      // It is time for a checkpoint before it must be waited for.
      if (model.cache.isCrowded()) assert.ok(model.cache.isFilling)
      if (row < frames / 4 - 32) assert.not.ok(model.cache.isFilling)
      model.write(space, row, row + 1)
    }
  }, isFull)
  assert.is(row, frames)
  assert.ok(model.cache.isCrowded())
  model.checkpoint()
  assert.not.ok(model.cache.isCrowded() || model.cache.isFilling)
  for (let other = 100; other < 140; other++) model.read(space, other)
  for (let written = 0; written < row; written++) model.read(space, written)
  model.verify()
})

test('several blocks are loaded together, as many as there is room for', () => {
  const model = new Model(9, [4000])
  const { cache, spaces: [space] } = model
  space!.reserve(1000)
  const frames = framesFree(model)
  for (let row = 0; row < frames - 3; row++) model.write(space!, row, row + 1)
  const wanted = Uint32Array.of(900, 901, 902, 903, 904)
  const present = (): number[] => [...wanted].filter(block => space!.frameOf(block))
  const loads = model.loads
  cache.faultAll(space!.id, wanted)
  assert.equal(present(), [900, 901, 902])
  cache.faultAll(space!.id, wanted.subarray(1, 3))
  assert.is(model.loads, loads + 3, 'what is there is not loaded again')
  for (const row of [900, 901, 902]) model.write(space!, row, row)
  assert.throws(() => cache.faultAll(space!.id, wanted), isFull)
  model.verify()
  model.checkpoint()
  cache.faultAll(space!.id, wanted)
  assert.equal(present(), [...wanted])
  model.verify()
})

test('of blocks that are loaded together one that fails leaves all frames to others', () => {
  const arena = new Arena(12 * SLAB_BYTES)
  const cache = new BlockCache(arena)
  const space = cache.createSpace({
    rowBytes: 4000,
    load: () => undefined,
    loadAll: (blocks, frames, count) => {
      assert.is(new Set(frames.subarray(0, count)).size, count)
      if (blocks.subarray(0, count).includes(7)) throw new Error('damaged')
    }
  })
  space.reserve(10_000)
  for (let round = 0; round < 100; round++) {
    assert.throws(() => cache.faultAll(space.id, Uint32Array.of(5, 6, 7, 8)), /damaged/)
    cache.faultAll(space.id, Uint32Array.of(100 + round, 1000 + round, 2000 + round))
    assert.ok(space.frameOf(100 + round) && space.frameOf(2000 + round))
  }
  for (let block = 5; block < 9; block++) assert.is(space.frameOf(block), 0)
})

test('a block that cannot be loaded leaves its frame to others', () => {
  const arena = new Arena(8 * SLAB_BYTES)
  const cache = new BlockCache(arena)
  const space = cache.createSpace({
    rowBytes: 4000,
    load: block => {
      if (block % 2) throw new Error(`block ${block} is damaged`)
    }
  })
  space.reserve(300)
  const frames = 16 * arena.owners.filter(owner => owner === FREE).length
  for (let block = 0; block < 300; block++) {
    if (block % 2) assert.throws(() => cache.fault(space.id, block), /damaged/)
    else cache.fault(space.id, block)
    assert.is(space.frameOf(block) !== 0, block % 2 === 0)
  }
  // The last one was damaged.
  assert.is(cache.counts().resident, frames - 1)
})

test('a slab is taken from the class that has a clean one, although another with as little pressure has changes everywhere', () => {
  const model = new Model(16, [4000, 8000, 16_000])
  const [changed, clean, wanting] = model.spaces
  for (const space of model.spaces) space.reserve(300)
  const slabs = framesFree(model) / 16
  for (let row = 0; row < 16 * 4; row++) model.write(changed, row, 1)
  for (let row = 0; row < 8 * (slabs - 4); row++) model.read(clean, row)
  assert.is(framesFree(model), 0)
  model.read(wanting, 0)
  model.verify()
})

test('tables take any neighboring slabs without changes, although a slab with changes stands on each side', () => {
  const model = new Model(16, [64_000])
  const [space] = model.spaces
  space.reserve(300)
  // One block a slab, from the lowest slab upwards: from the top one changed, two clean, two changed, two clean, ...
  const slabs = framesFree(model) / 16
  for (let row = 0; row < slabs; row++) {
    if ((slabs - row) % 4 < 2) model.write(space, row, 1)
    else model.read(space, row)
  }
  assert.ok(model.roomForSlabs(2))
  model.arena.allocate(2 * SLAB_BYTES)
  model.verify()
})

test('a slab with a single change is given to a class that needs it: the change moves', () => {
  const model = new Model(13, [4000, 64_000])
  const [small, large] = model.spaces
  for (const space of model.spaces) space.reserve(300)
  const frames = framesFree(model)
  for (let row = 0; row < frames; row++) row % 16 ? model.read(small, row) : model.write(small, row, row + 1)
  for (let row = 0; row < 4; row++) model.write(large, row, 1000 + row)
  model.verify()
  model.arena.allocate(2 * SLAB_BYTES)
  model.verify()
  for (let row = 0; row < frames; row += 16) model.read(small, row)
  for (let row = 0; row < 4; row++) model.read(large, row)
})

test('a block that is missed by several threads is loaded once, so that what the first of them changes stays', () => {
  const model = new Model(SLABS, WIDTHS)
  const [space] = model.spaces
  model.write(space!, 3, 7)
  const { misses } = model.cache.counts()
  model.cache.fault(space!.id, 0)
  model.read(space!, 3)
  assert.is(model.cache.counts().misses, misses)
})

test('a space that is given rows of another width is empty, has room for as many, and its blocks leave the disk with the next checkpoint', () => {
  const widths = [3700, 100, 64_000, 7700]
  const model = new Model(64, [3700, 100])
  const [space, other] = model.spaces
  for (const [i, rowBytes] of [...widths, 3700].entries()) {
    const rows = 200 * (i + 1)
    space.reserve(rows)
    other.reserve(rows)
    for (const row of [0, 57, rows - 1]) model.write(space, row, row + 1)
    model.write(other, rows - 1, 9)
    model.beginCheckpoint()
    const blocks = [...model.writing.keys()].filter(key => key.startsWith('0:')).map(key => Number(key.slice(2)))
    for (const block of blocks) space.markStored(block)
    model.endCheckpoint(true)
    model.write(space, 3, 4)
    model.cache.reshape(space, rowBytes, rows)
    for (const key of model.stamps.keys()) if (key.startsWith('0:')) model.stamps.delete(key)
    for (const key of model.disk.keys()) if (key.startsWith('0:')) model.disk.delete(key)
    model.dirty.clear()
    assert.not(space.lacks(rows))
    assert.ok(space.capacity < 2 * Math.max(32, rows / space.rowsPerBlock + 1), `${space.capacity} blocks for ${rows} rows`)
    assert.is(space.countDirty(), 0)
    for (const row of [0, 3, 57, rows - 1]) model.read(space, row)
    model.read(other, rows - 1)
    assert.not(blocks.some(block => block < space.capacity && space.isStored(block)))
    const leaving = (): number[] => [...model.cache.leavingBlocks()].filter(({ space: { id } }) => id === 0).map(({ block }) => block)
    assert.equal(leaving(), blocks.sort((a, b) => a - b))
    // They are gone when the checkpoint was written, and not before.
    model.cache.endWriting(false)
    assert.equal(leaving(), blocks)
    model.cache.endWriting(true)
    assert.equal(leaving(), [])
  }
})

test.run()
