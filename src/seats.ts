import type { Deadline } from './deadline.js'

interface Waiting {
  byteLength: number
  sit(): void
}

/** Room for what searches take of the kernel's memory while they are under way. Who finds none waits, in the order of the calls. */
export class Seats {
  readonly #byteLength: number
  readonly #waiting = new Set<Waiting>()
  #taken = 0

  constructor(byteLength: number) {
    this.#byteLength = byteLength
  }

  /** How many wait. */
  get waiting(): number {
    return this.#waiting.size
  }

  /**
   * Takes so many bytes, to be given back; more than there are at all when nobody else has any.
   *
   * @throws {VectorLevelError} VECTOR_ABORTED when the deadline passes while they are waited for
   */
  async take(byteLength: number, deadline: Deadline): Promise<void> {
    if (!this.#waiting.size && this.#hasRoom(byteLength)) {
      this.#taken += byteLength
      return
    }
    let entry: Waiting
    const seated = new Promise<void>(resolve => {
      entry = { byteLength, sit: resolve }
      this.#waiting.add(entry)
    })
    await deadline.limit(seated, () => {
      const isWaiting = this.#waiting.delete(entry)
      // Who waits behind it may need less.
      this.#seat()
      return isWaiting
    })
  }

  release(byteLength: number): void {
    this.#taken -= byteLength
    this.#seat()
  }

  #seat(): void {
    for (const entry of this.#waiting) {
      if (!this.#hasRoom(entry.byteLength)) return
      this.#waiting.delete(entry)
      this.#taken += entry.byteLength
      entry.sit()
    }
  }

  #hasRoom(byteLength: number): boolean {
    return !this.#taken || this.#taken + byteLength <= this.#byteLength
  }
}
