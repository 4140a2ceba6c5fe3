import { codecs } from '../codecs/codec.js'
import { unlessDamaged, VectorLevelError } from '../floor/errors.js'
import type { Engine, OpenCollection } from './engine.js'
import { type CodesInTruth, readCodeBlock, readKeptCodes, type View } from './kept-codes.js'
import { isLast } from './writings.js'

/** The codes of a collection as a view of the truth has them, whatever the index has by now. */
export class StoredCodes {
  readonly #engine: Engine
  readonly #collection: OpenCollection
  readonly #view: View
  readonly kept: CodesInTruth | undefined
  /** The last one that was read: others of it are likely to follow. */
  #last: { block: number, rows: Uint8Array } | undefined

  /** What they are like is read, too, unless it is `kept` elsewhere. @throws {VectorLevelError} VECTOR_CORRUPTION */
  constructor(engine: Engine, collection: OpenCollection, view: View, kept = readKeptCodes(engine, collection, view)) {
    this.#engine = engine
    this.#collection = collection
    this.#view = view
    this.kept = kept
  }

  /** The vector that the code of an ordinal stands for. Shapes: f32[dim]. @throws {VectorLevelError} VECTOR_CORRUPTION */
  decode(ordinal: number): Float32Array {
    const { options, graph: { codes: { rowBytes } } } = this.#collection
    const rows = this.rowsOf(this.#blockOf(ordinal))
    const at = (ordinal % this.#rowsPerBlock) * rowBytes
    return codecs[options.codec].decode(rows.subarray(at, at + rowBytes), this.kept!.codebook, options)
  }

  /** Whether an ordinal may have a code: its block is there and sound. */
  has(ordinal: number): boolean {
    return unlessDamaged(() => this.rowsOf(this.#blockOf(ordinal))) !== undefined
  }

  /** The numbers of all blocks. */
  *blocks(): Generator<number> {
    for (const [i, bits] of this.kept?.stored.entries() ?? []) {
      for (let bit = 0; bit < 8; bit++) if (bits & (1 << bit)) yield i * 8 + bit
    }
  }

  /** @throws {VectorLevelError} VECTOR_CORRUPTION when the block is missing, damaged, or an older one */
  rowsOf(block: number): Uint8Array {
    if (this.#last?.block === block) return this.#last.rows
    const { id: collection, name } = this.#collection
    if (!this.kept) throw new VectorLevelError('VECTOR_CORRUPTION', `collection '${name}' has no codes`)
    const { writing, rows } = readCodeBlock(this.#engine, this.#collection, { collection, version: this.kept.version, block }, this.#view)
    const known = this.kept.writings[block] ?? 0
    if (!isLast(writing, known)) throw new VectorLevelError('VECTOR_CORRUPTION', `only an older block ${block} of the codes of collection '${name}' is left (writing ${writing}, not ${known})`)
    this.#last = { block, rows }
    return rows
  }

  get #rowsPerBlock(): number {
    return this.#collection.graph.codes.rowsPerBlock
  }

  #blockOf(ordinal: number): number {
    return Math.floor(ordinal / this.#rowsPerBlock)
  }
}
