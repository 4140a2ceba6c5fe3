import * as assert from 'uvu/assert'
import fc from 'fast-check'
import { Random } from '../../../floor/random.js'
import { Arena } from '../../../storage/arena.js'
import { BUILDS, bareKernel, COMPILED, DIMENSIONS, distanceOf, kernelSuite } from '../../index/kernel-suite.js'
import { check } from '../../seed.js'

const MOST = 7
/** Half a unit in the last place of 1. */
const UNIT = 2 ** -24

/** A query and up to MOST rows, where blocks have them: 24 bytes behind a frame, one row after the other. */
function layOut(arena: Arena, random: Random, dim: number, scale: number): { query: number, rowBytes: number, addresses: number, keys: number, rows: number[] } {
  const rowBytes = Math.ceil(dim / 4) * 16
  const at = arena.allocate(65536 * 2)
  const query = at + 65536
  const addresses = query + 8192
  const keys = addresses + 64
  const rows: number[] = []
  const fill = (row: number): void => {
    arena.f32.fill(0, row / 4, (row + rowBytes) / 4)
    for (let i = 0; i < dim; i++) arena.f32[row / 4 + i] = scale * random.normal()
  }
  fill(query)
  for (let i = 0; i < MOST; i++) {
    rows.push(at + 24 + i * rowBytes)
    fill(rows[i])
    arena.u32[addresses / 4 + i] = rows[i]
  }
  for (let i = MOST; i < MOST + 3; i++) arena.u32[addresses / 4 + i] = rows[MOST - 1]
  return { query, rowBytes, addresses, keys, rows }
}

kernelSuite('kernel f32', BUILDS, (test, build) => {
  const arena = new Arena(2 ** 20)
  const kernel = bareKernel(build, arena)

  test('distances are within the bound of rounding of those in f64', async () => {
    await check(fc.property(fc.integer(), fc.constantFrom(1e-12, 1, 1e12), fc.constantFrom(0, 1), (seed, scale, bias) => {
      for (const dim of DIMENSIONS) {
        const { query, rowBytes, addresses, keys, rows } = layOut(arena, new Random(seed + dim), dim, scale)
        const component = (row: number, i: number): number => arena.f32[row / 4 + i]
        kernel.scoreL2(query, rowBytes, addresses, MOST, keys)
        const l2 = rows.map((_, i) => distanceOf(arena.u32[keys / 4 + i]))
        kernel.scoreDot(query, rowBytes, bias, addresses, MOST, keys)
        const dot = rows.map((_, i) => distanceOf(arena.u32[keys / 4 + i]))
        arena.release(query - 65536, 65536 * 2)
        for (const [number, row] of rows.entries()) {
          let squares = 0
          let product = 0
          let magnitude = 0
          for (let i = 0; i < dim; i++) {
            squares += (component(query, i) - component(row, i)) ** 2
            product += component(query, i) * component(row, i)
            magnitude += Math.abs(component(query, i) * component(row, i))
          }
          // Each lane sums dim / 4 terms, the lanes are summed in two steps, and a term is rounded up to three times.
          const steps = Math.ceil(dim / 4) + 5
          assert.ok(Math.abs(l2[number] - squares) <= steps * UNIT * squares * 1.01, `l2, ${dim} dimensions: ${l2[number]}, not ${squares}`)
          const bound = steps * UNIT * (magnitude + bias) * 1.01
          assert.ok(Math.abs(dot[number] - (bias - product)) <= bound, `dot, ${dim} dimensions: ${dot[number]}, not ${bias - product}`)
        }
      }
    }), { numRuns: 4 })
  })

  test('keys sort like distances, those below zero included', async () => {
    const rows = (value: number): number => {
      const row = arena.allocate(16)
      arena.f32.set([value, 0, 0, 0], row / 4)
      return row
    }
    const numbers = fc.float({ noNaN: true, noDefaultInfinity: true })
    await check(fc.property(numbers, numbers, (a, b) => {
      const query = rows(1)
      const pieces = [rows(a), rows(b)]
      const addresses = arena.allocate(64)
      const keys = arena.allocate(64)
      arena.u32.set([...pieces, pieces[1], pieces[1], pieces[1]], addresses / 4)
      kernel.scoreDot(query, 16, 0, addresses, 2, keys)
      const [first, second] = arena.u32.subarray(keys / 4)
      assert.is(Math.sign(first - second), Math.sign(b - a))
      for (const piece of [query, ...pieces]) arena.release(piece, 16)
      for (const piece of [addresses, keys]) arena.release(piece, 64)
    }))
  })
})

kernelSuite('kernel f32 against the reference', COMPILED, (test, build) => {
  const arena = new Arena(2 ** 20)
  const kernel = bareKernel(build, arena)
  const reference = bareKernel('reference', arena)

  test('keys are the same to the bit, for any count of rows', async () => {
    await check(fc.property(fc.integer(), fc.constantFrom(1e-20, 1, 1e12), fc.integer({ min: 1, max: MOST }), (seed, scale, count) => {
      for (const dim of DIMENSIONS) {
        const { query, rowBytes, addresses, keys } = layOut(arena, new Random(seed + dim), dim, scale)
        const read = (): Uint32Array => arena.u32.slice(keys / 4, keys / 4 + count)
        kernel.scoreL2(query, rowBytes, addresses, count, keys)
        const l2 = read()
        reference.scoreL2(query, rowBytes, addresses, count, keys)
        assert.equal(l2, read(), `l2, ${dim} dimensions`)
        kernel.scoreDot(query, rowBytes, 1, addresses, count, keys)
        const dot = read()
        reference.scoreDot(query, rowBytes, 1, addresses, count, keys)
        assert.equal(dot, read(), `dot, ${dim} dimensions`)
        arena.release(query - 65536, 65536 * 2)
      }
    }), { numRuns: 5 })
  })
})
