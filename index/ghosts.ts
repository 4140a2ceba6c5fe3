/** Where the sweep stands: its round, and the block that comes next, of level 0 or of the upper ones, which come behind. */
export interface SweepPlace {
  round: number
  isUpper: boolean
  block: number
}

/** As a checkpoint keeps them. */
export interface GhostState {
  place: SweepPlace
  ordinals: Uint32Array
  /** f64: where the sweep stood when each became a ghost. */
  since: Float64Array
  /** Pairs: the ghosts whose highest slot was found, and that slot. */
  slots: Uint32Array
}

const ROUND = 2 ** 32
const UPPER = 2 ** 31

/** Nodes that were removed, until the sweep has come around: first in first out. */
export class Ghosts {
  #place: SweepPlace = { round: 0, isUpper: false, block: 0 }
  #queue: { ordinal: number, since: number }[] = []
  #first = 0
  readonly #slots = new Map<number, number>()

  get count(): number {
    return this.#queue.length - this.#first
  }

  get place(): Readonly<SweepPlace> {
    return this.#place
  }

  add(ordinal: number): void {
    this.#queue.push({ ordinal, since: this.#now })
  }

  /** Says where the highest slot of a ghost is. */
  noteSlot(ordinal: number, slot: number): void {
    this.#slots.set(ordinal, slot)
  }

  /** The place behind a swept block; `baseBlocks` and `upperBlocks` are how many there are now. */
  advance(baseBlocks: number, upperBlocks: number): void {
    const { round, isUpper, block } = this.#place
    if (block + 1 < (isUpper ? upperBlocks : baseBlocks)) this.#place = { round, isUpper, block: block + 1 }
    else if (!isUpper && upperBlocks) this.#place = { round, isUpper: true, block: 0 }
    else this.#place = { round: round + 1, isUpper: false, block: 0 }
  }

  /** Takes the next ghost that the sweep has come around for, with its highest slot if it has any. */
  takeSwept(): { ordinal: number, slot: number | undefined } | undefined {
    const next = this.#queue[this.#first]
    if (!next || this.#now < next.since + ROUND) return undefined
    this.#first++
    if (this.#first * 2 > this.#queue.length) {
      this.#queue = this.#queue.slice(this.#first)
      this.#first = 0
    }
    const slot = this.#slots.get(next.ordinal)
    this.#slots.delete(next.ordinal)
    return { ordinal: next.ordinal, slot }
  }

  state(): GhostState {
    const queue = this.#queue.slice(this.#first)
    return {
      place: this.#place,
      ordinals: Uint32Array.from(queue, ({ ordinal }) => ordinal),
      since: Float64Array.from(queue, ({ since }) => since),
      slots: Uint32Array.from([...this.#slots].flat())
    }
  }

  restore({ place, ordinals, since, slots }: GhostState): void {
    this.#place = place
    this.#queue = Array.from(ordinals, (ordinal, i) => ({ ordinal, since: since[i]! }))
    this.#first = 0
    this.#slots.clear()
    for (let i = 0; i < slots.length; i += 2) this.#slots.set(slots[i]!, slots[i + 1]!)
  }

  get #now(): number {
    const { round, isUpper, block } = this.#place
    return round * ROUND + (isUpper ? UPPER : 0) + block
  }
}

export const NO_GHOSTS: GhostState = {
  place: { round: 0, isUpper: false, block: 0 }, ordinals: new Uint32Array(0), since: new Float64Array(0), slots: new Uint32Array(0)
}
