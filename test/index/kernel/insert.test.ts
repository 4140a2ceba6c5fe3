import * as assert from 'uvu/assert'
import fc from 'fast-check'
import { check } from '../../seed.js'
import { BUILDS, COMPILED, kernelSuite } from '../kernel-suite.js'
import { MemoryIndex } from '../memory-index.js'

kernelSuite('kernel insert', BUILDS, (test, build) => {
  test('a share of 1 / M of the ordinals reaches each further level', () => {
    for (const M of [2, 4, 16]) {
      const { kernel, graph } = new MemoryIndex({ dimensions: 1, M, build })
      const counts: number[] = []
      const ordinals = 10_000
      for (let ordinal = 0; ordinal < ordinals; ordinal++) {
        const level = kernel.levelOf(graph.ptr, ordinal)
        for (let i = 0; i <= level; i++) counts[i] = (counts[i] ?? 0) + 1
      }
      for (let level = 1; level < 3; level++) {
        const expected = ordinals / M ** level
        assert.ok(Math.abs(counts[level] - expected) < 5 * Math.sqrt(expected) + 3, `M ${M}, level ${level}: ${counts[level]}, expected ${expected}`)
      }
    }
  })

  test('levels are those of the seed, in every build', () => {
    const { kernel, graph } = new MemoryIndex({ dimensions: 1, M: 2, seed: 12345, build })
    const levels = Array.from({ length: 32 }, (_, ordinal) => kernel.levelOf(graph.ptr, ordinal))
    assert.is(levels.join(''), '22320131102100010001212221732200')
  })
})

kernelSuite('kernel insert against the reference', COMPILED, (test, build) => {
  test('levels are the same for any seed, M and ordinal', async () => {
    await check(fc.property(fc.nat({ max: 0xffffffff }), fc.integer({ min: 2, max: 64 }), fc.array(fc.nat({ max: 2 ** 28 }), { maxLength: 30 }), (seed, M, ordinals) => {
      const levels = [build, 'reference' as const].map(one => {
        const { kernel, graph } = new MemoryIndex({ dimensions: 1, M, seed, build: one, cacheBytes: 2 ** 21 })
        return ordinals.map(ordinal => kernel.levelOf(graph.ptr, ordinal))
      })
      assert.equal(levels[0], levels[1])
    }), { numRuns: 50 })
  })
})
