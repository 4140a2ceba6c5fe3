/** What is to be done for an ordinal: link its node, make its code first, or remove its node; and, for none, to begin to make all codes again. */
export const LINK = 0
export const ENCODE_AND_LINK = 1
export const REMOVE = 2
export const RECODE = 3
export type TaskKind = typeof LINK | typeof ENCODE_AND_LINK | typeof REMOVE | typeof RECODE

const KIND_BITS = 2
const KIND_MASK = (1 << KIND_BITS) - 1
const FIRST_CAPACITY = 256

/**
 * What a graph still lacks of the operations, first in first out: so it is a function of their order, whenever they are done.
 *
 * An ordinal is to be linked once at most before it is removed.
 */
export class Tasks {
  #words = new Uint32Array(FIRST_CAPACITY)
  #first = 0
  #end = 0
  #links = 0
  #uncoded = 0
  #removals = 0

  get length(): number {
    return this.#end - this.#first
  }

  /** Nodes to be linked; and how many of them have no code yet. */
  get links(): number {
    return this.#links
  }

  get uncoded(): number {
    return this.#uncoded
  }

  /** Nodes to be removed. */
  get removals(): number {
    return this.#removals
  }

  push(kind: TaskKind, ordinal: number): void {
    if (this.#end === this.#words.length) this.#makeRoom()
    this.#words[this.#end++] = (ordinal << KIND_BITS) | kind
    this.#count(kind, 1)
  }

  shift(): { kind: TaskKind, ordinal: number } | undefined {
    if (this.#first === this.#end) return undefined
    const word = this.#words[this.#first++]!
    const kind = (word & KIND_MASK) as TaskKind
    this.#count(kind, -1)
    return { kind, ordinal: word >>> KIND_BITS }
  }

  /** Writes ordinals that are to be linked, from the task at `from` on, to `target`; returns how many, and the task to go on from. */
  copyLinks(target: Uint32Array, from: number): { count: number, next: number } {
    let count = 0
    let at = this.#first + from
    for (; at < this.#end && count < target.length; at++) {
      const word = this.#words[at]!
      if (isLink((word & KIND_MASK) as TaskKind)) target[count++] = word >>> KIND_BITS
    }
    return { count, next: at - this.#first }
  }

  /** As a checkpoint keeps them. */
  toWords(): Uint32Array {
    return this.#words.slice(this.#first, this.#end)
  }

  restore(words: Uint32Array): void {
    this.#words = new Uint32Array(Math.max(FIRST_CAPACITY, words.length))
    this.#words.set(words)
    this.#first = 0
    this.#end = words.length
    this.#links = 0
    this.#uncoded = 0
    this.#removals = 0
    for (const word of words) this.#count((word & KIND_MASK) as TaskKind, 1)
  }

  #count(kind: TaskKind, by: number): void {
    if (isLink(kind)) this.#links += by
    if (kind === REMOVE) this.#removals += by
    if (kind === ENCODE_AND_LINK) this.#uncoded += by
  }

  /** Moves what is left to the beginning, of twice the room when that is much. */
  #makeRoom(): void {
    const left = this.#words.subarray(this.#first, this.#end)
    const words = left.length * 2 > this.#words.length ? new Uint32Array(this.#words.length * 2) : this.#words
    words.set(left)
    this.#words = words
    this.#end = left.length
    this.#first = 0
  }
}

function isLink(kind: TaskKind): boolean {
  return kind === LINK || kind === ENCODE_AND_LINK
}
