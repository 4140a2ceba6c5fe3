import type { Codebook, CodecChoice } from '../codecs/codec.js'

/** Codes that are made again for each node that is linked or removed, and bytes of them, at most. */
const RECODED_AT_ONCE = 32
const RECODED_BYTES = 64 * 2 ** 10

/** As a checkpoint keeps it. */
export interface RecodingState {
  codebook: Codebook | undefined
  /** The codec, where it is another one. */
  choice: CodecChoice | undefined
  /** Whether an operation has said that the codes of another codec are all there. */
  ending: boolean
  /** Ordinals below this were there when the codebook was trained. */
  ordinals: number
  started: boolean
  /** Ordinals below this have their new codes. */
  cursor: number
  ghosts: Uint32Array
}

/** How far the making of codes with another codebook, or by another codec, is. */
export class Recoding {
  readonly codebook: Codebook | undefined
  /** The codec, where it is another one: then the new codes are used from a task on that an operation gives. */
  readonly choice: CodecChoice | undefined
  ending: boolean
  readonly #ordinals: number
  #started: boolean
  #cursor: number
  #ghosts: Set<number>

  constructor({ codebook, choice, ending, ordinals, started, cursor, ghosts }: RecodingState) {
    this.codebook = codebook
    this.choice = choice
    this.ending = ending
    this.#ordinals = ordinals
    this.#started = started
    this.#cursor = cursor
    this.#ghosts = new Set(ghosts)
  }

  static of(codebook: Codebook | undefined, ordinals: number, choice?: CodecChoice): Recoding {
    return new Recoding({ codebook, choice, ending: false, ordinals, started: false, cursor: 0, ghosts: new Uint32Array(0) })
  }

  get started(): boolean {
    return this.#started
  }

  get done(): boolean {
    return this.#started && this.#cursor === this.#ordinals
  }

  get share(): number {
    return this.#ordinals ? this.#cursor / this.#ordinals : 1
  }

  start(ghosts: Uint32Array): void {
    this.#started = true
    this.#ghosts = new Set(ghosts)
  }

  /** Whether an ordinal was a ghost when this was started. */
  hadGhost(ordinal: number): boolean {
    return this.#ghosts.has(ordinal)
  }

  /** A ghost has left the graph: what has its ordinal later is another vector. */
  forgetGhost(ordinal: number): void {
    this.#ghosts.delete(ordinal)
  }

  /** Whether an ordinal has no new code yet. */
  lacks(ordinal: number): boolean {
    return ordinal >= this.#cursor && ordinal < this.#ordinals
  }

  /** The ordinals whose turn it is, where a code takes `rowBytes`. */
  *next(rowBytes: number): Generator<number> {
    const end = Math.min(this.#ordinals, this.#cursor + Math.max(1, Math.min(RECODED_AT_ONCE, Math.floor(RECODED_BYTES / rowBytes))))
    for (let ordinal = this.#cursor; ordinal < end; ordinal++) yield ordinal
    this.#cursor = end
  }

  state(): RecodingState {
    return { codebook: this.codebook, choice: this.choice, ending: this.ending, ordinals: this.#ordinals, started: this.#started, cursor: this.#cursor, ghosts: Uint32Array.from(this.#ghosts) }
  }
}
