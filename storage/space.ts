import { VectorLevelError } from '../floor/errors.js'
import type { Arena } from './arena.js'
import { MOST_KEEPING } from './kept-rows.js'
import {
  BLOCK_HEADER, COUNTS_BYTES, COUNTS_READS, PAGE_BYTES, SPACE_BYTES, SPACE_CAPACITY, SPACE_COUNTS, SPACE_DIRTY, SPACE_ID, SPACE_KEPT, SPACE_MAGIC, SPACE_REFERENCES, SPACE_ROW_BYTES, SPACE_ROWS,
  SPACE_SHIFT, SPACE_TABLE
} from './kernel/layout.js'

/** An LMDB value of this much less than whole pages fills its pages exactly (the header of an overflow page). */
export const PAGE_SLACK = 24
/** Rows are numbered below this. */
export const MOST_ROWS = 2 ** 28
/** Values of the DIRTY flags; the kernel writes 1. */
const CLEAN = 0
const DIRTY = 1
const WRITING = 2
const BYTES_A_BLOCK = 5
const FIRST_CAPACITY = 32
/** Frames have 1, 2, 4, 8 or 16 pages. */
export const FRAME_CLASSES = 5

export interface SpaceShape {
  rowBytes: number
  /** What it holds, by which it is counted. */
  kind?: string
  /** Fills the frame at `frame` with a block. Without it rows have no blocks: they are copies of what stands elsewhere, each kept by itself (kept-rows.ts). */
  load?(block: number, frame: number): void
  /** The same for several, where that is more than one after the other. Shapes: blocks, frames u32[count]. */
  loadAll?(blocks: Uint32Array, frames: Uint32Array, count: number): void
}

/** What several spaces of a memory share. */
export interface Shared {
  /** How many threads have kernels that read them. */
  threads: number
  /** Address of the reference counts (kernel/layout.ts). */
  references: number
}

/** Rows of one width, cut into blocks: the driver's side of a space descriptor (kernel/layout.ts). */
export class Space {
  readonly id: number
  /** Address of the descriptor. */
  readonly ptr: number
  readonly kind: string
  /** Blocks that have frames; blocks, or rows that have none, that were loaded, and that were taken out. */
  resident = 0
  misses = 0
  evictions = 0
  readonly #arena: Arena
  readonly #load: SpaceShape['load']
  readonly #loadAll: SpaceShape['loadAll']
  /** Rows that are kept, where they have no blocks. */
  #kept = 0
  #readHere = 0
  readonly #threads: number
  /** Of each thread (kernel/layout.ts). */
  readonly #counts: number
  #rowBytes = 0
  #rowsPerBlock = 0
  #frameClass = 0
  #capacity = 0
  #tables = 0
  /** A bit per block: it is on disk. */
  #stored = new Uint8Array(0)
  /** Blocks that are on disk and count no more; and those of them that a checkpoint is removing. */
  #left: number[] = []
  #leaving: number[] = []
  /** When each block was evicted last, as the cache counts time; 0 for never. */
  #evictedAt = new Uint8Array(0)

  constructor(arena: Arena, id: number, shape: SpaceShape, { threads, references }: Shared) {
    this.#arena = arena
    this.#load = shape.load
    this.#loadAll = shape.loadAll
    this.#threads = threads
    this.#counts = arena.allocate(threads * COUNTS_BYTES, 'tables')
    this.id = id
    this.kind = shape.kind ?? ''
    this.ptr = arena.allocate(SPACE_BYTES, 'tables')
    this.#set(SPACE_ID, id)
    this.#set(SPACE_COUNTS, this.#counts)
    this.#set(SPACE_REFERENCES, references)
    this.#layOut(shape.rowBytes)
    this.reserve(1)
  }

  get rowBytes(): number {
    return this.#rowBytes
  }

  get rowsPerBlock(): number {
    return this.#rowsPerBlock
  }

  get frameClass(): number {
    return this.#frameClass
  }

  get frameBytes(): number {
    return PAGE_BYTES << this.#frameClass
  }

  /** Gives it room for `rows` rows of another width. It must be empty, and nobody may look at it meanwhile. */
  reshape(rowBytes: number, rows: number): void {
    const [old, capacity] = [this.#tables, this.#capacity]
    this.#layOut(rowBytes)
    this.#stored = new Uint8Array(0)
    this.#evictedAt = new Uint8Array(0)
    this.#capacity = 0
    this.reserve(Math.max(1, rows))
    this.#arena.release(old, capacity * BYTES_A_BLOCK, 'tables')
  }

  #layOut(rowBytes: number): void {
    this.#rowBytes = rowBytes
    this.#frameClass = frameClassFor(rowBytes)
    this.#rowsPerBlock = this.hasBlocks ? rowsPerBlock(rowBytes, this.frameBytes) : MOST_ROWS
    // floor(row / rows) as a multiplication, exact for row < 2^28. Source: Granlund, Montgomery 1994, section 4.
    const shift = 28 + Math.ceil(Math.log2(this.#rowsPerBlock))
    this.#set(SPACE_ROW_BYTES, rowBytes)
    this.#set(SPACE_ROWS, this.#rowsPerBlock)
    this.#set(SPACE_SHIFT, shift)
    this.#set(SPACE_MAGIC, Math.ceil(2 ** shift / this.#rowsPerBlock))
  }

  get capacity(): number {
    return this.#capacity
  }

  /** Whether the tables have no room for `rows` rows. */
  lacks(rows: number): boolean {
    return Math.ceil(rows / this.rowsPerBlock) > this.#capacity
  }

  /** Makes the tables large enough for `rows` rows. Call it before the kernel touches new ones. */
  reserve(rows: number): void {
    if (rows > MOST_ROWS) throw new VectorLevelError('VECTOR_FULL', `a collection holds at most ${MOST_ROWS} ordinals, ${rows} are needed`)
    const blocks = Math.ceil(rows / this.rowsPerBlock)
    if (blocks <= this.#capacity) return
    let capacity = this.#capacity || FIRST_CAPACITY
    while (capacity < blocks) capacity *= 2
    const tables = this.#arena.allocate(capacity * BYTES_A_BLOCK, 'tables')
    const { bytes } = this.#arena
    const old = this.#capacity
    if (old) {
      bytes.copyWithin(tables, this.#tables, this.#tables + old * 4)
      bytes.copyWithin(tables + capacity * 4, this.#tables + old * 4, this.#tables + old * 5)
      this.#arena.release(this.#tables, old * BYTES_A_BLOCK, 'tables')
    }
    const stored = new Uint8Array(capacity / 8)
    stored.set(this.#stored)
    this.#stored = stored
    const evictedAt = new Uint8Array(capacity)
    evictedAt.set(this.#evictedAt)
    this.#evictedAt = evictedAt
    this.#tables = tables
    this.#capacity = capacity
    this.#set(SPACE_TABLE, tables)
    this.#set(SPACE_DIRTY, tables + capacity * 4)
    this.#set(SPACE_CAPACITY, capacity)
  }

  load(block: number, frame: number): void {
    this.#load!(block, frame)
  }

  /** Fills a frame each. Shapes: blocks, frames u32[count]. */
  loadAll(blocks: Uint32Array, frames: Uint32Array, count: number): void {
    if (this.#loadAll) this.#loadAll(blocks, frames, count)
    else for (let i = 0; i < count; i++) this.load(blocks[i]!, frames[i]!)
  }

  get hasBlocks(): boolean {
    return this.#load !== undefined
  }

  /** Its rows have no blocks, and are found in the table at `table`. */
  keepRows(table: number): void {
    if (this.id >= MOST_KEEPING) throw new VectorLevelError('VECTOR_FULL', `a database has at most ${MOST_KEEPING} spaces of rows in a session`)
    this.#set(SPACE_KEPT, table)
  }

  get kept(): number {
    return this.#kept
  }

  /** One row more is kept, or one less. */
  noteKept(change: 1 | -1): void {
    this.#kept += change
    if (change < 0) this.evictions++
  }

  frameOf(block: number): number {
    return this.#arena.u32[this.#tables / 4 + block]!
  }

  /** Enters a block's frame, 0 for none. */
  setResident(block: number, frame: number): void {
    const { u32 } = this.#arena
    // NOTE: behind what fills the frame, for other threads too.
    const before = u32[this.#tables / 4 + block]!
    Atomics.store(u32, this.#tables / 4 + block, frame)
    if (before && frame) return
    this.resident += frame ? 1 : -1
    if (frame) this.misses++
    else this.evictions++
  }

  /** The calling thread has asked where a row is, without a kernel. */
  noteRead(): void {
    this.#readHere++
  }

  /** How often all threads have asked where a row is. */
  get reads(): number {
    let reads = this.#readHere
    for (let thread = 0; thread < this.#threads; thread++) reads += Number(this.#arena.u64[(this.#counts + thread * COUNTS_BYTES + COUNTS_READS) / 8]!)
    return reads
  }

  noteEvicted(block: number, time: number): void {
    this.#evictedAt[block] = time
  }

  evictedAt(block: number): number {
    return this.#evictedAt[block]!
  }

  /** Whether a block is on disk, so that it must be found there. */
  isStored(block: number): boolean {
    return ((this.#stored[block >>> 3]! >>> (block & 7)) & 1) !== 0
  }

  markStored(block: number): void {
    this.#stored[block >>> 3]! |= 1 << (block & 7)
  }

  /** Which blocks are on disk, a bit each; kept with a checkpoint. */
  get stored(): Uint8Array {
    return this.#stored
  }

  /** Goes on from a checkpoint; the rows must have been reserved. */
  restoreStored(stored: Uint8Array): void {
    this.#stored.fill(0)
    this.#stored.set(stored.subarray(0, this.#stored.length))
    this.#left = []
    this.#leaving = []
  }

  /** Nothing that was in it counts any more; what is on disk leaves with the next checkpoint. */
  forget(): void {
    for (let block = 0; block < this.#capacity; block++) if (this.isStored(block)) this.#left.push(block)
    this.#stored.fill(0)
    this.#dirtyFlags().fill(CLEAN)
  }

  /** Blocks that a checkpoint, which begins, is to remove from the disk, before it writes others. */
  leavingBlocks(): readonly number[] {
    this.#leaving = this.#leaving.concat(this.#left)
    this.#left = []
    return this.#leaving
  }

  isDirty(block: number): boolean {
    return this.#arena.bytes[this.#flagOf(block)] !== CLEAN
  }

  isWriting(block: number): boolean {
    return this.#arena.bytes[this.#flagOf(block)] === WRITING
  }

  *dirtyBlocks(): Generator<number> {
    for (let block = 0; block < this.#capacity; block++) if (this.#arena.bytes[this.#flagOf(block)] === DIRTY) yield block
  }

  /** Blocks that must stay: dirty ones, and those being written. */
  countDirty(): number {
    if (!this.hasBlocks) return 0
    const { u32 } = this.#arena
    const start = this.#flagOf(0) / 4
    let count = 0
    // Four flags at a time, since most are clean, and this is asked for at each commit.
    for (let at = start; at < start + this.#capacity / 4; at++) {
      for (let flags = u32[at]!; flags; flags >>>= 8) if (flags & 0xff) count++
    }
    return count
  }

  /** A dirty block is being written; it becomes dirty again when it is changed meanwhile. */
  markWriting(block: number): void {
    this.#arena.bytes[this.#flagOf(block)] = WRITING
  }

  /** What was being written is on disk, or else still dirty. */
  endWriting(written: boolean): void {
    if (written) this.#leaving = []
    const flags = this.#dirtyFlags()
    for (let block = 0; block < flags.length; block++) if (flags[block] === WRITING) flags[block] = written ? CLEAN : DIRTY
  }

  /** Address of a block's DIRTY flag. */
  #flagOf(block: number): number {
    return this.#tables + this.#capacity * 4 + block
  }

  #dirtyFlags(): Uint8Array {
    const start = this.#flagOf(0)
    return this.#arena.bytes.subarray(start, start + this.#capacity)
  }

  #set(word: number, value: number): void {
    this.#arena.u32[(this.ptr + word) / 4] = value
  }
}

function rowsPerBlock(rowBytes: number, frameBytes: number): number {
  return Math.floor((frameBytes - PAGE_SLACK - BLOCK_HEADER) / rowBytes)
}

/** The smallest frame that wastes less than a tenth, or else the one that wastes least. */
function frameClassFor(rowBytes: number): number {
  let best = -1
  let bestUse = 0
  for (let frameClass = 0; frameClass < FRAME_CLASSES; frameClass++) {
    const frameBytes = PAGE_BYTES << frameClass
    const use = (rowsPerBlock(rowBytes, frameBytes) * rowBytes) / frameBytes
    if (use >= 0.9) return frameClass
    if (use > bestUse) {
      best = frameClass
      bestUse = use
    }
  }
  if (best < 0) throw new RangeError(`a row of ${rowBytes} bytes does not fit a block of ${PAGE_BYTES << (FRAME_CLASSES - 1)} bytes`)
  return best
}
