import * as assert from 'uvu/assert'
import fc from 'fast-check'
import type { Codebook, CodecShape, Metric } from '../../../codecs/codec.js'
import { codecs } from '../../../codecs/codec.js'
import { CODEBOOK_KEY_UNIT } from '../../../codecs/kernel/layout.js'
import { Random } from '../../../floor/random.js'
import { Arena } from '../../../storage/arena.js'
import type { Kernel } from '../../../index/kernel.js'
import { BUILDS, bareKernel, COMPILED, kernelSuite } from '../../index/kernel-suite.js'
import { check } from '../../seed.js'

type PqName = 'pq' | 'pq8'
const NAMES: PqName[] = ['pq', 'pq8']
const MOST = 37
const SHAPES: [dimensions: number, codeBytes: number][] = [
  ...Array.from({ length: 40 }, (_, i): [number, number] => [i + 1, Math.max(1, (i + 1) >> 2)]), [67, 33], [97, 16], [128, 16], [257, 20], [509, 100], [768, 96]
]

/** A codebook of the form that training makes, of random centroids. */
function bookOf(name: PqName, { dimensions, codeBytes }: CodecShape, random: Random): Codebook {
  const k = name === 'pq' ? 16 : 256
  const parts = Math.min(dimensions, name === 'pq' ? 2 * codeBytes! : codeBytes!)
  const order = Array.from({ length: dimensions }, (_, i) => i)
  for (let i = dimensions - 1; i > 0; i--) {
    const other = random.below(i + 1)
    ;[order[i], order[other]] = [order[other], order[i]]
  }
  return { values: Float32Array.from([parts, ...order, ...Array.from({ length: dimensions * k }, () => random.normal())]) }
}

/** A codebook in the memory of a kernel, rows of codes that stand anywhere, and room for a query. */
class Bench {
  readonly arena = new Arena(96 * 2 ** 20)
  readonly #at: number
  readonly query: number
  readonly vector: number
  readonly addresses: number
  readonly keys: number
  readonly scale: number
  readonly distances: number
  readonly rows: number[]

  constructor() {
    this.#at = this.arena.allocate(64 * 2 ** 20)
    this.query = this.arena.allocate(2 ** 20)
    this.vector = this.arena.allocate(65536)
    this.addresses = this.arena.allocate(1024)
    this.keys = this.arena.allocate(1024)
    this.scale = this.arena.allocate(64)
    this.distances = this.arena.allocate(65536)
    const rows = this.arena.allocate(2 ** 20)
    this.rows = Array.from({ length: MOST }, (_, i) => rows + 24 + i * 1025)
    this.arena.u32.set([...this.rows, this.rows[0], this.rows[0], this.rows[0]], this.addresses / 4)
  }

  get book(): number {
    return this.#at
  }

  /** Fills all memory but the addresses with noise, and lays a codebook and a vector out. */
  fill(kernel: Kernel, name: PqName, shape: CodecShape, codebook: Codebook, random: Random): void {
    const { arena } = this
    for (const [at, bytes] of [[this.query, 2 ** 20], [this.keys, 1024], [this.distances, 65536], [this.rows[0] - 24, MOST * 1025 + 24]]) {
      for (let i = 0; i < bytes; i += 4) arena.u32[(at + i) >> 2] = random.nextU32()
    }
    arena.bytes.fill(0, this.#at, this.#at + codecs[name].tableBytes(shape))
    codecs[name].place(codebook, shape, arena.bytes.subarray(this.#at, this.#at + codecs[name].tableBytes(shape)))
    kernel.completePq(this.#at, shape.metric === 'dot', this.distances)
    arena.f32.set(vectorOf(shape.dimensions, random), this.vector / 4)
  }

  keysOf(count: number): number[] {
    return [...this.arena.u32.subarray(this.keys / 4, this.keys / 4 + count)]
  }
}

function vectorOf(dimensions: number, random: Random): Float32Array {
  return Float32Array.from({ length: dimensions }, () => random.normal())
}

function distance(a: Float32Array, b: Float32Array, metric: Metric): number {
  let sum = 0
  for (let i = 0; i < a.length; i++) sum += metric === 'dot' ? -a[i] * b[i] : (a[i] - b[i]) ** 2
  return sum
}

kernelSuite('kernel pq', BUILDS, (test, build) => {
  const bench = new Bench()
  const { arena, rows } = bench
  const kernel = bareKernel(build, arena)
  const score = (name: PqName, parts: number, count: number): void => kernel[name === 'pq' ? 'scorePq4' : 'scorePq8'](bench.query, parts, bench.addresses, count, bench.keys)

  for (const name of NAMES) {
    test(`${name}: a key stands for the distance to what the row stands for, within half a unit a part, for vectors and for rows`, async () => {
      await check(fc.property(fc.integer(), fc.constantFrom<Metric[]>('l2', 'dot'), fc.integer({ min: 1, max: MOST }), (seed, metric, count) => {
        const random = new Random(seed)
        for (const [dimensions, codeBytes] of build === 'reference' ? SHAPES.slice(0, 12) : SHAPES) {
          const shape = { dimensions, codeBytes, metric }
          const codebook = bookOf(name, shape, random)
          const parts = codebook.values[0]
          bench.fill(kernel, name, shape, codebook, random)
          const decoded = (row: number): Float32Array => codecs[name].decode(arena.bytes.slice(row, row + codecs[name].rowBytes(shape)), codebook, shape)
          for (const row of rows.slice(0, count)) {
            arena.f32.set(vectorOf(dimensions, random), bench.vector / 4)
            kernel.encodePq(bench.book, bench.vector, row, bench.distances)
          }
          const query = arena.f32.slice(bench.vector / 4, bench.vector / 4 + dimensions)
          kernel.loadPq(bench.book, bench.vector, metric === 'dot', bench.query, bench.scale)
          const [base, unit] = arena.f32.slice(bench.scale / 4, bench.scale / 4 + 2)
          score(name, parts, count)
          for (const [i, key] of bench.keysOf(count).entries()) {
            const expected = distance(query, decoded(rows[i]), metric)
            assert.ok(Math.abs(base + key * unit - expected) <= 0.51 * unit * parts + 1e-4 * dimensions, `${dimensions} dimensions: ${base + key * unit}, not ${expected}`)
          }
          kernel.loadPqRow(bench.book, rows[0], bench.query)
          score(name, parts, count)
          const own = new DataView(arena.bytes.buffer).getFloat32(bench.book + CODEBOOK_KEY_UNIT, true)
          const bases = bench.keysOf(count).map((key, i) => distance(decoded(rows[0]), decoded(rows[i]), metric) - key * own)
          // Whichever rows are compared, a key is as much above its distance.
          for (const other of bases) assert.ok(Math.abs(other - bases[0]) <= 1.02 * own * parts + 1e-4 * dimensions, `${dimensions} dimensions: ${bases}`)
          if (metric === 'l2') assert.is(bench.keysOf(1)[0], 0, 'a row is no distance from itself')
        }
      }), { numRuns: 2 })
    })

    test(`${name}: a row is the nearest centroid of each part, and nothing around it is written`, async () => {
      await check(fc.property(fc.integer(), seed => {
        const random = new Random(seed)
        for (const [dimensions, codeBytes] of SHAPES.slice(0, 30)) {
          const shape: CodecShape = { dimensions, codeBytes, metric: 'l2' }
          const codebook = bookOf(name, shape, random)
          bench.fill(kernel, name, shape, codebook, random)
          const vector = arena.f32.slice(bench.vector / 4, bench.vector / 4 + dimensions)
          const bytes = codecs[name].rowBytes(shape)
          const before = arena.bytes.slice(rows[0] - 24, rows[0] + 1000)
          kernel.encodePq(bench.book, bench.vector, rows[0], bench.distances)
          const row = arena.bytes.slice(rows[0], rows[0] + bytes)
          const after = arena.bytes.slice(rows[0] - 24, rows[0] + 1000)
          before.set(row, 24)
          assert.equal(after, before)
          const found = distance(vector, codecs[name].decode(row, codebook, shape), 'l2')
          for (let tries = 0; tries < 50; tries++) {
            const other = row.slice()
            const at = random.below(bytes)
            other[at] = name === 'pq' && at === bytes - 1 && codebook.values[0] % 2 ? random.below(16) : random.below(256)
            assert.ok(found <= distance(vector, codecs[name].decode(other, codebook, shape), 'l2') + 1e-4 * dimensions)
          }
        }
      }), { numRuns: 3 })
    })

    test(`${name}: the largest sums do not overflow`, () => {
      // The reference has no sums that overflow, and takes long.
      const dimensions = build === 'reference' ? 20 : 2000
      const shape: CodecShape = { dimensions, codeBytes: name === 'pq' ? dimensions / 2 : Math.floor(dimensions * 0.35), metric: 'l2' }
      const random = new Random(1)
      const book = bookOf(name, shape, random)
      // All far from the vector but the first of each part.
      const k = name === 'pq' ? 16 : 256
      for (let i = 0; i < dimensions * k; i++) book.values[1 + dimensions + i] = i % 16 ? 1000 : 0
      const parts = book.values[0]
      bench.fill(kernel, name, shape, book, random)
      arena.bytes.fill(0xff, rows[0], rows[0] + 1025)
      arena.bytes.fill(0, rows[1], rows[1] + 1000)
      arena.f32.fill(0, bench.vector / 4, bench.vector / 4 + dimensions)
      kernel.loadPq(bench.book, bench.vector, false, bench.query, bench.scale)
      const [base, unit] = arena.f32.slice(bench.scale / 4, bench.scale / 4 + 2)
      score(name, parts, 2)
      const [far, near] = bench.keysOf(2)
      assert.ok(Math.abs(base + near * unit) < 1)
      assert.ok(Math.abs(base + far * unit - dimensions * 1e6) < dimensions * 1e6 * 0.02, `${base + far * unit}`)
    })
  }
})

kernelSuite('kernel pq against the reference', COMPILED, (test, build) => {
  const bench = new Bench()
  const { arena, rows } = bench
  const kernel = bareKernel(build, arena)
  const reference = bareKernel('reference', arena)

  test('rows, tables, bases, units and keys are the same', async () => {
    await check(fc.property(fc.integer(), fc.constantFrom(...NAMES), fc.boolean(), fc.integer({ min: 1, max: MOST }), (seed, name, isDot, count) => {
      const random = new Random(seed)
      for (const [dimensions, codeBytes] of SHAPES.filter((_, i) => i % 3 === 0)) {
        const shape: CodecShape = { dimensions, codeBytes, metric: isDot ? 'dot' : 'l2' }
        const codebook = bookOf(name, shape, random)
        const bytes = codecs[name].rowBytes(shape)
        bench.fill(kernel, name, shape, codebook, random)
        for (const row of rows.slice(0, count)) {
          arena.f32.set(vectorOf(dimensions, random), bench.vector / 4)
          reference.encodePq(bench.book, bench.vector, row, bench.distances)
          const expected = arena.bytes.slice(row, row + bytes)
          kernel.encodePq(bench.book, bench.vector, row, bench.distances)
          assert.equal(arena.bytes.slice(row, row + bytes), expected)
        }
        const seen = (one: typeof kernel): unknown => {
          const keys: number[][] = []
          for (const load of [() => one.loadPq(bench.book, bench.vector, isDot, bench.query, bench.scale), () => one.loadPqRow(bench.book, rows[0], bench.query)]) {
            load()
            one[name === 'pq' ? 'scorePq4' : 'scorePq8'](bench.query, codebook.values[0], bench.addresses, count, bench.keys)
            keys.push(bench.keysOf(count))
          }
          return [...keys, ...arena.f32.slice(bench.scale / 4, bench.scale / 4 + 2)]
        }
        const complete = (one: typeof kernel): Uint8Array => {
          one.completePq(bench.book, isDot, bench.distances)
          return arena.bytes.slice(bench.book, bench.book + codecs[name].tableBytes(shape))
        }
        if (dimensions < 100) assert.equal(complete(kernel), complete(reference), `${name}, ${dimensions} dimensions`)
        assert.equal(seen(kernel), seen(reference), `${name}, ${dimensions} dimensions`)
      }
    }), { numRuns: 4 })
  })
})
