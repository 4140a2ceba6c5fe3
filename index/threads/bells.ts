/** Threads that a process can have for all databases together. */
export const MOST_WORKERS = 64

const BELL = 0
const SLEEPING = 1
const MAIL = 2
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

  /** Wakes up to `most` of the first `workers` that sleep. */
  wake(workers: number, most = workers): void {
    const words = this.#words
    for (let at = 0; at < workers * WORDS && most > 0; at += WORDS) {
      if (Atomics.load(words, at + SLEEPING) === 0 || Atomics.compareExchange(words, at + SLEEPING, 1, 0) !== 1) continue
      Atomics.add(words, at + BELL, 1)
      Atomics.notify(words, at + BELL)
      most--
    }
  }

  /** Sleeps until woken, unless `hasWork`: asked again after it can be woken, so that nothing comes in between. */
  sleep(index: number, hasWork: () => boolean): void {
    const words = this.#words
    const at = index * WORDS
    Atomics.store(words, at + SLEEPING, 1)
    const bell = Atomics.load(words, at + BELL)
    if (!hasWork()) Atomics.wait(words, at + BELL, bell, MOST_SLEEP_MS)
    Atomics.store(words, at + SLEEPING, 0)
  }

  /** Says that a message was posted to a worker, which it takes before it does anything else. */
  announce(index: number): void {
    const at = index * WORDS
    Atomics.add(this.#words, at + MAIL, 1)
    Atomics.store(this.#words, at + SLEEPING, 0)
    Atomics.add(this.#words, at + BELL, 1)
    Atomics.notify(this.#words, at + BELL)
  }

  hasMail(index: number): boolean {
    return Atomics.load(this.#words, index * WORDS + MAIL) !== 0
  }

  /** Forgets that there were messages; what is announced after this counts anew. */
  clearMail(index: number): void {
    Atomics.store(this.#words, index * WORDS + MAIL, 0)
  }
}
