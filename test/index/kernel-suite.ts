import { suite } from 'uvu'
import type { KMeans } from '../../codecs/codec.js'
import { ALONE } from '../../index/exclusion.js'
import { kernelKMeans } from '../../index/k-means.js'
import { hasRelaxedSimd, type Kernel, type KernelBuild, loadKernel } from '../../index/kernel.js'
import { Arena } from '../../storage/arena.js'

/** The compiled builds that run on this Node. */
export const COMPILED: KernelBuild[] = hasRelaxedSimd() ? ['simd', 'relaxed'] : ['simd']
export const BUILDS: KernelBuild[] = [...COMPILED, 'reference']

export type Tests = ReturnType<typeof suite>

/** Runs the same tests against each of the builds. */
export function kernelSuite(name: string, builds: KernelBuild[], define: (test: Tests, build: KernelBuild) => void): void {
  for (const build of builds) {
    const test = suite(`${name}, ${build}`)
    define(test, build)
    test.run()
  }
}

/** A kernel alone over an arena, for calls that touch no blocks. */
export function bareKernel(build: KernelBuild, arena: Arena): Kernel {
  const refuse = (): never => {
    throw new Error('nothing is loaded here')
  }
  return loadKernel(build, arena.memory, { fault: refuse, loadRecords: refuse })
}

/** k-means by a kernel of its own. */
export const kMeans: KMeans = function* (count, k, clusterAt) {
  const found: Float32Array[] = []
  for (let i = 0; i < count; i++) {
    const cluster = clusterAt(i)
    const arena = new Arena(2 ** 20 + 4 * cluster.points.byteLength + 32 * k * cluster.dim)
    const most = { count: cluster.points.length / cluster.dim, dim: cluster.dim, k }
    found.push(...yield* kernelKMeans(arena, bareKernel('simd', arena), ALONE, most)(1, k, () => cluster))
  }
  return found
}

/** All small dimensions, then primes and round ones. */
export const DIMENSIONS = [...Array.from({ length: 67 }, (_, i) => i + 1), 97, 127, 128, 257, 509, 768, 1021, 1499, 1600]

const bits = new Uint32Array(1)
const float = new Float32Array(bits.buffer)

/** The distance that a sortable key stands for. */
export function distanceOf(key: number): number {
  bits[0] = key & 0x80000000 ? key ^ 0x80000000 : ~key
  return float[0]
}
