import { type Codebook, type CodecName, codecs, type CodecShape, type Metric } from '../../codecs/codec.js'
import { vectorByteLength } from '../../codecs/f32.js'
import { atOnce } from '../../floor/slices.js'
import { Random } from '../../floor/random.js'
import { Graph, type GraphOptions, type GraphState, type GraphStorage, isFindable, KINDS as SPACES } from '../../index/graph.js'
import { type Kernel, type KernelBuild, type KernelCallbacks, loadKernel } from '../../index/kernel.js'
import { Scratch } from '../../index/scratch.js'
import { Threads } from '../../index/threads/threads.js'
import { Arena } from '../../storage/arena.js'
import { BlockCache } from '../../storage/block-cache.js'
import { KIND_BASE, KIND_CODES, KIND_RECODES, KIND_STATES, KIND_UPPER, placeOf } from '../../storage/block-format.js'
import { Checksum } from '../../storage/checksum.js'
import { PAGE_SLACK, type Space } from '../../storage/space.js'
import { distanceOf, kMeans } from './kernel-suite.js'

const MIB = 2 ** 20
const COLLECTION = 1
const STORE = 0x0123456789abcdefn
const KIND_NUMBERS = { codes: KIND_CODES, base: KIND_BASE, upper: KIND_UPPER, states: KIND_STATES, recodes: KIND_RECODES }

export interface MemoryIndexOptions extends Partial<GraphOptions> {
  dimensions: number
  build?: KernelBuild
  cacheBytes?: number
  /** Threads beside this one; without them there are not even the means for any. */
  workers?: number
}

/** One graph over an arena, whose blocks and records are stored in maps. */
export class MemoryIndex {
  readonly arena: Arena
  readonly cache: BlockCache
  readonly kernel: Kernel
  readonly checksum: Checksum
  readonly scratch: Scratch
  readonly graph: Graph
  readonly threads: Threads | undefined
  readonly options: GraphOptions
  readonly vectors = new Map<number, Float32Array>()
  readonly blocks = new Map<number, Uint8Array>()
  /** Records that were read again. */
  recordReads = 0

  constructor({ build = 'simd', cacheBytes = 64 * MIB, workers, ...options }: MemoryIndexOptions) {
    this.options = { store: 'full', ...withCodeBytes(options), M: 8, efConstruction: 40, seed: 1, ...options }
    this.arena = new Arena(cacheBytes)
    this.cache = new BlockCache(this.arena, (workers ?? 0) + 1)
    const serve: KernelCallbacks = {
      fault: (space, block) => this.cache.fault(space >>> 0, block >>> 0),
      loadRecords: (_space, ordinals, count) => this.graph.records.loadAll(ordinals >>> 0, count >>> 0)
    }
    this.kernel = loadKernel(build, this.arena.memory, serve)
    this.checksum = new Checksum(this.kernel, this.arena)
    const storage: GraphStorage = {
      load: (kind, block, frame, frameBytes) => this.#load(placeOf(COLLECTION, KIND_NUMBERS[kind], block), frame, frameBytes - PAGE_SLACK),
      records: {
        read: (ordinal, to) => {
          this.recordReads++
          const vector = this.vectors.get(ordinal)!
          this.arena.u32.set(new Uint32Array(vector.buffer, vector.byteOffset, vector.length), to / 4)
          return labelOf(ordinal)
        }
      }
    }
    this.scratch = new Scratch(this.arena)
    const others: Scratch[] = []
    this.threads = workers === undefined ? undefined : new Threads({
      arena: this.arena, build, workers, serve,
      scratches: count => {
        for (let i = 0; i < count; i++) others.push(new Scratch(this.arena))
        return others.map(({ ptr }) => ptr)
      }
    })
    this.cache.park = work => this.threads ? this.threads.park(work) : work()
    this.graph = new Graph(this.arena, this.cache, this.kernel, [this.scratch, ...others], storage, this.options, this.threads)
  }

  /** Stores and shows a vector under the lowest ordinal that can be had; it is not linked yet. */
  add(vector: Float32Array): number {
    this.graph.settleFree()
    const ordinal = this.graph.ordinalFor(0)
    this.vectors.set(ordinal, vector)
    this.graph.store(ordinal, vector, labelOf(ordinal))
    this.graph.note(ordinal)
    this.graph.show(ordinal)
    return ordinal
  }

  /** Stores and links vectors. */
  fill(vectors: Float32Array[]): this {
    for (const vector of vectors) this.add(vector)
    this.link()
    return this
  }

  /** Links what is to be linked, and removes what is to be removed. */
  link(): void {
    while (this.graph.step('tasks'));
  }

  /** The same, until there are no ghosts. */
  settle(): void {
    while (this.graph.step('rest'));
  }

  /** Begins with codes at once, without the many vectors that training waits for. */
  useCodebook(codebook: Codebook | undefined): this {
    this.graph.restore({ ...this.graph.state(), codebook })
    return this
  }

  /** Distances of a search in the graph whose beam may hold all of it, where Graph.search would look at everything instead. */
  widestSearch(vector: Float32Array, k: number): number[] {
    const { kernel, scratch, graph } = this
    // Leaves the prepared vector in the scratch.
    graph.exact(vector, 1)
    scratch.ensure({ vectorBytes: vectorByteLength(vector.length), rowBytes: graph.rowBytes.codes, queryBytes: codecs[this.options.codec].queryBytes(this.options), M: this.options.M, ef: graph.ordinals, ids: graph.ordinals + graph.slots })
    kernel.loadQuery(graph.ptr, scratch.ptr)
    const found = kernel.search(graph.ptr, scratch.ptr, graph.ordinals, k, 0, 0)
    return Array.from({ length: found }, (_, i) => distanceOf(this.arena.u32[scratch.result / 4 + 2 * i + 1]))
  }

  /** Distances of the `k` nearest live vectors, measured one by one in f64. */
  bruteForce(vector: Float32Array, k: number): number[] {
    const distances: number[] = []
    for (const [ordinal, other] of this.vectors) if (isFindable(this.graph.stateOf(ordinal))) distances.push(distanceBetween(this.options.metric, vector, other))
    return distances.sort((a, b) => a - b).slice(0, k)
  }

  /** Writes changed blocks out, as a checkpoint does; returns what it keeps of the graph besides. */
  checkpoint(): GraphState {
    this.graph.noteCheckpoint()
    for (const { space, block, frame } of this.cache.dirtyBlocks()) {
      const kind = SPACES.find(name => this.graph[name] === space)!
      const place = placeOf(COLLECTION, KIND_NUMBERS[kind], block)
      const byteLength = space.frameBytes - PAGE_SLACK
      space.markStored(block)
      space.markWriting(block)
      this.kernel.sealBlock(frame, byteLength, place, STORE)
      this.blocks.set(place, this.arena.bytes.slice(frame, frame + byteLength))
    }
    this.cache.endWriting(true)
    return structuredClone(this.graph.state())
  }

  /** Lets ordinals be used again that the last checkpoint knows to be free. */
  trim(): void {
    this.graph.noteTrim()
  }

  /** Another one over the same blocks and records, that goes on from a checkpoint. */
  reopen(state: GraphState, changes: Partial<MemoryIndexOptions> = {}): MemoryIndex {
    return this.goOn(new MemoryIndex({ ...this.options, ...changes }), state)
  }

  /** Gives another one, still empty, the same blocks and records, and has it go on from a checkpoint. */
  protected goOn<Index extends MemoryIndex>(index: Index, state: GraphState): Index {
    for (const [place, block] of this.blocks) index.blocks.set(place, block)
    for (const [ordinal, vector] of this.vectors) index.vectors.set(ordinal, vector)
    index.graph.restore(state)
    index.graph.findFree()
    return index
  }

  /** The bytes of all rows, and the state of the graph, as one hash. */
  hash(): string {
    const { graph } = this
    let hash = 0n
    const add = (space: Space, count: number): void => {
      for (let row = 0; row < count; row++) {
        const at = this.kernel.rowAddress(space.ptr, row) >>> 0
        hash = this.checksum.hash(hash, this.arena.bytes.subarray(at, at + space.rowBytes))
      }
    }
    add(graph.states, graph.ordinals)
    if (graph.trained) add(graph[graph.codeKind], graph.ordinals)
    add(graph.base, graph.ordinals)
    add(graph.upper, graph.slots)
    const { codebook, codes: { drift, recoding }, ordinals, tasks, ghosts, slots, entry, levels, live } = graph.state()
    const numbers = [ordinals, ...tasks, ...ghosts.ordinals, ...ghosts.since, ...ghosts.slots, slots, entry, levels, live, ...(codebook?.values ?? [])]
    if (drift) numbers.push(drift.error, drift.usual, drift.count, drift.next, drift.refused, ...drift.mean, ...drift.latest)
    if (recoding) numbers.push(...(recoding.codebook?.values ?? []), recoding.started ? 1 : 0, recoding.cursor, ...recoding.ghosts)
    hash = this.checksum.hash(hash, new Uint8Array(Float64Array.from(numbers).buffer))
    return hash.toString(16).padStart(16, '0')
  }

  #load(place: number, frame: number, byteLength: number): void {
    this.arena.bytes.set(this.blocks.get(place)!, frame)
    if (!this.kernel.isSealed(frame, byteLength, place, STORE)) throw new Error(`block ${place} is not what was written`)
  }
}

/** The distance that a metric means, in f64. */
export function distanceBetween(metric: Metric, a: Float32Array, b: Float32Array): number {
  let squares = 0
  let product = 0
  for (let i = 0; i < a.length; i++) {
    squares += (a[i] - b[i]) ** 2
    product += a[i] * b[i]
  }
  if (metric === 'cosine') return 1 - product / (Math.hypot(...a) * Math.hypot(...b))
  return metric === 'l2' ? squares : -product
}

function labelOf(ordinal: number): { key: Buffer, metadata: Uint8Array } {
  return { key: Buffer.from(`key ${ordinal}`), metadata: new Uint8Array(0) }
}

/** A codebook of the codec for data like `vectors`. */
export function trained(options: MemoryIndexOptions, vectors: Float32Array[]): Codebook | undefined {
  const shape = withCodeBytes(options)
  return atOnce(codecs[shape.codec].train(shape.metric === 'cosine' ? vectors.map(unitVector) : vectors, shape, kMeans))
}

/** What a codec is told, and how many bytes a code has unless the test says. */
function withCodeBytes({ dimensions, metric = 'l2', codec = 'f32', codeBytes }: Partial<MemoryIndexOptions> & { dimensions: number }): CodecShape & { codec: CodecName } {
  const bytes = codeBytes ?? codecs[codec].codeBytes?.usual(dimensions)
  return { dimensions, metric, codec, ...(bytes !== undefined && { codeBytes: bytes }) }
}

export function unitVector(vector: Float32Array): Float32Array {
  const length = Math.hypot(...vector)
  return vector.map(value => value / length)
}

export function gaussian(random: Random, dimensions: number): Float32Array {
  return Float32Array.from({ length: dimensions }, () => random.normal())
}

/** Vectors around `centers` points. */
export function clustered(random: Random, count: number, dimensions: number, centers: number, spread = 0.3): Float32Array[] {
  const middles = Array.from({ length: centers }, () => gaussian(random, dimensions))
  return Array.from({ length: count }, () => middles[random.below(centers)].map(value => value + spread * random.normal()))
}
