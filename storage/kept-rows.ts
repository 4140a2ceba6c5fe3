import { type Arena, SLAB_BYTES } from './arena.js'
import { KEPT_BYTES, KEPT_ENTRIES, KEPT_HEAD, KEPT_MASK, KEPT_ROW_BITS, KEPT_SPACE_BITS } from './kernel/layout.js'

/**
 * Bytes of memory for each entry of the table, at most: a larger table is slower, as every row that is kept touches it somewhere. Of a bulk load of 128 dimensions, 4 % with
 * four times as many.
 */
const BYTES_AN_ENTRY = 512
const MOST_FILLED = 2 / 3
const ROW_MASK = 2 ** KEPT_ROW_BITS - 1
const ONE_ASKED = 2 ** KEPT_ROW_BITS
const SPACE_MASK = 2 ** KEPT_SPACE_BITS - 1
/** Spaces that keep rows are numbered below this. */
export const MOST_KEEPING = SPACE_MASK + 1

/**
 * Rows that have no blocks, each kept by itself: copies of what stands elsewhere, of which nothing is asked for because another one was.
 *
 * Rows of all widths and spaces stand one after the other in slabs, which are filled in turns. When the oldest one's turn comes again, rows that were asked for
 * meanwhile stay, with one of their askings less, and the others go: CLOCK, whose hand moves from slab to slab. So memory goes to those rows that are asked for,
 * whatever they are of. The table in which they are found is the kernel's, too (kernel/layout.ts).
 *
 * IMPORTANT: nothing moves and nothing is overwritten but in `recycle` and `leave`: nobody else may hold the address of a row then.
 */
export class KeptRows {
  /** Address of the table's descriptor. */
  readonly ptr: number
  readonly #arena: Arena
  readonly #entries: number
  readonly #mask: number
  readonly #most: number
  /** Told of a row of a space that is no longer kept. */
  readonly #gone: (space: number) => void
  /** Oldest first; one, the last, is being filled, from `at` on, unless it was given up. */
  #slabs: number[] = []
  #at = 0
  #end = 0
  #count = 0

  constructor(arena: Arena, gone: (space: number) => void) {
    this.#arena = arena
    this.#gone = gone
    let entries = 256
    while (entries * BYTES_AN_ENTRY < arena.bytes.length) entries *= 2
    this.#mask = entries - 1
    this.#most = Math.floor(entries * MOST_FILLED)
    this.#entries = arena.allocate(entries * 4, 'tables') / 4
    this.ptr = arena.allocate(KEPT_BYTES, 'tables')
    arena.u32[(this.ptr + KEPT_ENTRIES) / 4] = this.#entries * 4
    arena.u32[(this.ptr + KEPT_MASK) / 4] = this.#mask
  }

  get slabs(): number {
    return this.#slabs.length
  }

  /** The slab whose turn is next, of those that there are. */
  get oldest(): number {
    return this.#slabs[0]!
  }

  /** Where a row stands, 0 when it is not kept. */
  find(space: number, row: number): number {
    const at = this.#entryOf(space, row)
    return at < 0 ? 0 : this.#arena.u32[this.#entries + at]! + KEPT_HEAD
  }

  /** Whether the table has room for another row. */
  get hasEntries(): boolean {
    return this.#count < this.#most
  }

  hasRoom(rowBytes: number): boolean {
    return this.hasEntries && this.#at + lengthOf(rowBytes) <= this.#end
  }

  /** Room for a row, which must be there; it is found once it was entered. */
  claim(space: number, row: number, rowBytes: number): number {
    const { u32 } = this.#arena
    const head = this.#at
    const length = lengthOf(rowBytes)
    u32[head / 4] = row
    u32[head / 4 + 1] = space + (length / 8) * (SPACE_MASK + 1)
    this.#at += length
    return head + KEPT_HEAD
  }

  /** Enters a row that was claimed and filled, and is not kept yet. */
  enter(address: number): void {
    const { u32 } = this.#arena
    const head = address - KEPT_HEAD
    let at = this.#hashOf(u32[head / 4 + 1]! & SPACE_MASK, u32[head / 4]! & ROW_MASK)
    while (u32[this.#entries + at]) at = (at + 1) & this.#mask
    Atomics.store(u32, this.#entries + at, head)
    this.#count++
  }

  /** A row is kept no longer; who has its address may go on reading. Says whether it was. */
  drop(space: number, row: number): boolean {
    const at = this.#entryOf(space, row)
    if (at < 0) return false
    this.#remove(at)
    this.#gone(space)
    return true
  }

  /** No row of a space is kept any longer. */
  dropAll(space: number): void {
    for (const slab of this.#slabs) {
      for (const head of this.#headsOf(slab)) {
        const row = this.#arena.u32[head / 4]! & ROW_MASK
        if ((this.#arena.u32[head / 4 + 1]! & SPACE_MASK) === space && this.#stands(head)) this.drop(space, row)
      }
    }
  }

  /** Goes on in another slab. */
  adopt(slab: number): void {
    this.#seal()
    this.#slabs.push(slab)
    this.#at = slab * SLAB_BYTES
    this.#end = this.#at + SLAB_BYTES
  }

  /** Gives a slab up, with all that is in it. */
  leave(slab: number): void {
    for (const head of this.#headsOf(slab)) this.#dropAt(head)
    if (this.#isFilled(slab)) this.#at = this.#end = 0
    this.#slabs = this.#slabs.filter(other => other !== slab)
  }

  /** Goes on in the oldest slab, behind those of its rows that were asked for, which are moved together. */
  recycle(): void {
    this.#seal()
    const slab = this.#slabs.shift()!
    const { bytes, u32 } = this.#arena
    let to = slab * SLAB_BYTES
    for (const head of this.#headsOf(slab)) {
      const [first, second] = [u32[head / 4]!, u32[head / 4 + 1]!]
      if (first < ONE_ASKED || !this.#stands(head)) {
        this.#dropAt(head)
        continue
      }
      const at = this.#entryOf(second & SPACE_MASK, first & ROW_MASK)
      const length = (second >>> 16) * 8
      if (to < head) bytes.copyWithin(to, head, head + length)
      u32[to / 4] = first - ONE_ASKED
      u32[this.#entries + at] = to
      to += length
    }
    this.#slabs.push(slab)
    this.#at = to
    this.#end = (slab + 1) * SLAB_BYTES
  }

  /** Marks where the rows of the slab that was filled last end. */
  #seal(): void {
    if (this.#at + KEPT_HEAD <= this.#end) this.#arena.u32[this.#at / 4 + 1] = 0
  }

  /** Heads of a slab, of rows that are kept and of others. What is read of one before the next is asked for may be overwritten then. */
  * #headsOf(slab: number): Generator<number> {
    const { u32 } = this.#arena
    const end = this.#isFilled(slab) ? this.#at : (slab + 1) * SLAB_BYTES
    for (let head = slab * SLAB_BYTES; head + KEPT_HEAD <= end;) {
      const length = (u32[head / 4 + 1]! >>> 16) * 8
      if (!length) return
      yield head
      head += length
    }
  }

  /** Whether rows are added to a slab. */
  #isFilled(slab: number): boolean {
    return this.#end === (slab + 1) * SLAB_BYTES
  }

  #stands(head: number): boolean {
    const { u32 } = this.#arena
    return this.find(u32[head / 4 + 1]! & SPACE_MASK, u32[head / 4]! & ROW_MASK) === head + KEPT_HEAD
  }

  #dropAt(head: number): void {
    const { u32 } = this.#arena
    if (this.#stands(head)) this.drop(u32[head / 4 + 1]! & SPACE_MASK, u32[head / 4]! & ROW_MASK)
  }

  /** The entry of a row, -1 when it is not kept. */
  #entryOf(space: number, row: number): number {
    const { u32 } = this.#arena
    for (let at = this.#hashOf(space, row); ; at = (at + 1) & this.#mask) {
      const head = u32[this.#entries + at]! / 4
      if (!head) return -1
      if ((u32[head]! & ROW_MASK) === row && (u32[head + 1]! & SPACE_MASK) === space) return at
    }
  }

  /** Source: Knuth, The Art of Computer Programming 3, section 6.4, algorithm R: what stands behind moves up, so that no gap is on its way. */
  #remove(hole: number): void {
    const { u32 } = this.#arena
    this.#count--
    for (let at = (hole + 1) & this.#mask; ; at = (at + 1) & this.#mask) {
      const head = u32[this.#entries + at]!
      if (!head) break
      const wanted = this.#hashOf(u32[head / 4 + 1]! & SPACE_MASK, u32[head / 4]! & ROW_MASK)
      if (((at - wanted) & this.#mask) < ((at - hole) & this.#mask)) continue
      Atomics.store(u32, this.#entries + hole, head)
      hole = at
    }
    Atomics.store(u32, this.#entries + hole, 0)
  }

  /** As in the kernel (kernel/space.ts). */
  #hashOf(space: number, row: number): number {
    const product = (Math.imul(row, 0x9E3779B1) + Math.imul(space, 0x85EBCA6B)) >>> 0
    return (product ^ (product >>> 15)) & this.#mask
  }
}

/** Bytes of a head and a row. */
function lengthOf(rowBytes: number): number {
  return KEPT_HEAD + Math.ceil(rowBytes / 8) * 8
}
