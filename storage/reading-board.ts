/** What a reader did with an item. */
export const READ = 1
export const REFUSED = 2

/** Items of a round, at most. */
export const MOST_ITEMS = 64
const NONE_LEFT = -1
const COUNT_BITS = 8

const ROUND = 0
const AWAKE = 1
const CALLS = 2
const VERSION = 3
const ENDS = 4
const LISTENS = 5
const BYTE_LENGTH = 6
const WORDS = 8
const PLACES_AT = WORDS * 4
const FRAMES_AT = PLACES_AT + MOST_ITEMS * 8
const OUTCOMES_AT = FRAMES_AT + MOST_ITEMS * 4
const BYTES = OUTCOMES_AT + MOST_ITEMS * 4

/**
 * What the calling thread and its readers share beside the kernel's memory: blocks that are to be read, in rounds. Whoever is there takes one after the other, the
 * calling thread as well, and it begins the next round when all are done.
 *
 * | offset | bytes | name | meaning |
 * |---|---|---|---|
 * | 0 | 4 | ROUND | its items << 8, the item that is taken next |
 * | 4 | 4 | AWAKE | readers that look for items |
 * | 8 | 4 | CALLS | increases when the others are to wake |
 * | 12 | 4 | VERSION | increases when blocks were written |
 * | 16 | 4 | ENDS | 1 when readers are to end |
 * | 20 | 4 | LISTENS | 1 while the calling thread is to be told of outcomes |
 * | 24 | 4 | BYTE_LENGTH | of each block |
 * | 32 | 8 * 64 | places | their keys, f64 |
 * | | 4 * 64 | frames | where they are to stand, u32 |
 * | | 4 * 64 | outcomes | i32: 0 until an item is done |
 */
export class ReadingBoard {
  readonly buffer: SharedArrayBuffer
  readonly places: Float64Array
  readonly frames: Uint32Array
  readonly #words: Int32Array
  readonly #outcomes: Int32Array

  constructor(buffer = new SharedArrayBuffer(BYTES)) {
    this.buffer = buffer
    this.#words = new Int32Array(buffer, 0, WORDS)
    this.places = new Float64Array(buffer, PLACES_AT, MOST_ITEMS)
    this.frames = new Uint32Array(buffer, FRAMES_AT, MOST_ITEMS)
    this.#outcomes = new Int32Array(buffer, OUTCOMES_AT, MOST_ITEMS)
  }

  get byteLength(): number {
    return this.#words[BYTE_LENGTH]!
  }

  get version(): number {
    return Atomics.load(this.#words, VERSION)
  }

  get ends(): boolean {
    return Atomics.load(this.#words, ENDS) !== 0
  }

  get awake(): number {
    return Atomics.load(this.#words, AWAKE)
  }

  /** Begins a round; all items of the last must be done, and the places and frames of these be written. */
  begin(count: number, byteLength: number): void {
    this.#outcomes.fill(0, 0, count)
    this.#words[BYTE_LENGTH] = byteLength
    Atomics.store(this.#words, ROUND, count << COUNT_BITS)
  }

  /** Takes an item; -1 when none is left. */
  take(): number {
    for (;;) {
      const round = Atomics.load(this.#words, ROUND)
      const item = round & (2 ** COUNT_BITS - 1)
      if (item >= round >>> COUNT_BITS) return NONE_LEFT
      // It may be of another round by now, which has such an item as well.
      if (Atomics.compareExchange(this.#words, ROUND, round, round + 1) === round) return item
    }
  }

  /** An item that was taken is done; nothing of it may be touched after that. */
  finish(item: number, outcome: typeof READ | typeof REFUSED): void {
    Atomics.store(this.#outcomes, item, outcome)
    if (Atomics.load(this.#words, LISTENS)) Atomics.notify(this.#outcomes, item)
  }

  /** 0 until an item is done. */
  outcomeOf(item: number): number {
    return Atomics.load(this.#outcomes, item)
  }

  /** Sleeps until an item is done, so long at most. */
  listen(item: number, ms: number): void {
    Atomics.store(this.#words, LISTENS, 1)
    Atomics.wait(this.#outcomes, item, 0, ms)
    Atomics.store(this.#words, LISTENS, 0)
  }

  /** Whoever reads is to see what was written. */
  noteWritten(): void {
    Atomics.add(this.#words, VERSION, 1)
  }

  /** Wakes readers that sleep. */
  call(): void {
    Atomics.add(this.#words, CALLS, 1)
    Atomics.notify(this.#words, CALLS)
  }

  end(): void {
    Atomics.store(this.#words, ENDS, 1)
    this.call()
  }

  /** A reader is there. */
  wake(): void {
    Atomics.add(this.#words, AWAKE, 1)
  }

  /** A reader is not there, until it is called. */
  sleep(): void {
    const calls = Atomics.load(this.#words, CALLS)
    Atomics.sub(this.#words, AWAKE, 1)
    if (!this.ends) Atomics.wait(this.#words, CALLS, calls)
    this.wake()
  }
}
