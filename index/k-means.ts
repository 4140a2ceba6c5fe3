import type { Cluster, KMeans, KMeansNeeds } from '../codecs/codec.js'
import {
  CLUSTERING_AT, CLUSTERING_BYTES, CLUSTERING_CENTERS, CLUSTERING_CHOSEN, CLUSTERING_COUNT, CLUSTERING_DIM, CLUSTERING_DRAWN, CLUSTERING_K, CLUSTERING_LEFT,
  CLUSTERING_NEAREST, CLUSTERING_POINTS, CLUSTERING_SUMS
} from '../codecs/kernel/layout.js'
import type { Arena } from '../storage/arena.js'
import type { Exclusion } from './exclusion.js'
import type { Kernel } from './kernel.js'

/** Moves of the centers: more change them little. */
const MOVES = 8
/** The share of memory that clusterings of one graph may take, and how many there are at most; there is one in any case. */
const MEMORY_SHARE = 1 / 64
const MOST_CLUSTERINGS = 8
/** A thread that ends takes its clustering with it: it is begun anew so often. */
const ATTEMPTS = 3

/** Where centers are sought (codecs/kernel/layout.ts), one cluster after the other. */
class Clustering {
  readonly ptr: number
  readonly #arena: Arena

  constructor(arena: Arena, most: KMeansNeeds) {
    this.#arena = arena
    const parts = [CLUSTERING_BYTES, ...lengthsOf(most)]
    this.ptr = arena.allocate(bytesOf(most), 'codebooks')
    let at = this.ptr
    for (const [i, word] of [CLUSTERING_POINTS, CLUSTERING_CENTERS, CLUSTERING_NEAREST, CLUSTERING_SUMS].entries()) this.#set(word, at += parts[i]!)
  }

  begin({ points, dim, seed }: Cluster, k: number): void {
    this.#arena.f32.set(points, this.#get(CLUSTERING_POINTS) / 4)
    this.#set(CLUSTERING_COUNT, points.length / dim)
    this.#set(CLUSTERING_DIM, dim)
    this.#set(CLUSTERING_K, k)
    this.#set(CLUSTERING_CHOSEN, 0)
    this.#set(CLUSTERING_LEFT, MOVES)
    this.#set(CLUSTERING_AT, 0)
    this.#arena.u32.set([seed, 0], (this.ptr + CLUSTERING_DRAWN) / 4)
  }

  get isDone(): boolean {
    return this.#get(CLUSTERING_LEFT) === 0
  }

  get centers(): Float32Array {
    const at = this.#get(CLUSTERING_CENTERS) / 4
    return this.#arena.f32.slice(at, at + this.#get(CLUSTERING_K) * this.#get(CLUSTERING_DIM))
  }

  #get(word: number): number {
    return this.#arena.u32[(this.ptr + word) / 4]!
  }

  #set(word: number, value: number): void {
    this.#arena.u32[(this.ptr + word) / 4] = value
  }
}

/** Bytes of points, centers, distances and sums. */
function lengthsOf({ count, dim, k }: KMeansNeeds): number[] {
  return [count * dim * 4, k * dim * 4, count * 4, k * (dim + 1) * 8].map(bytes => Math.ceil(bytes / 64) * 64)
}

function bytesOf(most: KMeansNeeds): number {
  return lengthsOf(most).reduce((a, b) => a + b, CLUSTERING_BYTES)
}

/** What each of the clusterings takes that `kernelKMeans` has at once. */
export function clusteringBytes(arena: Arena, threads: Exclusion, most: KMeansNeeds): number[] {
  const bytes = bytesOf(most)
  const count = Math.max(1, Math.min(threads.workers, MOST_CLUSTERINGS, Math.floor(arena.bytes.length * MEMORY_SHARE / bytes)))
  return new Array<number>(count).fill(bytes)
}

/** k-means in the kernel (codecs/kernel/k-means.ts), by all threads, in memory that is taken at once, until it is released: training must not fail for want of it. */
export function kernelKMeans(arena: Arena, kernel: Kernel, threads: Exclusion, most: KMeansNeeds): KMeans & { release(): void } {
  const clusterings = clusteringBytes(arena, threads, most).map(() => new Clustering(arena, most))
  const kMeans: KMeans = function* (count, k, clusterAt) {
    const found: Float32Array[] = []
    const finish = (index: number, cluster: Cluster, clustering: Clustering): void => {
      found[index] = cluster.points.length ? clustering.centers : new Float32Array(k * cluster.dim)
    }
    let next = 0
    /** Has a thread do one cluster after the other. */
    const follow = async (clustering: Clustering): Promise<void> => {
      while (next < count) {
        const index = next++
        const cluster = clusterAt(index)
        for (let attempt = 1; ; attempt++) {
          clustering.begin(cluster, k)
          try {
            while (cluster.points.length && !clustering.isDone) await threads.call('cluster', 0, clustering.ptr)
            break
          } catch (error) {
            if (attempt === ATTEMPTS) throw error
          }
        }
        finish(index, cluster, clustering)
      }
    }
    if (threads.workers) {
      // All are waited for, whatever becomes of one: they share the memory with those that come later.
      let failure: { error: unknown } | undefined
      yield Promise.all(clusterings.map(clustering => follow(clustering).catch((error: unknown) => { failure ??= { error } }))).then(() => undefined)
      if (failure) throw failure.error
      return found
    }
    const [clustering] = clusterings as [Clustering]
    for (; next < count; next++) {
      const cluster = clusterAt(next)
      clustering.begin(cluster, k)
      while (cluster.points.length && !clustering.isDone) {
        kernel.cluster(0, 0, clustering.ptr)
        yield
      }
      finish(next, cluster, clustering)
    }
    return found
  }
  return Object.assign(kMeans, {
    release: () => {
      for (const { ptr } of clusterings) arena.release(ptr, bytesOf(most), 'codebooks')
    }
  })
}

/** Where nothing is trained. */
export const NO_K_MEANS: KMeans = () => {
  throw new Error('this codec needs no k-means')
}
