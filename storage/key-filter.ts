import type { Arena } from './arena.js'

/** Bits of a key; and bits that there are for each key, at least: fewer tell little. */
const PROBES = 3
const BITS_A_KEY = 5

/**
 * What keys there may be: it never misses one that was added, and takes others for one of them now and then, at most a tenth of them. So most of those that
 * are new need not be looked for. When it is full it gives its memory back, and takes all keys for such as may be there.
 *
 * Source: Bloom 1970; two hashes in place of many as Kirsch, Mitzenmacher 2006.
 */
export class KeyFilter {
  readonly #arena: Arena
  readonly #ptr: number
  readonly #byteLength: number
  readonly #mask: number
  #room: number

  /** Of so many bytes, a power of two. */
  constructor(arena: Arena, byteLength: number) {
    this.#arena = arena
    this.#byteLength = byteLength
    this.#mask = byteLength * 8 - 1
    this.#room = Math.floor(byteLength * 8 / BITS_A_KEY)
    this.#ptr = arena.allocate(byteLength)
  }

  /** Whether a key may be there. */
  mayHave(key: Uint8Array): boolean {
    return !this.#room || this.#probe(key, false)
  }

  /** Adds a key; says whether it may have been there before. */
  add(key: Uint8Array): boolean {
    if (!this.#room || this.#probe(key, true)) return true
    if (--this.#room === 0) this.#arena.release(this.#ptr, this.#byteLength)
    return false
  }

  /** Whether all bits of a key are set; sets them if asked to. */
  #probe(key: Uint8Array, isAdded: boolean): boolean {
    const { bytes } = this.#arena
    let at = hash(key)
    const step = scramble(at) | 1
    let isSet = true
    for (let i = 0; i < PROBES; i++, at = at + step | 0) {
      const place = this.#ptr + ((at & this.#mask) >>> 3)
      const bit = 1 << (at & 7)
      isSet &&= (bytes[place]! & bit) !== 0
      if (isAdded) bytes[place]! |= bit
    }
    return isSet
  }
}

/** Source: Fowler, Noll, Vo (FNV-1a). */
function hash(key: Uint8Array): number {
  let value = 0x811c9dc5
  for (let i = 0; i < key.length; i++) value = Math.imul(value ^ key[i]!, 0x01000193)
  return scramble(value)
}

/** Source: Appleby 2011 (MurmurHash3, the mix of the end). */
function scramble(value: number): number {
  let mixed = value ^ (value >>> 16)
  mixed = Math.imul(mixed, 0x85ebca6b)
  mixed ^= mixed >>> 13
  mixed = Math.imul(mixed, 0xc2b2ae35)
  return mixed ^ (mixed >>> 16)
}
