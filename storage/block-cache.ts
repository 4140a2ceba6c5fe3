import { VectorLevelError } from '../floor/errors.js'
import { ALLOCATED, type Arena, FREE, KEPT, SLAB_BYTES } from './arena.js'
import { KeptRows } from './kept-rows.js'
import { MOST_ASKED, NO_BLOCK, PAGE_BYTES } from './kernel/layout.js'
import { MOST_ITEMS } from './reading-board.js'
import { FRAME_CLASSES, type Shared, Space, type SpaceShape } from './space.js'

/** The share of the memory of frames that changes may take; and that with those that are expected, since what is read together must have room beside them. */
const MOST_DIRTY = 0.5
const MOST_EXPECTED = 0.75
/** And the share that is worth being written: so that changes go on until they take as much again. */
const MANY_DIRTY = 0.25
/**
 * The shares of the memory of frames that kept rows may take from blocks, at least and at most: as long as so many times fewer blocks are loaded than rows, they have
 * more by and by, else less. For a row, a record is read.
 *
 * Of 340,000 words, with a cache as large as the index, 172 us a search became 97, where an eighth was for rows; with half of that, 480 became 543, and 499 with the least.
 */
const LEAST_KEPT = 1 / 32
const MOST_KEPT = 1 / 8
const BLOCKS_A_ROW = 2
/** Frames that are emptied at once, at most. */
const MOST_EVICTED = 16
/** Returns of evicted blocks after which the classes' shares of memory are looked at again. */
const REBALANCE = 256
/** Time of a class: so many ticks pass while as many blocks are evicted as all of the memory would hold. It is kept modulo 255, and counted from 1. */
const TICKS = 16
const MOST_TICKS = 255

/** Of blocks of one kind, or of all. */
export interface CacheCounts {
  /** How often it was asked where a row is, and it was there; and blocks, or rows that have none, that were loaded. */
  hits: number
  misses: number
  /** Those that were taken out. */
  evictions: number
  /** Blocks in memory, or rows that have none; and those of them that a checkpoint must write before they can go. */
  resident: number
  dirty: number
  residentBytes: number
  dirtyBytes: number
}

/**
 * The frames of all spaces of a database: which block stands where, and which one goes when room is needed.
 *
 * Frames come in classes of one size; a slab belongs to one class at a time. Within a class the victim is found by 2-bit CLOCK:
 * the kernel sets a frame's count on every access, the hand counts it down. Dirty blocks stay until a checkpoint wrote them.
 * Beside frames there are slabs of rows that have no blocks (kept-rows.ts).
 */
export class BlockCache {
  readonly #arena: Arena
  readonly #spaces: Space[] = []
  /** Per page of memory: the space and the block of the frame that begins there; -1 for none. */
  readonly #frameSpace: Int32Array
  readonly #frameBlock: Uint32Array
  readonly #slabsOf: number[][] = Array.from({ length: FRAME_CLASSES }, () => [])
  readonly #freeFrames: number[][] = Array.from({ length: FRAME_CLASSES }, () => [])
  readonly #hands = new Float64Array(FRAME_CLASSES)
  readonly #evicted = new Float64Array(FRAME_CLASSES)
  /** Blocks that came back so soon that more memory for their class would have kept them. */
  readonly #pressure = new Float64Array(FRAME_CLASSES)
  /** Address of the reference counts, one a page: the kernel sets that of the page where a frame begins on every access. */
  readonly #references: number
  readonly #shared: Shared
  readonly #kept: KeptRows
  /** Slabs that kept rows may have where blocks need others. */
  #keptSlabs: number
  /** Blocks that are being loaded together, and where. */
  readonly #together = { blocks: new Uint32Array(MOST_ITEMS), frames: new Uint32Array(MOST_ITEMS) }
  /** Blocks and rows that were loaded since that was looked at. */
  #loads = { blocks: 0, rows: 0 }
  /** Runs `work` while no other thread holds the address of a frame. */
  park: <T>(work: () => T) => T = work => work()

  /** `threads` is how many have kernels that read what is in it. */
  constructor(arena: Arena, threads = 1) {
    this.#arena = arena
    const pages = (arena.slabs * SLAB_BYTES) / PAGE_BYTES
    this.#references = arena.allocate(pages, 'tables')
    this.#shared = { threads, references: this.#references }
    this.#frameSpace = new Int32Array(pages).fill(-1)
    this.#frameBlock = new Uint32Array(pages)
    this.#kept = new KeptRows(arena, space => this.#spaces[space]!.noteKept(-1))
    // One slab is always theirs: so a record can be read whatever else takes the memory.
    this.#adoptKept(arena.owners.indexOf(FREE))
    this.#keptSlabs = Math.max(1, Math.floor(arena.slabs * LEAST_KEPT))
    arena.vacate = (from, count) => this.park(() => this.#vacate(from, count, true))
  }

  createSpace(shape: SpaceShape): Space {
    const space = new Space(this.#arena, this.#spaces.length, shape, this.#shared)
    if (!space.hasBlocks) space.keepRows(this.#kept.ptr)
    this.#spaces.push(space)
    return space
  }

  /** Makes a block resident; the kernel calls this for a block that its table does not have. */
  fault(spaceId: number, block: number): void {
    if (block === NO_BLOCK) throw this.#tooSmall('cannot hold the blocks that are needed together')
    const space = this.#spaces[spaceId]!
    // Several threads may miss the same block, and change it as soon as the first of them has it.
    if (space.frameOf(block)) return
    this.#together.blocks[0] = block
    this.#loadTogether(space, 1)
  }

  /** The same for those of several that are not resident, which are read together. Shapes: blocks u32[count], no two alike. */
  faultAll(spaceId: number, blocks: Uint32Array): void {
    const space = this.#spaces[spaceId]!
    const { blocks: missing } = this.#together
    for (let i = 0; i < blocks.length;) {
      let count = 0
      for (; count < MOST_ITEMS && i < blocks.length; i++) if (!space.frameOf(blocks[i]!)) missing[count++] = blocks[i]!
      this.#loadTogether(space, count)
    }
  }

  /** As many as there is room for; the kernel asks again for the others. */
  #loadTogether(space: Space, wanted: number): void {
    const { blocks, frames } = this.#together
    let count = 0
    try {
      for (; count < wanted; count++) {
        if (this.#isBack(space, blocks[count]!)) this.#pressure[space.frameClass]!++
        this.#loads.blocks++
        frames[count] = this.#claimFrame(space.frameClass)
      }
    } catch (error) {
      if (!count || (error as VectorLevelError).code !== 'VECTOR_FULL') throw this.#giveBack(space, count, error)
    }
    try {
      space.loadAll(blocks, frames, count)
    } catch (error) {
      throw this.#giveBack(space, count, error)
    }
    for (let i = 0; i < count; i++) this.#enter(frames[i]!, space.id, blocks[i]!)
  }

  /** Frees the frames of what could not be loaded together. */
  #giveBack(space: Space, count: number, error: unknown): unknown {
    for (let i = 0; i < count; i++) this.#freeFrames[space.frameClass]!.push(this.#together.frames[i]!)
    return error
  }

  /** Where a row stands that has no block; 0 when it is not kept. */
  kept(space: Space, row: number): number {
    return this.#kept.find(space.id, row)
  }

  /**
   * Room for a row that has no block, until another is claimed. When it is filled, `enter` has it found. With `beside`, rows that are kept stay, and blocks go,
   * if there are any that can.
   *
   * @throws {VectorLevelError} VECTOR_FULL
   */
  claim(space: Space, row: number, beside = false): number {
    if (!this.#kept.hasRoom(space.rowBytes)) this.park(() => this.#makeRoom(space.rowBytes, beside))
    return this.#kept.claim(space.id, row, space.rowBytes)
  }

  enter(space: Space, address: number): void {
    this.#kept.enter(address)
    space.noteKept(1)
  }

  /** A row that has no block was read from where it stands else. */
  noteLoaded(space: Space): void {
    this.#loads.rows++
    space.misses++
  }

  /** A row that has no block must be filled again before it is read. */
  drop(space: Space, row: number): void {
    this.#kept.drop(space.id, row)
  }

  /** Empties a space for good: none of its blocks is on disk, and changes are lost. None may be being copied. */
  discard(space: Space): void {
    space.forget()
    this.empty(space)
  }

  /** Gives a space room for `rows` rows of another width, and empties it for good, as `discard`. */
  reshape(space: Space, rowBytes: number, rows: number): void {
    this.discard(space)
    space.reshape(rowBytes, rows)
  }

  /** Takes all blocks of a space out; none may be dirty. */
  empty(space: Space): void {
    if (space.kept) this.#kept.dropAll(space.id)
    for (let page = 0; page < this.#frameSpace.length; page++) {
      if (this.#frameSpace[page] !== space.id) continue
      this.#evict(page)
      this.#freeFrames[space.frameClass]!.push(page * PAGE_BYTES)
    }
  }

  /** Dirty blocks of all spaces, in the order of their numbers. */
  *dirtyBlocks(): Generator<{ space: Space, block: number, frame: number }> {
    for (const space of this.#spaces) {
      for (const block of space.dirtyBlocks()) yield { space, block, frame: space.frameOf(block) }
    }
  }

  /** Blocks of all spaces that a checkpoint is to remove from the disk, before it writes others. */
  *leavingBlocks(): Generator<{ space: Space, block: number }> {
    for (const space of this.#spaces) for (const block of space.leavingBlocks()) yield { space, block }
  }

  /** Ends a checkpoint: what was being written is clean, or else still dirty. */
  endWriting(written: boolean): void {
    for (const space of this.#spaces) space.endWriting(written)
  }

  /** Whether changes take so much room, with `expected` bytes of frames that are about to change, that they must be written before. */
  isCrowded(expected = 0): boolean {
    const dirty = this.#dirtyBytes()
    const room = this.#arena.frameBytes
    return dirty > 0 && (dirty > room * MOST_DIRTY || dirty + expected > room * MOST_EXPECTED)
  }

  /** Whether changes take so much room that they should be written, before they must be. */
  get isFilling(): boolean {
    return this.#dirtyBytes() > this.#arena.frameBytes * MANY_DIRTY
  }

  /** Frames of a space that may change before changes must be written. */
  roomFor(space: Space): number {
    return Math.max(0, Math.floor((this.#arena.frameBytes * MOST_EXPECTED - this.#dirtyBytes()) / space.frameBytes))
  }

  #dirtyBytes(): number {
    return this.#dirtyFrames().reduce((bytes, count, frameClass) => bytes + count * (PAGE_BYTES << frameClass), 0)
  }

  #framesOf(frameClass: number): number {
    return this.#slabsOf[frameClass]!.length * (16 >> frameClass)
  }

  /** Dirty frames of each class. */
  #dirtyFrames(): number[] {
    const dirty = new Array<number>(FRAME_CLASSES).fill(0)
    for (const space of this.#spaces) dirty[space.frameClass]! += space.countDirty()
    return dirty
  }

  /** Of all blocks; or of those of some kinds. */
  counts(kinds?: readonly string[]): CacheCounts {
    const counts = { hits: 0, misses: 0, evictions: 0, resident: 0, dirty: 0, residentBytes: 0, dirtyBytes: 0 }
    for (const space of this.#spaces) {
      if (kinds && !kinds.includes(space.kind)) continue
      const { reads, misses, evictions, resident, frameBytes, kept, rowBytes } = space
      const dirty = space.countDirty()
      counts.hits += Math.max(0, reads - misses)
      counts.misses += misses
      counts.evictions += evictions
      counts.resident += resident + kept
      counts.dirty += dirty
      counts.residentBytes += resident * frameBytes + kept * rowBytes
      counts.dirtyBytes += dirty * frameBytes
    }
    return counts
  }

  /** Bytes of slabs that are cut into frames. */
  get frameBytes(): number {
    return this.#slabsOf.reduce((slabs, { length }) => slabs + length, 0) * SLAB_BYTES
  }

  /** Bytes of slabs that rows are kept in. */
  get keptBytes(): number {
    return this.#kept.slabs * SLAB_BYTES
  }

  #claimFrame(frameClass: number): number {
    const free = this.#freeFrames[frameClass]!
    if (free.length) return free.pop()!
    if (this.#arena.free) {
      const slab = this.#arena.owners.indexOf(FREE)
      this.#adopt(slab, frameClass)
      return free.pop()!
    }
    this.park(() => this.#makeFree(frameClass))
    if (free.length) return free.pop()!
    throw this.#tooSmall('holds nothing but changes that no checkpoint has written yet')
  }

  /** Makes room for a row that has no block: in a slab that nobody has, or in one of blocks while rows have less than their share or are to stay, or among the rows. */
  #makeRoom(rowBytes: number, beside: boolean): void {
    const kept = this.#kept
    if (kept.hasEntries) {
      if (this.#arena.free) return this.#adoptKept(this.#arena.owners.indexOf(FREE))
      this.#shareOut()
      if ((beside || kept.slabs < this.#keptSlabs) && this.#growKept()) return
    }
    // Each turn takes one asking from every row.
    for (let i = kept.slabs * (MOST_ASKED + 1); i > 0 && !kept.hasRoom(rowBytes); i--) kept.recycle()
    if (!kept.hasRoom(rowBytes) && !this.#growKept()) throw this.#tooSmall('holds nothing but changes that no checkpoint has written yet')
  }

  /** Tells by what was loaded last how much of the memory is for rows. */
  #shareOut(): void {
    const { blocks, rows } = this.#loads
    const slabs = this.#arena.frameBytes / SLAB_BYTES
    const wanted = this.#keptSlabs + (blocks < BLOCKS_A_ROW * rows ? 1 : -1)
    this.#keptSlabs = Math.max(1, Math.floor(Math.min(Math.max(wanted, slabs * LEAST_KEPT), slabs * MOST_KEPT)))
    this.#loads = { blocks: 0, rows: 0 }
  }

  /** Has rows kept in one slab more, in which blocks stood. */
  #growKept(): boolean {
    for (const moving of [false, true]) {
      for (const donor of this.#donors(-1)) {
        for (const slab of this.#slabsOf[donor]!) {
          if (!this.#vacate(slab, 1, moving)) continue
          this.#adoptKept(slab)
          return true
        }
      }
    }
    return false
  }

  #adoptKept(slab: number): void {
    this.#arena.give(slab, 1, KEPT)
    this.#kept.adopt(slab)
  }

  /** Gives the slab of the rows that were kept first to a class. */
  #takeKept(frameClass: number): boolean {
    if (this.#kept.slabs < 2) return false
    const slab = this.#kept.oldest
    this.#disown(slab)
    this.#adopt(slab, frameClass)
    return true
  }

  /** Empties some frames of a class: those who share the memory wait for it, so several at once. */
  #makeFree(frameClass: number): void {
    if (this.#kept.slabs > this.#keptSlabs && this.#takeKept(frameClass)) return
    if (this.#wantsSlab(frameClass) && this.#takeSlab(frameClass)) return
    const free = this.#freeFrames[frameClass]!
    const enough = Math.max(1, Math.min(MOST_EVICTED, this.#framesOf(frameClass) >> 6))
    while (free.length < enough) {
      const frame = this.#evictOne(frameClass)
      if (!frame) break
      free.push(frame)
    }
    if (!free.length) this.#takeSlab(frameClass)
  }

  #tooSmall(why: string): VectorLevelError {
    return new VectorLevelError('VECTOR_FULL', `the cache of ${this.#arena.slabs * SLAB_BYTES} bytes ${why}; open with a larger cacheSize`)
  }

  #adopt(slab: number, frameClass: number): void {
    this.#arena.give(slab, 1, frameClass)
    this.#slabsOf[frameClass]!.push(slab)
    const frameBytes = PAGE_BYTES << frameClass
    for (let at = SLAB_BYTES - frameBytes; at >= 0; at -= frameBytes) this.#freeFrames[frameClass]!.push(slab * SLAB_BYTES + at)
  }

  /** Whether so much more comes back to a class per slab than to another one that a slab should change hands. */
  #wantsSlab(frameClass: number): boolean {
    let total = 0
    for (const pressure of this.#pressure) total += pressure
    if (total < REBALANCE && this.#slabsOf[frameClass]!.length) return false
    const donor = this.#donor(frameClass)
    const wants = donor >= 0 &&
      this.#pressure[frameClass]! * this.#slabsOf[donor]!.length > 2 * (this.#pressure[donor]! + 1) * this.#slabsOf[frameClass]!.length
    for (let i = 0; i < FRAME_CLASSES; i++) this.#pressure[i]! /= 2
    return wants
  }

  /** The class that the least comes back to a slab, among those that have a slab to give. */
  #donor(except: number): number {
    return this.#donors(except).find(i => this.#slabsOf[i]!.length > 1) ?? -1
  }

  /** Classes that have slabs, those that the least comes back to a slab first. */
  #donors(except: number): number[] {
    const share = (i: number): number => this.#pressure[i]! / this.#slabsOf[i]!.length
    return [...this.#slabsOf.keys()].filter(i => i !== except && this.#slabsOf[i]!.length).sort((a, b) => share(a) - share(b))
  }

  #takeSlab(frameClass: number): boolean {
    for (const moving of [false, true]) {
      if (moving && this.#takeKept(frameClass)) return true
      for (const donor of this.#donors(frameClass)) {
        for (const slab of this.#slabsOf[donor]!) {
          if (!this.#vacate(slab, 1, moving)) continue
          this.#adopt(slab, frameClass)
          return true
        }
      }
    }
    return false
  }

  /** 2-bit CLOCK over the frames of a class. Returns 0 when all are dirty. */
  #evictOne(frameClass: number): number {
    const slabs = this.#slabsOf[frameClass]!
    const perSlab = 16 >> frameClass
    const frames = slabs.length * perSlab
    const { bytes } = this.#arena
    let hand = this.#hands[frameClass]!
    for (let step = 0; step < frames * 5; step++) {
      if (++hand >= frames) hand = 0
      const frame = slabs[Math.floor(hand / perSlab)]! * SLAB_BYTES + (hand % perSlab) * (PAGE_BYTES << frameClass)
      const page = frame / PAGE_BYTES
      if (bytes[this.#references + page]) {
        bytes[this.#references + page]!--
        continue
      }
      const spaceId = this.#frameSpace[page]!
      if (spaceId < 0 || this.#spaces[spaceId]!.isDirty(this.#frameBlock[page]!)) continue
      this.#hands[frameClass] = hand
      this.#evict(page)
      return frame
    }
    return 0
  }

  #evict(page: number): void {
    const space = this.#spaces[this.#frameSpace[page]!]!
    this.#evicted[space.frameClass]!++
    space.setResident(this.#frameBlock[page]!, 0)
    space.noteEvicted(this.#frameBlock[page]!, this.#timeOf(space.frameClass))
    this.#frameSpace[page] = -1
  }

  #timeOf(frameClass: number): number {
    const frames = this.#arena.frameBytes / (PAGE_BYTES << frameClass)
    return Math.floor(this.#evicted[frameClass]! / frames * TICKS) % MOST_TICKS + 1
  }

  /** Whether a block was evicted not long ago: with all of the memory its class would have kept it. */
  #isBack(space: Space, block: number): boolean {
    const evictedAt = space.evictedAt(block)
    return evictedAt > 0 && (this.#timeOf(space.frameClass) - evictedAt + MOST_TICKS) % MOST_TICKS <= TICKS
  }

  /**
   * Empties slabs of frames: what is dirty moves to other frames of its class. Says whether it could: not what is allocated, or is being written, and only as
   * far as there are others, and it is to move at all.
   */
  #vacate(from: number, count: number, moving: boolean): boolean {
    const first = (from * SLAB_BYTES) / PAGE_BYTES
    const last = ((from + count) * SLAB_BYTES) / PAGE_BYTES
    const { owners } = this.#arena
    let kept = 0
    for (let slab = from; slab < from + count; slab++) {
      if (owners[slab] === ALLOCATED) return false
      if (owners[slab] === KEPT) kept++
    }
    if (kept === this.#kept.slabs) return false
    const dirty: number[] = []
    for (let page = first; page < last; page++) {
      const space = this.#spaces[this.#frameSpace[page]!]
      if (!space?.isDirty(this.#frameBlock[page]!)) continue
      if (!moving || space.isWriting(this.#frameBlock[page]!)) return false
      dirty.push(page)
    }
    if (dirty.length && !this.#hasRoomBeside(from, count, dirty)) return false
    for (let slab = from; slab < from + count; slab++) this.#disown(slab)
    for (const page of dirty) this.#move(page)
    for (let page = first; page < last; page++) if (this.#frameSpace[page]! >= 0) this.#evict(page)
    return true
  }

  /** Whether the other slabs have room for all that is dirty in these. */
  #hasRoomBeside(from: number, count: number, dirty: number[]): boolean {
    const all = this.#dirtyFrames()
    return dirty.every(page => {
      const { frameClass } = this.#spaces[this.#frameSpace[page]!]!
      const others = this.#slabsOf[frameClass]!.filter(slab => slab < from || slab >= from + count).length
      return all[frameClass]! <= others * (16 >> frameClass)
    })
  }

  /** Frees a slab, whose frames are no longer given out. */
  #disown(slab: number): void {
    const frameClass = this.#arena.owners[slab]!
    this.#arena.give(slab, 1, FREE)
    if (frameClass === KEPT) this.#kept.leave(slab)
    if (frameClass < 0) return
    this.#slabsOf[frameClass] = this.#slabsOf[frameClass]!.filter(other => other !== slab)
    const start = slab * SLAB_BYTES
    this.#freeFrames[frameClass] = this.#freeFrames[frameClass]!.filter(frame => frame < start || frame >= start + SLAB_BYTES)
  }

  /** Moves a block to another frame of its class. */
  #move(page: number): void {
    const spaceId = this.#frameSpace[page]!
    const block = this.#frameBlock[page]!
    const space = this.#spaces[spaceId]!
    const frame = this.#freeFrames[space.frameClass]!.pop() ?? this.#evictOne(space.frameClass)
    this.#arena.bytes.copyWithin(frame, page * PAGE_BYTES, page * PAGE_BYTES + space.frameBytes)
    this.#frameSpace[page] = -1
    this.#enter(frame, spaceId, block)
  }

  /** Enters the frame that a block stands in. */
  #enter(frame: number, spaceId: number, block: number): void {
    const page = frame / PAGE_BYTES
    this.#frameSpace[page] = spaceId
    this.#frameBlock[page] = block
    this.#arena.bytes[this.#references + page] = 1
    this.#spaces[spaceId]!.setResident(block, frame)
  }
}
