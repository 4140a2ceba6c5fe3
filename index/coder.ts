import { type Codec, type CodecChoice, type CodecShape, codecs, type KMeans, type KMeansNeeds } from '../codecs/codec.js'
import type { Arena } from '../storage/arena.js'
import type { Exclusion } from './exclusion.js'
import { kernelKMeans, NO_K_MEANS } from './k-means.js'
import type { Kernel } from './kernel.js'

export type CodedShape = CodecShape & CodecChoice

/** How the codes of a graph are made: by a codec, for vectors of a shape; with room in the kernel's memory for two of its codebooks. */
export class Coder {
  readonly shape: CodedShape
  readonly codec: Codec
  readonly kMeans: KMeans
  readonly rowBytes: number
  readonly tableBytes: number
  readonly tables: readonly [number, number]
  readonly #arena: Arena

  constructor(arena: Arena, shape: CodedShape, kMeans: KMeans) {
    this.#arena = arena
    this.shape = shape
    this.codec = codecs[shape.codec]
    this.kMeans = kMeans
    this.rowBytes = this.codec.rowBytes(shape)
    this.tableBytes = this.codec.tableBytes(shape)
    this.tables = [arena.allocate(this.tableBytes, 'codebooks'), arena.allocate(this.tableBytes, 'codebooks')]
  }

  release(): void {
    for (const ptr of this.tables) this.#arena.release(ptr, this.tableBytes, 'codebooks')
  }
}

/** Makes coders, which train in the same memory: the latest has enough of it, and it stays taken. */
export class Coders {
  readonly #arena: Arena
  readonly #kernel: Kernel
  readonly #threads: Exclusion
  #had: { needs: KMeansNeeds, kMeans: ReturnType<typeof kernelKMeans> } | undefined

  constructor(arena: Arena, kernel: Kernel, threads: Exclusion) {
    this.#arena = arena
    this.#kernel = kernel
    this.#threads = threads
  }

  make(shape: CodedShape): Coder {
    const needs = codecs[shape.codec].kMeansNeeds?.(shape)
    if (!needs) return new Coder(this.#arena, shape, NO_K_MEANS)
    this.#kMeansFor(needs)
    return new Coder(this.#arena, shape, (...clusters) => this.#kMeansFor(needs)(...clusters))
  }

  #kMeansFor(needs: KMeansNeeds): KMeans {
    if (this.#had && fits(needs, this.#had.needs)) return this.#had.kMeans
    this.#had?.kMeans.release()
    this.#had = undefined
    const kMeans = kernelKMeans(this.#arena, this.#kernel, this.#threads, needs)
    this.#had = { needs, kMeans }
    return kMeans
  }
}

function fits(needs: KMeansNeeds, room: KMeansNeeds): boolean {
  const lengths = ({ count, dim, k }: KMeansNeeds): number[] => [count, count * dim, k * dim, k * (dim + 1)]
  const had = lengths(room)
  return lengths(needs).every((length, i) => length <= had[i]!)
}
