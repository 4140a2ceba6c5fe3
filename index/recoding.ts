import type { Codebook } from '../codecs/codec.js'

/** Codes that are made again for each node that is linked or removed, and bytes of them, at most. */
const RECODED_AT_ONCE = 32
const RECODED_BYTES = 64 * 2 ** 10

/** As a checkpoint keeps it. */
export interface RecodingState {
  codebook: Codebook
  /** Ordinals below this were there when the codebook was trained. */
  ordinals: number
  started: boolean
  /** Ordinals below this have their new codes. */
  cursor: number
  ghosts: Uint32Array
}

/** How far the making of codes with another codebook is. */
export class Recoding {
  readonly codebook: Codebook
  readonly #ordinals: number
  #started: boolean
  #cursor: number
  #ghosts: Set<number>

  constructor({ codebook, ordinals, started, cursor, ghosts }: RecodingState) {
    this.codebook = codebook
    this.#ordinals = ordinals
    this.#started = started
    this.#cursor = cursor
    this.#ghosts = new Set(ghosts)
  }

  static of(codebook: Codebook, ordinals: number): Recoding {
    return new Recoding({ codebook, ordinals, started: false, cursor: 0, ghosts: new Uint32Array(0) })
  }

  get started(): boolean {
    return this.#started
  }

  get done(): boolean {
    return this.#started && this.#cursor === this.#ordinals
  }

  get share(): number {
    return this.#cursor / this.#ordinals
  }

  start(ghosts: Uint32Array): void {
    this.#started = true
    this.#ghosts = new Set(ghosts)
  }

  /** Whether an ordinal was a ghost when this was started. */
  hadGhost(ordinal: number): boolean {
    return this.#ghosts.has(ordinal)
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
    return { codebook: this.codebook, ordinals: this.#ordinals, started: this.#started, cursor: this.#cursor, ghosts: Uint32Array.from(this.#ghosts) }
  }
}
