/**
 * The words of shared memory by which the calling thread of a database and its workers agree.
 *
 * | word                | written by     | meaning                                                                              |
 * | ------------------- | -------------- | ------------------------------------------------------------------------------------ |
 * | STOP                | calling thread | how many wishes to stop there are; while there is one, nobody begins anything          |
 * | AWAITED             | calling thread | whether it waits in CALL for a worker to change its state                            |
 * | ALONE               | calling thread | whether it does all itself: workers begin nothing                                    |
 * | TAIL, HEAD          | calling, all   | calls that were brought to the ring, and that were taken from it                     |
 * | TABLE, STEPS, GRAPH | calling thread | the program: address and length of its table of steps, its graph                     |
 * | STEP, MUTATING      | who enters it  | the step that is under way, and whether it changes what searches read                |
 * | LIMIT               | who enters it  | items below this may be taken                                                        |
 * | NEXT, DONE          | all            | items that were taken, and that were done                                            |
 * | ENDED, FAILED       | all            | whether the last item is done; one more than the index of the hand whose item threw  |
 * | RUNG                | all            | whether the calling thread has been sent a message that it has not answered yet      |
 * | CALL                | all            | counts changes of states while the calling thread waits for one                      |
 * | STATE of a hand     | that hand      | what it is about: nothing, a search, an item; PARKED while it waits in a fault       |
 * | HOLDS, ITEM         | that hand      | whether it has an item, and which                                                    |
 * | TURNS               | that hand      | counts what it has done                                                              |
 * | ASKED, SPACE, NUMBER, COUNT | that hand | the fault that it waits for                                                       |
 * | ANSWER              | calling thread | how that ended                                                                       |
 * | STATUS of a place   | all            | what became of a call                                                                |
 *
 * A call is what one hand does alone: a search, or what changes nothing that searches read. SEARCHING is who is about one.
 *
 * A hand is whoever does calls and items: workers 0 to `workers` - 1, and as the last one the calling thread.
 *
 * Exclusion: a hand first stores its state, then looks whether what it is about to do is allowed, and stores IDLE again when it is not. Who
 * forbids something first stores the word that says so, then looks at the states. All accesses are in one order, so at least one of two sees
 * the other. Searches are forbidden by STOP and MUTATING; items by STOP, and those of a mutating step by a hand that is SEARCHING.
 *
 * Items are numbered on from program to program, modulo 2^32, and taken by counting NEXT up from a number that is below LIMIT. So nobody can
 * take an item twice, or one of a step that is not under way, however long he looked at old words: NEXT has moved on since. Who does the last
 * item of a step enters the next one, and writes LIMIT after all else.
 *
 * In a fault the kernel holds no addresses of frames. Only the calling thread ends the state PARKED: while it is about something else, frames
 * of a parked hand's search may go.
 */

export const STOP = 0
export const AWAITED = 1
export const TABLE = 2
export const STEPS = 3
export const GRAPH = 4
export const ALONE = 5
export const TAIL = 16
export const HEAD = 32
export const NEXT = 48
export const DONE = 64
export const STEP = 80
export const MUTATING = 81
export const LIMIT = 82
export const ENDED = 83
export const FAILED = 84
export const RUNG = 96
export const CALL = 97
const HANDS = 112

export const STATE = 0
export const HOLDS = 1
export const ITEM = 2
export const TURNS = 3
export const ASKED = 4
export const SPACE = 5
export const NUMBER = 6
export const ANSWER = 7
export const COUNT = 9
/** Of the last error that was none of a fault: bytes, and UTF-8. */
const TEXT_BYTES = 8
const TEXT = 16
const MOST_TEXT = 192
const HAND_WORDS = 64

export const IDLE = 0
export const SEARCHING = 1
export const WORKING = 2
export const PARKED = 4
/** The thread has ended; what it was about is still to be seen to. */
export const DEAD = 8

export const FAULT = 1
export const RECORD = 2
export const FAULTS = 3

export const UNANSWERED = 0
export const SERVED = 1
export const REFUSED = 2

export const PLACES = 256
export const STATUS = 0
export const PLACE_GRAPH = 1
export const PLACE_ARGUMENT = 2
export const PLACE_FUNCTION = 3
const PLACE_WORDS = 4

export const WAITING = 1
export const CANCELLED = 2
export const ENDED_WELL = 3
export const THREW = 4
/** And the index of the hand that has it. */
export const TAKEN = 8

/** A step in the table: function, argument, whether it mutates, its first item and the one after its last. */
export const STEP_WORDS = 8
export const STEP_FUNCTION = 0
export const STEP_ARG = 1
export const STEP_MUTATES = 2
export const STEP_FIRST = 3
export const STEP_LIMIT = 4

export function controlBytes(workers: number): number {
  return 4 * (HANDS + (workers + 1) * HAND_WORDS + PLACES * PLACE_WORDS)
}

/** One database's words, and the moves that both sides make with them. */
export class Control {
  readonly words: Int32Array
  readonly workers: number
  readonly #base: number

  constructor(memory: WebAssembly.Memory, ptr: number, workers: number) {
    this.words = new Int32Array(memory.buffer)
    this.workers = workers
    this.#base = ptr / 4
  }

  load(word: number): number {
    return Atomics.load(this.words, this.#base + word)
  }

  store(word: number, value: number): void {
    Atomics.store(this.words, this.#base + word, value)
  }

  /** Returns what stood there before. */
  add(word: number, value: number): number {
    return Atomics.add(this.words, this.#base + word, value)
  }

  swap(word: number, from: number, to: number): boolean {
    return Atomics.compareExchange(this.words, this.#base + word, from, to) === from
  }

  wait(word: number, value: number, milliseconds: number): 'ok' | 'not-equal' | 'timed-out' {
    return Atomics.wait(this.words, this.#base + word, value, milliseconds)
  }

  notify(word: number): void {
    Atomics.notify(this.words, this.#base + word)
  }

  /** The words of a hand, of a place of the ring, and (among all words of the memory) of a step. */
  hand(index: number): number {
    return HANDS + index * HAND_WORDS
  }

  place(number: number): number {
    return HANDS + (this.workers + 1) * HAND_WORDS + (number & (PLACES - 1)) * PLACE_WORDS
  }

  step(step: number): number {
    // NOTE: addresses from 2 GiB on are negative here.
    return (this.load(TABLE) >>> 0) / 4 + step * STEP_WORDS
  }

  stateOf(index: number): number {
    return this.load(this.hand(index) + STATE)
  }

  isAnySearching(): boolean {
    for (let i = 0; i <= this.workers; i++) if ((this.stateOf(i) & (SEARCHING | DEAD)) === SEARCHING) return true
    return false
  }

  isAnyWorking(): boolean {
    for (let i = 0; i <= this.workers; i++) if ((this.stateOf(i) & (WORKING | DEAD)) === WORKING) return true
    return false
  }

  /** Whether no worker is about anything; those in a fault may be counted as such. */
  isQuiet(parkedToo: boolean): boolean {
    for (let i = 0; i < this.workers; i++) {
      const state = this.stateOf(i)
      if (state !== IDLE && !(state & DEAD) && !(parkedToo && state & PARKED)) return false
    }
    return true
  }

  /** Takes a call for a hand; returns its place, -1 when none waits. */
  take(index: number): number {
    for (;;) {
      const head = this.load(HEAD)
      if (head === this.load(TAIL)) return -1
      if (!this.swap(HEAD, head, head + 1 | 0)) continue
      const place = this.place(head)
      if (this.swap(place + STATUS, WAITING, TAKEN + index)) return place
    }
  }

  /** Whether there may be something to do for a hand that is free. */
  hasWork(): boolean {
    return this.load(HEAD) !== this.load(TAIL) || this.load(NEXT) !== this.load(LIMIT)
  }

  /** Begins a step of the program, or ends it after the last. */
  enter(step: number): void {
    if (step === this.load(STEPS)) {
      this.store(MUTATING, 0)
      this.store(ENDED, 1)
      return
    }
    const at = this.step(step)
    this.store(STEP, step)
    this.store(MUTATING, this.words[at + STEP_MUTATES]!)
    this.store(LIMIT, this.words[at + STEP_LIMIT]!)
  }

  /** Tells the calling thread, if it waits for that, that a state has changed. */
  call(): void {
    if (!this.load(AWAITED)) return
    this.add(CALL, 1)
    this.notify(CALL)
  }

  writeText(index: number, text: string): void {
    const hand = this.#base + this.hand(index)
    const bytes = Buffer.from(text).subarray(0, MOST_TEXT)
    new Uint8Array(this.words.buffer, 4 * (hand + TEXT), MOST_TEXT).set(bytes)
    this.words[hand + TEXT_BYTES] = bytes.length
  }

  readText(index: number): string {
    const hand = this.#base + this.hand(index)
    return Buffer.from(new Uint8Array(this.words.buffer, 4 * (hand + TEXT), this.words[hand + TEXT_BYTES]!)).toString()
  }
}
