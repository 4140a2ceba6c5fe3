import type { Halving } from './halving.js'

/** How many times as many nodes a region has room for as it is expected to get. */
const ROOM = 1.25

/** A cut: the left half of the sample ended at `last` of the direction; there is so much room on either side. */
interface Branch {
  direction: Int16Array
  last: number
  room: number
  otherRoom: number
  left: Branch | number
  right: Branch | number
}

/** Regions of nodes, none of which has more than there is room for: found by the directions that cut a sample, then by neighbors. */
export class Regions {
  readonly #of: Uint16Array
  /** How many nodes each region has got, and how many it has room for. */
  readonly #sizes: number[] = []
  readonly #rooms: number[] = []
  #root: Branch | number = 0
  /** Of a node's neighbors, how many each region has. */
  #met = new Uint32Array(0)

  constructor(ordinals: number) {
    this.#of = new Uint16Array(ordinals)
  }

  /** For `count` nodes, up to `most` in each as the sample has them. Their ordinals are below `ordinals`. */
  static *of(halving: Halving, sample: Uint32Array, { ordinals, count, most }: { ordinals: number, count: number, most: number }): Generator<void, Regions> {
    const regions = new Regions(ordinals)
    regions.#root = yield* regions.#grow(halving, sample, count, most)
    regions.#met = new Uint32Array(regions.#sizes.length)
    return regions
  }

  *#grow(halving: Halving, sample: Uint32Array, count: number, most: number): Generator<void, Branch | number> {
    if (count <= most || sample.length < 2) {
      this.#sizes.push(0)
      return this.#rooms.push(Math.ceil(count * ROOM)) - 1
    }
    const half = sample.length >> 1
    yield* halving.halve(sample, half)
    const { direction, last } = halving
    const left = Math.round(count * half / sample.length)
    return {
      direction: direction.slice(), last, room: Math.ceil(left * ROOM), otherRoom: Math.ceil((count - left) * ROOM),
      left: yield* this.#grow(halving, sample.subarray(0, half), left, most),
      right: yield* this.#grow(halving, sample.subarray(half), count - left, most)
    }
  }

  /** Gives a node to a region by its sketch. */
  add(ordinal: number, point: Int8Array): void {
    let at = this.#root
    while (typeof at !== 'number') {
      let sum = 0
      for (let i = 0; i < point.length; i++) sum += point[i]! * at.direction[i]!
      const isLeft = at.otherRoom === 0 || (at.room > 0 && sum <= at.last)
      if (isLeft) at.room--
      else at.otherRoom--
      at = isLeft ? at.left : at.right
    }
    this.#sizes[at]!++
    this.#of[ordinal] = at
  }

  /** Gives a node to the region that has most of its neighbors, if there is room. */
  follow(ordinal: number, neighbors: readonly number[]): void {
    const [of, met, sizes, rooms] = [this.#of, this.#met, this.#sizes, this.#rooms]
    const own = of[ordinal]!
    let best = own
    for (const neighbor of neighbors) met[of[neighbor]!]!++
    for (const neighbor of neighbors) {
      const region = of[neighbor]!
      if (met[region]! > met[best]! && sizes[region]! < rooms[region]!) best = region
    }
    for (const neighbor of neighbors) met[of[neighbor]!] = 0
    of[ordinal] = best
    sizes[own]!--
    sizes[best]!++
  }

  /** Puts the nodes of each region together; returns where each ends. Shapes: order u32[count], ordinals, rearranged. */
  gather(order: Uint32Array): Uint32Array {
    const ends = new Uint32Array(this.#sizes.length)
    for (let i = 1; i < ends.length; i++) ends[i] = ends[i - 1]! + this.#sizes[i - 1]!
    for (const ordinal of order.slice()) order[ends[this.#of[ordinal]!]!++] = ordinal
    return ends
  }
}
