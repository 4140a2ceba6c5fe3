/**
 * Ordinals whose nodes are gone, on their way to being used again.
 *
 * An ordinal is given out again only when the checkpoint that knows it to be free is on stable storage, and the log is cut behind its
 * removal: so within the log no ordinal is written twice, and a replay finds the record of every operation that it repeats.
 */
export class FreeOrdinals {
  /** Descending, so that the lowest are taken first, from the end. */
  #ready: number[] = []
  /** Those behind whose removal the log is cut; and those in the last checkpoint, behind which it is not yet. */
  #trimmed: number[] = []
  #written: number[] = []
  #since: number[] = []

  /** How many there are, in all. */
  get count(): number {
    return this.#ready.length + this.#trimmed.length + this.#written.length + this.#since.length
  }

  add(ordinal: number): void {
    this.#since.push(ordinal)
  }

  /** How many can be taken now. */
  get ready(): number {
    return this.#ready.length
  }

  /** The ordinal that is taken when `taken` others are before it; undefined when there is none. */
  at(taken: number): number | undefined {
    // NOTE: an index below 0 would be looked up as a property, slowly.
    return taken < this.#ready.length ? this.#ready[this.#ready.length - 1 - taken] : undefined
  }

  /** An ordinal is in use again: the next one that was given out, unless it is a replay, for which none are ready. */
  take(ordinal: number): void {
    if (this.#ready[this.#ready.length - 1] === ordinal) this.#ready.pop()
  }

  /** A checkpoint begins, which knows of all that are free by now. */
  noteCheckpoint(): void {
    this.#written = this.#written.concat(this.#since)
    this.#since = []
  }

  /** The log is cut up to the last checkpoint. */
  noteTrim(): void {
    this.#trimmed = this.#trimmed.concat(this.#written)
    this.#written = []
  }

  /** Makes what may be used again ready, at a moment when none is given out that is not in use yet. */
  settle(): void {
    if (!this.#trimmed.length) return
    this.#ready = Array.from(Uint32Array.from(this.#ready.concat(this.#trimmed)).sort().reverse())
    this.#trimmed = []
  }

  /** Begins with the ordinals that a checkpoint knows to be free; those that were added since stay what they are. */
  restore(free: number[]): void {
    this.#ready = []
    this.#trimmed = []
    const since = new Set(this.#since)
    this.#written = free.filter(ordinal => !since.has(ordinal))
  }

  clear(): void {
    this.#ready = []
    this.#trimmed = []
    this.#written = []
    this.#since = []
  }
}
