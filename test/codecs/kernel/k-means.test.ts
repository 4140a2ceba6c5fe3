import { setImmediate as nextTurn } from 'node:timers/promises'
import * as assert from 'uvu/assert'
import fc from 'fast-check'
import { Random } from '../../../floor/random.js'
import { ALONE } from '../../../index/exclusion.js'
import { kernelKMeans } from '../../../index/k-means.js'
import { atOnce, byAndBy } from '../../../floor/slices.js'
import { Arena } from '../../../storage/arena.js'
import { BUILDS, bareKernel, COMPILED, kernelSuite } from '../../index/kernel-suite.js'
import { check } from '../../seed.js'

/** k-means by one kernel. */
function trainer(build: (typeof BUILDS)[number]): (points: Float32Array, dim: number, k: number, seed: number) => Float32Array {
  const arena = new Arena(8 * 2 ** 20)
  const kMeans = kernelKMeans(arena, bareKernel(build, arena), ALONE, { count: 640, dim: 9, k: 32 })
  return (points, dim, k, seed) => atOnce(kMeans(1, k, () => ({ points, dim, seed })))[0]!
}

/** Centers as they come, component by component. */
function centersOf(values: Float32Array, dim: number, k: number): number[][] {
  return Array.from({ length: k }, (_, i) => Array.from({ length: dim }, (_, j) => values[(Math.floor(i / 16) * dim + j) * 16 + i % 16]))
}

/** The squared distance of the points to their nearest centers, on average. */
function errorOf(points: Float32Array, dim: number, centers: number[][]): number {
  let sum = 0
  for (let i = 0; i < points.length; i += dim) sum += Math.min(...centers.map(center => center.reduce((error, value, j) => error + (value - points[i + j]) ** 2, 0)))
  return sum / (points.length / dim)
}

kernelSuite('kernel k-means', BUILDS, (test, build) => {
  const kMeans = trainer(build)

  test('finds clusters that are far from each other, each by a center of its own', () => {
    for (const [dim, seed] of [[1, 1], [3, 2], [8, 3]]) {
      const random = new Random(seed)
      const points = Float32Array.from({ length: 640 * dim }, (_, i) => 100 * (Math.floor(i / dim) % 16) + random.normal())
      const centers = centersOf(kMeans(points, dim, 16, 7), dim, 16)
      assert.ok(errorOf(points, dim, centers) < 2 * dim, `${errorOf(points, dim, centers)}`)
    }
  })

  test('several threads find the centers that one finds, also where a thread ends in the middle', async () => {
    const random = new Random(5)
    const clusters = Array.from({ length: 7 }, (_, i) => ({ points: Float32Array.from({ length: 200 * (1 + i % 3) }, () => random.normal()), dim: 1 + i % 3, seed: i }))
    const most = { count: 200, dim: 3, k: 16 }
    const alone = new Arena(8 * 2 ** 20)
    const centers = atOnce(kernelKMeans(alone, bareKernel(build, alone), ALONE, most)(clusters.length, 16, i => clusters[i]!))
    for (const lost of [0, 5, 9]) {
      const arena = new Arena(8 * 2 ** 20)
      const kernel = bareKernel(build, arena)
      let calls = 0
      const threads = {
        ...ALONE, workers: 3,
        call: async (_fn: string, _graph: number, clustering: number) => {
          await nextTurn()
          kernel.cluster(0, 0, clustering)
          if (++calls === lost) throw new Error('lost')
        }
      }
      assert.equal(await byAndBy(kernelKMeans(arena, kernel, threads, most)(clusters.length, 16, i => clusters[i]!), 1), centers)
    }
  })

  test('where a cluster cannot be done, the others are waited for, and the memory can be used again', async () => {
    const arena = new Arena(8 * 2 ** 20)
    const kernel = bareKernel(build, arena)
    const cluster = { points: Float32Array.from({ length: 100 }, (_, i) => i), dim: 1, seed: 1 }
    const most = { count: 100, dim: 1, k: 16 }
    let failing = true
    let underWay = 0
    const kMeansOf = kernelKMeans(arena, kernel, {
      ...ALONE, workers: 2,
      call: async (_fn: string, _graph: number, clustering: number) => {
        underWay++
        await nextTurn()
        underWay--
        if (failing) throw new Error('no thread can begin')
        kernel.cluster(0, 0, clustering)
      }
    }, most)
    let failure: unknown
    await byAndBy(kMeansOf(5, 16, () => cluster), 1).catch((error: unknown) => { failure = error })
    assert.is((failure as Error).message, 'no thread can begin')
    assert.is(underWay, 0)
    failing = false
    assert.is((await byAndBy(kMeansOf(5, 16, () => cluster), 1)).length, 5)
  })

  test('as many points as centers, or fewer, are all centers', () => {
    const points = Float32Array.from({ length: 10 }, (_, i) => i * i)
    assert.ok(errorOf(points, 1, centersOf(kMeans(points, 1, 16, 3), 1, 16)) < 1e-9)
    assert.equal([...kMeans(new Float32Array(0), 2, 16, 3)], Array(32).fill(0))
    const same = new Float32Array(30).fill(5)
    assert.equal([...kMeans(same, 3, 16, 3)], Array(48).fill(5))
  })
})

kernelSuite('kernel k-means against the reference', COMPILED, (test, build) => {
  const [kMeans, reference] = [trainer(build), trainer('reference')]

  test('the centers are the same, to the bit', async () => {
    await check(fc.property(fc.integer(), fc.integer({ min: 1, max: 9 }), fc.constantFrom(16, 32), fc.integer({ min: 1, max: 200 }), fc.boolean(), (seed, dim, k, count, isGrid) => {
      const random = new Random(seed)
      const points = Float32Array.from({ length: count * dim }, () => (isGrid ? random.below(3) : random.normal()))
      assert.equal(kMeans(points, dim, k, seed >>> 0), reference(points, dim, k, seed >>> 0))
    }), { numRuns: 10 })
  })
})
