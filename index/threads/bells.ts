/** Threads that a process can have for all databases together. */
export const MOST_WORKERS = 64

const BELL = 0
const STATE = 1
const MAIL = 2

const BUSY = 0
const SLEEPING = 1
/** Awake, and about to find what there is to do. */
const LOOKING = 2

/** A cache line each. */
const WORDS = 16
/** Nobody sleeps longer, whatever was missed. */
const MOST_SLEEP_MS = 5000

/** What wakes the workers of the pool: each one sleeps in a word of its own, which is counted up to wake it. */
export class Bells {
  readonly buffer: SharedArrayBuffer
  readonly #words: Int32Array

  constructor(buffer = new SharedArrayBuffer(4 * MOST_WORKERS * WORDS)) {
    this.buffer = buffer
    this.#words = new Int32Array(buffer)
  }

  /** Sees to it that up to `most` of the first `workers` look for work: those that do already, and such as sleep. */
  wake(workers: number, most = workers): void {
    const words = this.#words
    for (let at = 0; at < workers * WORDS && most > 0; at += WORDS) {
      const state = Atomics.load(words, at + STATE)
      if (state === BUSY) continue
      most--
      if (state === SLEEPING && Atomics.compareExchange(words, at + STATE, SLEEPING, BUSY) === SLEEPING) this.#ring(at)
    }
  }

  /** Notes whether a worker looks for work. When it ceases to, it must see to what else there is: others have relied on it. */
  note(index: number, isLooking: boolean): void {
    Atomics.store(this.#words, index * WORDS + STATE, isLooking ? LOOKING : BUSY)
  }

  /** Sleeps until woken, unless `work` finds something: it is asked after it can be woken, so that nothing comes in between. */
  sleep(index: number, work: () => boolean): void {
    const words = this.#words
    const at = index * WORDS
    Atomics.store(words, at + STATE, SLEEPING)
    const bell = Atomics.load(words, at + BELL)
    if (!work()) Atomics.wait(words, at + BELL, bell, MOST_SLEEP_MS)
    Atomics.store(words, at + STATE, LOOKING)
  }

  /** Says that a message was posted to a worker, which it takes before it does anything else. */
  announce(index: number): void {
    Atomics.add(this.#words, index * WORDS + MAIL, 1)
    this.#ring(index * WORDS)
  }

  hasMail(index: number): boolean {
    return Atomics.load(this.#words, index * WORDS + MAIL) !== 0
  }

  /** Forgets that there were messages; what is announced after this counts anew. */
  clearMail(index: number): void {
    Atomics.store(this.#words, index * WORDS + MAIL, 0)
  }

  #ring(at: number): void {
    Atomics.add(this.#words, at + BELL, 1)
    Atomics.notify(this.#words, at + BELL)
  }
}
