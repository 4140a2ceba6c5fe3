/** What is done before times are compared: so much of it, and for so long, that what seldom takes very long is in it. */
const LEAST_COUNT = 100
const LEAST_MS = 25
/** Of the usual time, what the other way must stay below to be used; and the share that is forgotten with each window. */
const FASTER = 0.95
const FORGOTTEN = 1 / 4
/** And what the way that is used must exceed for the other to be tried at once. */
const SLOWER = 1.5
/** Windows between two trials of the other way: it is tried at once, and more and more seldom while it is slower. */
const LEAST_WINDOWS = 1
const MOST_WINDOWS = 128

/**
 * Which of two ways to do the same is faster here and now: by the times that they take, of which one is used, and the other tried now and then.
 *
 * What depends on how many cores are idle can only be measured, and changes.
 */
export class FasterWay {
  #way = 0
  #isTrial = false
  /** What the way that is used takes for one. */
  #usual = 0
  #windows = 0
  #most = LEAST_WINDOWS
  #count = 0
  #ms = 0

  /** 0 or 1. */
  get way(): number {
    return this.#way
  }

  /** So many were done in that way, and took so long. */
  note(count: number, ms: number): void {
    this.#count += count
    this.#ms += ms
    if (this.#count >= LEAST_COUNT && this.#ms >= LEAST_MS) this.#compare(this.#ms / this.#count)
  }

  #compare(time: number): void {
    this.#count = 0
    this.#ms = 0
    this.#windows++
    if (this.#isTrial) {
      const isFaster = time < this.#usual * FASTER
      if (!isFaster) this.#way = 1 - this.#way
      this.#most = isFaster ? LEAST_WINDOWS : Math.min(2 * this.#most, MOST_WINDOWS)
      if (isFaster) this.#usual = time
      this.#isTrial = false
      this.#windows = 0
      return
    }
    const isSlower = time > this.#usual * SLOWER
    this.#usual += (time - this.#usual) * (this.#usual ? FORGOTTEN : 1)
    if (this.#windows < this.#most && !isSlower) return
    this.#isTrial = true
    this.#way = 1 - this.#way
  }
}
