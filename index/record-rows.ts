import type { Metric } from '../codecs/codec.js'
import { vectorByteLength } from '../codecs/f32.js'
import type { Arena } from '../storage/arena.js'
import type { BlockCache } from '../storage/block-cache.js'
import type { Space } from '../storage/space.js'
import type { Kernel } from './kernel.js'

/** Key and metadata of a record, as stored. */
export interface Label {
  key: Uint8Array
  metadata: Uint8Array
}

/** What is read of a record besides its vector; `coded` when it has none, and its code stands for it. */
export interface ReadRecord extends Label {
  coded?: boolean
}

/** The store of records, as the index sees it. */
export interface RecordSource {
  /** Reads the record of a live ordinal: its vector, if it has one, to an address. Throws when it is missing or damaged. Shapes: vector f32[dim], in a row of full vectors. */
  read(ordinal: number, vector: number): ReadRecord
}

/** What rows are filled from. */
export interface RowSource {
  records: RecordSource
  /** The vector that the code of an ordinal stands for, whose record has none. Shapes: f32[dim]. */
  decode(ordinal: number): Float32Array
}

/** Room in a row for a key and small metadata; longer ones are read from the store when they are asked for. */
const LABEL_BYTES = 56
const KEY_BYTES = 0
const METADATA_BYTES = 2
const HEADER = 4
const TOO_LONG = 0xffff

/**
 * What results need of records, each kept by itself beside the blocks: the full vector, where one is measured by, and key and metadata.
 *
 * | offset | bytes | type | name | meaning |
 * |---|---|---|---|---|
 * | 0 | vectorBytes | f32[] | vector | as it is compared: unit length for cosine; absent where codes are measured by |
 * | +0 | 2 | u16 | keyBytes | TOO_LONG when key and metadata do not fit |
 * | +2 | 2 | u16 | metadataBytes | |
 * | +4 | 56 | | label | key, metadata |
 */
export class RecordRows {
  readonly space: Space
  readonly #arena: Arena
  readonly #cache: BlockCache
  readonly #kernel: Kernel
  readonly #source: RowSource
  readonly #dimensions: number
  #vectorBytes: number
  readonly #metric: Metric
  readonly #memory: Buffer
  /** Where a vector is prepared. */
  readonly #staging: number
  readonly #vector: Float32Array
  /** Of records that are being written anew. */
  readonly #held = new Map<number, Label>()

  constructor(arena: Arena, cache: BlockCache, kernel: Kernel, source: RowSource, dimensions: number, vectorBytes: number, metric: Metric) {
    this.#arena = arena
    this.#cache = cache
    this.#kernel = kernel
    this.#source = source
    this.#dimensions = dimensions
    this.#vectorBytes = vectorBytes
    this.#metric = metric
    this.#memory = Buffer.from(arena.memory.buffer as ArrayBuffer)
    this.#staging = arena.allocate(vectorByteLength(dimensions))
    this.#vector = arena.f32.subarray(this.#staging / 4, this.#staging / 4 + dimensions)
    this.space = cache.createSpace({ rowBytes: rowBytesOf(vectorBytes), kind: 'records' })
  }

  get vectorBytes(): number {
    return this.#vectorBytes
  }

  /** Goes on with `rows` rows that have vectors or have not; all are filled again. Nobody may look at them meanwhile. */
  reshape(vectorBytes: number, rows: number): void {
    this.#vectorBytes = vectorBytes
    this.#cache.reshape(this.space, rowBytesOf(vectorBytes), rows)
  }

  /** Has the rows of ordinals kept. Shapes: ordinals u32[count], an address. */
  loadAll(ordinals: number, count: number): void {
    const together = this.#arena.u32.slice(ordinals / 4, ordinals / 4 + count)
    for (const ordinal of together) if (!this.#cache.kept(this.space, ordinal)) this.load(ordinal)
    // Where rows are wide, or the others are asked for often, the last may have taken the place of the first.
    for (const ordinal of together) if (!this.#cache.kept(this.space, ordinal)) this.load(ordinal, true)
  }

  /** Fills the row of an ordinal from the store; returns where it stands. With `beside`, the others stay as far as can be. */
  load(ordinal: number, beside = false): number {
    this.#cache.noteLoaded(this.space)
    const record = this.#read(ordinal)
    const vector = record.coded && this.#vectorBytes ? this.#source.decode(ordinal) : this.#vector
    return this.fill(ordinal, vector, record, beside)
  }

  /** Fills the row of an ordinal; returns where it stands. */
  fill(ordinal: number, vector: Float32Array, { key, metadata }: Label, beside = false): number {
    const { bytes } = this.#arena
    this.#cache.drop(this.space, ordinal)
    const row = this.#cache.claim(this.space, ordinal, beside)
    if (this.#vectorBytes) {
      this.#vector.set(vector)
      if (this.#metric === 'cosine') this.#kernel.normalize(this.#staging, this.#vectorBytes)
      bytes.copyWithin(row, this.#staging, this.#staging + this.#vectorBytes)
    }
    const head = row + this.#vectorBytes
    const fits = key.length + metadata.length <= LABEL_BYTES
    this.#memory.writeUInt16LE(fits ? key.length : TOO_LONG, head + KEY_BYTES)
    this.#memory.writeUInt16LE(fits ? metadata.length : 0, head + METADATA_BYTES)
    if (fits) {
      bytes.set(key, head + HEADER)
      bytes.set(metadata, head + HEADER + key.length)
    }
    this.#cache.enter(this.space, row)
    return row
  }

  /** The vector of an ordinal as it was given, from the store; undefined when its record has none. Shapes: f32[dim]. */
  stored(ordinal: number): Float32Array | undefined {
    return this.#read(ordinal).coded ? undefined : new Float32Array(this.#vector)
  }

  /** The same; or what its code stands for. */
  given(ordinal: number): Float32Array {
    return this.stored(ordinal) ?? this.#source.decode(ordinal)
  }

  /** The vector of an ordinal, as it is compared where codes are approximate, as it was given where they are not. Shapes: f32[dim]. */
  vector(ordinal: number): Float32Array {
    if (!this.#vectorBytes) return this.given(ordinal)
    const row = this.#row(ordinal) / 4
    return new Float32Array(this.#arena.f32.subarray(row, row + this.#dimensions))
  }

  /** Key and metadata of an ordinal: a copy. */
  label(ordinal: number): { key: string, metadata: Uint8Array } {
    const held = this.#held.get(ordinal)
    if (held) return { key: Buffer.from(held.key).toString(), metadata: held.metadata }
    const head = this.#row(ordinal) + this.#vectorBytes
    const keyBytes = this.#memory.readUInt16LE(head + KEY_BYTES)
    if (keyBytes === TOO_LONG) {
      const { key, metadata } = this.#read(ordinal)
      return { key: Buffer.from(key).toString(), metadata }
    }
    const keyEnd = head + HEADER + keyBytes
    const metadataBytes = this.#memory.readUInt16LE(head + METADATA_BYTES)
    return {
      key: this.#memory.toString('utf8', head + HEADER, keyEnd),
      metadata: metadataBytes ? Buffer.from(this.#memory.subarray(keyEnd, keyEnd + metadataBytes)) : NOTHING
    }
  }

  /** Lets results have this label until it is released, whatever the store holds meanwhile. */
  hold(ordinal: number, label: Label): void {
    this.#held.set(ordinal, label)
  }

  /** Lets results have the label that the store holds now; it is read again when it is asked for. */
  release(ordinal: number): void {
    this.#held.delete(ordinal)
    this.#cache.drop(this.space, ordinal)
  }

  #read(ordinal: number): ReadRecord {
    return this.#source.records.read(ordinal, this.#staging)
  }

  /** The address of a row, which is filled where it is not kept. Valid until another is filled. */
  #row(ordinal: number): number {
    this.space.noteRead()
    return this.#cache.kept(this.space, ordinal) || this.load(ordinal)
  }
}

function rowBytesOf(vectorBytes: number): number {
  return vectorBytes + HEADER + LABEL_BYTES
}

const NOTHING = new Uint8Array(0)
