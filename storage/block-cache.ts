import { VectorLevelError } from '../floor/errors.js'
import { ALLOCATED, type Arena, FREE, SLAB_BYTES } from './arena.js'
import { NO_BLOCK, PAGE_BYTES } from './kernel/layout.js'
import { FRAME_CLASSES, type RowShape, Space, type SpaceShape } from './space.js'

/** The share of the memory of frames that changes may take; and that with those that are expected, since what is read together must have room beside them. */
const MOST_DIRTY = 0.5
const MOST_EXPECTED = 0.75
/** Frames that are emptied at once, at most. */
const MOST_EVICTED = 16
/** Returns of evicted blocks after which the classes' shares of memory are looked at again. */
const REBALANCE = 256
/** Time of a class: so many ticks pass while as many blocks are evicted as all of the memory would hold. It is kept modulo 255, and counted from 1. */
const TICKS = 16
const MOST_TICKS = 255

/** Of blocks of one kind, or of all. */
export interface CacheCounts {
  /** How often it was asked where a row is, and its block was there; and blocks that were loaded. */
  hits: number
  misses: number
  /** Blocks that were taken out. */
  evictions: number
  /** Blocks in memory, and those of them that a checkpoint must write before they can go. */
  resident: number
  dirty: number
  residentBytes: number
  dirtyBytes: number
}

/**
 * The frames of all spaces of a database: which block stands where, and which one goes when room is needed.
 *
 * Frames come in classes of one size; a slab belongs to one class at a time. Within a class the victim is found by 2-bit CLOCK:
 * the kernel sets a block's count on every access, the hand counts it down. Dirty blocks stay until a checkpoint wrote them.
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
  readonly #threads: number
  /** Runs `work` while no other thread holds the address of a frame. */
  park: <T>(work: () => T) => T = work => work()

  /** `threads` is how many have kernels that read what is in it. */
  constructor(arena: Arena, threads = 1) {
    this.#arena = arena
    this.#threads = threads
    const pages = (arena.slabs * SLAB_BYTES) / PAGE_BYTES
    this.#frameSpace = new Int32Array(pages).fill(-1)
    this.#frameBlock = new Uint32Array(pages)
    arena.vacate = (from, count) => this.park(() => this.#vacate(from, count, true))
  }

  createSpace(shape: SpaceShape): Space {
    const space = new Space(this.#arena, this.#spaces.length, shape, this.#threads)
    this.#spaces.push(space)
    return space
  }

  /** Makes a block resident; the kernel calls this for a block that its table does not have. */
  fault(spaceId: number, block: number): void {
    if (block === NO_BLOCK) throw this.#tooSmall('cannot hold the blocks that are needed together')
    const space = this.#spaces[spaceId]!
    // Several threads may miss the same block, and change it as soon as the first of them has it.
    if (space.frameOf(block)) return
    if (this.#isBack(space, block)) this.#pressure[space.frameClass]!++
    const frame = this.#claim(space.frameClass)
    try {
      space.load(block, frame)
    } catch (error) {
      this.#freeFrames[space.frameClass]!.push(frame)
      throw error
    }
    this.#enter(frame, spaceId, block)
  }

  /** Empties a space for good: none of its blocks is on disk, and changes are lost. None may be being copied. */
  discard(space: Space): void {
    space.forget()
    this.empty(space)
  }

  /** Gives a space room for `rows` rows of another width, and empties it for good, as `discard`. */
  reshape(space: Space, shape: RowShape, rows: number): void {
    this.discard(space)
    space.reshape(shape, rows)
  }

  /** Takes all blocks of a space out; none may be dirty. */
  empty(space: Space): void {
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
      const { reads, misses, evictions, resident, frameBytes } = space
      const dirty = space.countDirty()
      counts.hits += Math.max(0, reads - misses)
      counts.misses += misses
      counts.evictions += evictions
      counts.resident += resident
      counts.dirty += dirty
      counts.residentBytes += resident * frameBytes
      counts.dirtyBytes += dirty * frameBytes
    }
    return counts
  }

  /** Bytes of slabs that are cut into frames. */
  get frameBytes(): number {
    return this.#slabsOf.reduce((slabs, { length }) => slabs + length, 0) * SLAB_BYTES
  }

  #claim(frameClass: number): number {
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

  /** Empties some frames of a class: those who share the memory wait for it, so several at once. */
  #makeFree(frameClass: number): void {
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
    let hand = this.#hands[frameClass]!
    for (let step = 0; step < frames * 5; step++) {
      if (++hand >= frames) hand = 0
      const frame = slabs[Math.floor(hand / perSlab)]! * SLAB_BYTES + (hand % perSlab) * (PAGE_BYTES << frameClass)
      const page = frame / PAGE_BYTES
      const spaceId = this.#frameSpace[page]!
      if (spaceId < 0) continue
      if (this.#spaces[spaceId]!.cool(this.#frameBlock[page]!)) {
        this.#hands[frameClass] = hand
        this.#evict(page)
        return frame
      }
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
    for (let slab = from; slab < from + count; slab++) if (owners[slab] === ALLOCATED) return false
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
    this.#spaces[spaceId]!.setResident(block, frame)
  }
}
