import { LANES, sampleOf } from './sketch.js'

/** Nodes that means are sought on, and moves of the means. */
const SAMPLE = 256
const MOVES = 2
/** Rounds of swaps at most, and the share of nodes that one must move if there is to be another. */
const ROUNDS = 8
const LEAST_MOVED = 1 / 100
/** Gains of a swap that are told apart: larger ones count as this. */
const MOST_GAIN = 255
/** The largest component of a direction, so that products with sketches, and their sums, are integers of 32 bits. */
const STEEPEST = 32767

/** Sides of a cut: their sum over the neighbors of a node tells how many more there are on one than on the other. */
const OUTSIDE = 0
const LEFT = -1
const RIGHT = 1

/** The edges between the nodes of a region, in both directions. */
export class Edges {
  /** Where those of a node begin, and where those end that still count. */
  readonly starts: Uint32Array
  readonly ends: Uint32Array
  to = new Uint16Array(0)
  #pairs: Uint16Array
  #count = 0

  constructor(nodes: number, most: number) {
    this.starts = new Uint32Array(nodes + 1)
    this.ends = new Uint32Array(nodes)
    this.#pairs = new Uint16Array(2 * nodes * most)
  }

  add(from: number, to: number): void {
    this.#pairs[this.#count++] = from
    this.#pairs[this.#count++] = to
    this.ends[from]!++
    this.ends[to]!++
  }

  complete(): void {
    this.to = new Uint16Array(this.#count)
    let at = 0
    for (let node = 0; node < this.ends.length; node++) {
      this.starts[node] = at
      at += this.ends[node]!
      this.ends[node] = this.starts[node]!
    }
    for (let i = 0; i < this.#count; i++) this.to[this.ends[this.#pairs[i]!]!++] = this.#pairs[i ^ 1]!
    this.#pairs = new Uint16Array(0)
  }
}

/**
 * Cuts sets of nodes in two.
 *
 * Source: Dhulipala, Kabiljo, Karrer, Ottaviano, Pupyrev, Shalita 2016, section 4 (swaps by gain; there from any halves, here from those by direction);
 * Kernighan, Lin 1970.
 */
export class Halving {
  readonly #points: Int8Array
  readonly #width: number
  readonly #edges: Edges | undefined
  /** Across which it has cut, and where the left half ended. */
  readonly direction: Int16Array
  last = 0
  readonly #keys: Int32Array
  readonly #sorted: Int32Array
  readonly #spare: Uint32Array
  /** Where there are edges: the half that each node is in, and what a change of sides gains. */
  readonly #sides: Int8Array
  readonly #gains: Int16Array
  /** How many of either half gain how much. */
  readonly #tallies = [new Uint32Array(2 * MOST_GAIN + 1), new Uint32Array(2 * MOST_GAIN + 1)] as const

  /** Shapes: points i8[nodes, width]. `most` nodes are cut at once. */
  constructor(points: Int8Array, width: number, most: number, edges?: Edges) {
    this.#points = points
    this.#width = width
    this.#edges = edges
    this.direction = new Int16Array(width)
    this.#keys = new Int32Array(most)
    this.#sorted = new Int32Array(most)
    this.#spare = new Uint32Array(most)
    this.#sides = new Int8Array(edges ? most : 0)
    this.#gains = new Int16Array(edges ? most : 0)
  }

  /** Puts `left` of the nodes before the others. */
  *halve(nodes: Uint32Array, left: number): Generator<void, void> {
    this.#seek(nodes, left / nodes.length)
    yield
    this.#cut(nodes, left)
    yield
    if (this.#edges) yield* this.#swap(nodes, left, this.#edges)
  }

  /** Looks for the direction from one mean to the other. */
  #seek(nodes: Uint32Array, share: number): void {
    const sample = sampleOf(nodes, SAMPLE)
    const left = Math.max(1, Math.min(sample.length - 1, Math.round(share * sample.length)))
    const [a, b] = [new Int32Array(this.#width), new Int32Array(this.#width)]
    this.#addTo(a, sample[0]!)
    this.#addTo(b, this.#farthestFrom(sample[0]!, sample))
    this.#point(a, 1, b, 1)
    for (let move = 0; move < MOVES; move++) {
      this.#cut(sample, left)
      a.fill(0)
      b.fill(0)
      for (let i = 0; i < sample.length; i++) this.#addTo(i < left ? a : b, sample[i]!)
      this.#point(a, left, b, sample.length - left)
    }
  }

  #addTo(sum: Int32Array, node: number): void {
    const [points, width] = [this.#points, this.#width]
    const row = node * width
    for (let i = 0; i < width; i++) sum[i]! += points[row + i]!
  }

  #farthestFrom(node: number, nodes: Uint32Array): number {
    const [points, width] = [this.#points, this.#width]
    let farthest = node
    let most = -1
    for (const other of nodes) {
      let distance = 0
      for (let i = 0; i < width; i++) distance += (points[node * width + i]! - points[other * width + i]!) ** 2
      if (distance > most) [farthest, most] = [other, distance]
    }
    return farthest
  }

  /** Shapes: from and to i32[width], sums of so many nodes. */
  #point(from: Int32Array, fromCount: number, to: Int32Array, toCount: number): void {
    let most = 0
    for (let i = 0; i < this.#width; i++) most = Math.max(most, Math.abs(to[i]! / toCount - from[i]! / fromCount))
    for (let i = 0; i < this.#width; i++) this.direction[i] = most ? Math.round((to[i]! / toCount - from[i]! / fromCount) / most * STEEPEST) : 0
  }

  /** Puts those `left` nodes first that come first in the direction; else they stay in their order. */
  #cut(nodes: Uint32Array, left: number): void {
    const keys = this.#project(nodes)
    this.#sorted.set(keys)
    const last = select(this.#sorted, nodes.length, left - 1)
    let rest = left
    for (const key of keys) if (key < last) rest--
    let [first, second] = [0, 0]
    for (let i = 0; i < nodes.length; i++) {
      const isLeft = keys[i]! < last || (keys[i] === last && rest-- > 0)
      if (isLeft) nodes[first++] = nodes[i]!
      else this.#spare[second++] = nodes[i]!
    }
    nodes.set(this.#spare.subarray(0, second), first)
    this.last = last
  }

  /** Where nodes are along the direction. */
  #project(nodes: Uint32Array): Int32Array {
    const [points, width, direction] = [this.#points, this.#width, this.direction]
    const keys = this.#keys.subarray(0, nodes.length)
    for (let i = 0; i < nodes.length; i++) {
      const row = nodes[i]! * width
      let sum = 0
      for (let j = 0; j < width; j += LANES) {
        const at = row + j
        const first = points[at]! * direction[j]! + points[at + 1]! * direction[j + 1]!
        const second = points[at + 2]! * direction[j + 2]! + points[at + 3]! * direction[j + 3]!
        sum = (sum + first + second) | 0
      }
      keys[i] = sum
    }
    return keys
  }

  /** Has nodes of both halves change places while fewer edges lead across then. */
  *#swap(nodes: Uint32Array, left: number, edges: Edges): Generator<void, void> {
    const sides = this.#sides
    for (let i = 0; i < nodes.length; i++) sides[nodes[i]!] = i < left ? LEFT : RIGHT
    this.#forgetOthers(nodes, edges)
    for (let round = 1; round <= ROUNDS; round++) {
      this.#weigh(nodes, edges)
      // Not all at once: they would all leave for where the others come from.
      const swapped = this.#change(nodes, Math.ceil(Math.min(left, nodes.length - left) / (round < ROUNDS ? 2 : 1)))
      yield
      if (swapped <= nodes.length * LEAST_MOVED) break
    }
    let [first, second] = [0, 0]
    for (let i = 0; i < nodes.length; i++) {
      const node = nodes[i]!
      if (sides[node] === LEFT) nodes[first++] = node
      else this.#spare[second++] = node
      sides[node] = OUTSIDE
    }
    nodes.set(this.#spare.subarray(0, second), first)
  }

  /** Edges that lead out of the nodes that are being cut do not count any more. */
  #forgetOthers(nodes: Uint32Array, { starts, ends, to }: Edges): void {
    for (const node of nodes) {
      let kept = starts[node]!
      for (let at = kept; at < ends[node]!; at++) if (this.#sides[to[at]!] !== OUTSIDE) to[kept++] = to[at]!
      ends[node] = kept
    }
  }

  /** What a change of sides gains: edges across less edges within. */
  #weigh(nodes: Uint32Array, { starts, ends, to }: Edges): void {
    const [sides, gains] = [this.#sides, this.#gains]
    for (const tally of this.#tallies) tally.fill(0)
    for (const node of nodes) {
      const side = sides[node]!
      const end = ends[node]!
      let sum = 0
      for (let at = starts[node]!; at < end; at++) sum += sides[to[at]!]!
      const gain = Math.max(-MOST_GAIN, Math.min(MOST_GAIN, -side * sum))
      gains[node] = gain
      this.#tallies[side === LEFT ? 0 : 1][gain + MOST_GAIN]!++
    }
  }

  /** Has up to `most` nodes of each side change it, those first that gain most, while that gains anything. Returns how many. */
  #change(nodes: Uint32Array, most: number): number {
    const [sides, gains] = [this.#sides, this.#gains]
    const [lefts, rights] = this.#tallies
    let [left, right] = [2 * MOST_GAIN, 2 * MOST_GAIN]
    // Of those that gain least of the ones that change.
    let [restLeft, restRight] = [0, 0]
    let changed = 0
    while (changed < most) {
      while (restLeft === lefts[left]! && left > 0) [left, restLeft] = [left - 1, 0]
      while (restRight === rights[right]! && right > 0) [right, restRight] = [right - 1, 0]
      if (left + right <= 2 * MOST_GAIN) break
      const pairs = Math.min(lefts[left]! - restLeft, rights[right]! - restRight, most - changed)
      restLeft += pairs
      restRight += pairs
      changed += pairs
    }
    if (!changed) return 0
    for (const node of nodes) {
      const gain = gains[node]! + MOST_GAIN
      if (sides[node] === LEFT) {
        if (gain > left || (gain === left && restLeft-- > 0)) sides[node] = RIGHT
      } else if (gain > right || (gain === right && restRight-- > 0)) sides[node] = LEFT
    }
    return changed
  }
}

/** The number that would be at `place` if they were sorted; rearranges them. Source: Hoare 1961 (Find). */
function select(numbers: Int32Array, count: number, place: number): number {
  let low = 0
  let high = count - 1
  while (low < high) {
    const pivot = numbers[(low + high) >> 1]!
    let i = low
    let j = high
    while (i <= j) {
      while (numbers[i]! < pivot) i++
      while (numbers[j]! > pivot) j--
      if (i > j) break
      const number = numbers[i]!
      numbers[i++] = numbers[j]!
      numbers[j--] = number
    }
    if (place <= j) high = j
    else if (place >= i) low = i
    else break
  }
  return numbers[place]!
}

