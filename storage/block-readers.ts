import { Worker } from 'node:worker_threads'
import { FasterWay } from './faster-way.js'
import type { ReaderData } from './reader-worker.js'
import { ReadingBoard, READ, REFUSED } from './reading-board.js'

/** Looks at an item that another has, until the calling thread sleeps; and how long it sleeps then until it looks again. */
const LOOKS = 4000
const LISTEN_MS = 50
/** The ways of reading that are compared. */
const TOGETHER = 1
/** Blocks that are asked for, several together, before it is seen whether readers are worth their threads. */
const TRIED = 1024

export interface BlockReadersOptions extends Omit<ReaderData, 'board'> {
  /** Threads, at most. */
  count: number
  /** Whether so much is read that they are worth it; they stay when they were once. */
  isWorthIt(): boolean
}

/** MOST_ITEMS of them at most. Shapes: blocks, frames u32[count]; the place of block i is first + blocks[i]. */
export interface WantedBlocks {
  first: number
  blocks: Uint32Array
  frames: Uint32Array
  count: number
  byteLength: number
}

/**
 * Threads that read blocks beside the calling one, where several are missed together: it takes its share, and waits for theirs.
 *
 * What LMDB must have from the disk is read at once, not one after the other: where each read takes 0.2 ms, searches of 50,000 x 1536 with 8 MiB are 1.7 times as fast with one
 * reader, and 2 times with two. Of what is in the system's memory one makes them 1.2 to 1.3 times as fast (340,000 words, a quarter of the index in memory: 1,700 and 2,100 a second,
 * by Zipf's law, with the same results; one after the other, by a script). Loading, which misses few blocks at a time, gains nothing.
 * Readers look for blocks as long as some are asked for, and sleep a fifth of a millisecond after that. Where they are no faster, since their cores have other work or few
 * blocks are missed at a time, they are left alone, and tried again now and then.
 */
export class BlockReaders {
  readonly #options: BlockReadersOptions
  readonly #board = new ReadingBoard()
  readonly #threads = new Map<Worker, Promise<void>>()
  #isStarted = false
  readonly #faster = new FasterWay()
  #asked = 0

  constructor(options: BlockReadersOptions) {
    this.#options = options
  }

  /** Threads that are there. */
  get size(): number {
    return this.#threads.size
  }

  /** Fills frames with blocks; `readHere` does it for one, on the calling thread, and throws when it cannot. */
  read(wanted: WantedBlocks, readHere: (block: number, frame: number) => void): void {
    const { blocks, frames, count } = wanted
    const readAll = (): void => {
      for (let i = 0; i < count; i++) readHere(blocks[i]!, frames[i]!)
    }
    if (count < 2 || !this.#hasThreads(count)) return readAll()
    const began = performance.now()
    if (this.#faster.way === TOGETHER) this.#readTogether(wanted, readHere)
    else readAll()
    this.#faster.note(count, performance.now() - began)
  }

  /** What is read from now on is what was written by now. */
  refresh(): void {
    this.#board.noteWritten()
  }

  /** Resolves when nobody reads any more. */
  async close(): Promise<void> {
    this.#isStarted = true
    this.#board.end()
    for (const worker of this.#threads.keys()) worker.ref()
    await Promise.all(this.#threads.values())
  }

  /** Whether there are readers; `count` blocks more are asked for. */
  #hasThreads(count: number): boolean {
    if (this.#isStarted) return this.#threads.size > 0
    this.#asked += count
    if (this.#asked < TRIED) return false
    this.#asked = 0
    if (this.#options.isWorthIt()) this.#start()
    return false
  }

  #readTogether({ first, blocks, frames, count, byteLength }: WantedBlocks, readHere: (block: number, frame: number) => void): void {
    const board = this.#board
    for (let i = 0; i < count; i++) {
      board.places[i] = first + blocks[i]!
      board.frames[i] = frames[i]!
    }
    board.begin(count, byteLength)
    if (board.awake < this.#threads.size) board.call()
    let failure: unknown
    const tryHere = (item: number): void => {
      try {
        readHere(blocks[item]!, frames[item]!)
      } catch (error) {
        failure ??= error
      }
    }
    for (let item = board.take(); item >= 0; item = board.take()) {
      tryHere(item)
      board.finish(item, READ)
    }
    // IMPORTANT: frames are nobody else's before all are done.
    for (let item = 0; item < count; item++) if (this.#outcomeOf(item) === REFUSED) tryHere(item)
    if (failure !== undefined) throw failure
  }

  #outcomeOf(item: number): number {
    const board = this.#board
    for (let look = 0; look < LOOKS; look++) {
      const outcome = board.outcomeOf(item)
      if (outcome) return outcome
    }
    while (!board.outcomeOf(item)) board.listen(item, LISTEN_MS)
    return board.outcomeOf(item)
  }

  #start(): void {
    this.#isStarted = true
    const { count, isWorthIt: _, ...data } = this.#options
    const workerData: ReaderData = { ...data, board: this.#board.buffer }
    for (let i = 0; i < count; i++) {
      try {
        const worker = new Worker(new URL('./reader-worker.js', import.meta.url), { workerData, name: 'vector-level reader', execArgv: [] })
        worker.unref()
        // It does without one that fails.
        worker.on('error', () => undefined)
        this.#threads.set(worker, new Promise(resolve => {
          worker.once('exit', () => {
            this.#threads.delete(worker)
            resolve()
          })
        }))
      } catch {
        return
      }
    }
  }
}
