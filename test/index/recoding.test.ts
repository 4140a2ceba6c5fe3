import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { codecs, type Metric } from '../../codecs/codec.js'
import { atOnce } from '../../floor/slices.js'
import { Random } from '../../floor/random.js'
import { isFindable } from '../../index/graph.js'
import { findInGraph } from '../../index/graph-check.js'
import { hasRelaxedSimd, KERNEL_BUILDS } from '../../index/kernel.js'
import { localOrder } from '../../index/local-order.js'
import { Renumbered } from '../../index/renumber.js'
import { check } from '../seed.js'
import { gaussian, MemoryIndex, type MemoryIndexOptions } from './memory-index.js'

const test = suite('recoding')
const BUILDS = KERNEL_BUILDS.filter(build => build !== 'relaxed' || hasRelaxedSimd())
const COUNT = codecs.sq8.trainingCount
const METRICS: Metric[] = ['l2', 'cosine', 'dot']

/** Writes that follow each other, each vector taking the place of the oldest when there are `most`. */
class Life {
  index: MemoryIndex
  readonly live: number[] = []
  trainings = 0
  readonly #retrains: boolean

  constructor(options: MemoryIndexOptions, retrains = true) {
    this.index = new MemoryIndex({ codec: 'sq8', M: 6, efConstruction: 24, ...options })
    this.#retrains = retrains
  }

  get graph(): MemoryIndex['graph'] {
    return this.index.graph
  }

  put(vector: Float32Array, most = Infinity): void {
    this.live.push(this.index.add(vector))
    if (this.live.length > most) this.graph.remove(this.live.shift()!)
    if (!this.graph.wantsTraining || (this.graph.trained && !this.#retrains)) return
    const before = this.graph.state().codes.recoding?.codebook ?? this.graph.codebook
    atOnce(this.graph.train())
    if ((this.graph.state().codes.recoding?.codebook ?? this.graph.codebook) !== before) this.trainings++
  }

  /** Goes on from a checkpoint, behind which the records of what was removed are gone. */
  reopen(): void {
    this.index = this.index.reopen(this.index.checkpoint())
    for (const ordinal of this.index.vectors.keys()) if (!isFindable(this.graph.stateOf(ordinal))) this.index.vectors.delete(ordinal)
  }

  findings(): string[] {
    return [...findInGraph(this.graph)].filter(finding => finding !== undefined)
  }

  recall(query: () => Float32Array): number {
    let found = 0
    for (let i = 0; i < 100; i++) {
      const vector = query()
      const last = this.index.bruteForce(vector, 10)[9]
      found += this.graph.search(vector, 10, 80).found.filter(({ distance }) => distance <= last * 1.00001).length
    }
    return found / 1000
  }
}

/** Vectors like the first ones, or those that have drifted: also for cosine, whose vectors have all the same length. */
function vectorOf(random: Random, dimensions: number, drifted: boolean): Float32Array {
  return gaussian(random, dimensions).map((value, i) => drifted ? 3 * value + (i & 1 ? -40 : 40) : value / 10 + 1)
}

for (const build of BUILDS) {
  test(`${build}: the graph is a function of the order of operations, and of nothing else, while data drift`, async () => {
    const chances = fc.record({ seed: fc.nat(), metric: fc.constantFrom(...METRICS), pace: fc.constantFrom(0, 2, 30, 200) })
    await check(fc.property(chances, ({ seed, metric, pace }) => {
      const run = (pace: number, reopens: boolean): Life => {
        const random = new Random(seed)
        const timing = new Random(seed + 1)
        const life = new Life({ dimensions: 4, metric, build, M: 4, efConstruction: 10 })
        for (let i = 0; i < COUNT + 400; i++) {
          life.put(vectorOf(random, 4, i >= COUNT + 100), COUNT + 50)
          if (reopens && i > COUNT && timing.below(100) === 0) life.reopen()
          // Steps that follow each write, in hundredths.
          for (let left = timing.below(2 * pace + 1); left > timing.below(100) && life.graph.step(); left -= 100);
        }
        life.index.link()
        return life
      }
      const life = run(200, false)
      assert.is(life.trainings, 2)
      assert.is(life.graph.codeKind, 'recodes')
      assert.is(run(pace, true).index.hash(), life.index.hash())
      assert.is(run(0, false).index.hash(), life.index.hash())
    }), { numRuns: build === 'reference' ? 1 : 5 })
  })
}

for (const metric of METRICS) {
  test(`${metric}: nothing is wrong before, while and after codes are made again, nor when they are dropped for a new numbering`, () => {
    const random = new Random(5)
    const life = new Life({ dimensions: 5, metric })
    for (let i = 0; i < COUNT; i++) life.put(vectorOf(random, 5, false))
    life.index.link()
    const kinds = new Set<string>()
    let shares = 0
    for (let i = 0; i < 700; i++) {
      life.put(vectorOf(random, 5, true), COUNT)
      life.graph.step()
      life.graph.step()
      if (life.graph.recoded !== undefined) shares++
      kinds.add(life.graph.codeKind)
      if (i % 50 === 0) assert.equal(life.findings(), [], `${i} drifted, recoded ${life.graph.recoded}`)
      if (i % 90 === 0) life.reopen()
    }
    life.index.link()
    assert.is(life.trainings, 2)
    assert.ok(shares > COUNT / 32 / 2 && shares < 300, `${shares}`)
    assert.equal([...kinds], ['codes', 'recodes'])
    assert.equal(life.findings(), [])
    while (life.graph.step('rest'));
    life.index.checkpoint()
    const steps = localOrder(life.graph)
    let step = steps.next()
    while (!step.done) step = steps.next()
    const state = new Renumbered(life.index.arena, life.graph, step.value).state()
    assert.is(state.stored.codes.length, 0)
    assert.ok(state.codes.drift!.latest.every(ordinal => ordinal < state.ordinals || ordinal === 0xffffffff))
  })
}

test('what was removed before the training, and is still a stepping stone behind it, has a code', () => {
  const random = new Random(6)
  // Rows of many neighbors, so that the sweep takes longer than the codes.
  const life = new Life({ dimensions: 4, M: 64, efConstruction: 10 })
  for (let i = 0; i < COUNT; i++) life.put(vectorOf(random, 4, false))
  life.index.link()
  while (life.trainings < 2) {
    life.put(vectorOf(random, 4, true), COUNT)
    life.index.link()
  }
  const [before] = life.live
  while (life.graph.codeKind === 'codes') {
    life.put(vectorOf(random, 4, true))
    life.graph.step()
  }
  const ghosts = [...life.graph.state().ghosts.ordinals].filter(ordinal => ordinal < before)
  assert.ok(ghosts.length > 10, `${ghosts.length}`)
  for (const ordinal of ghosts) {
    const row = life.graph.rowAddress('recodes', ordinal)
    const code = life.index.arena.bytes.slice(row, row + life.graph.recodes.rowBytes)
    const decoded = codecs.sq8.decode(code, life.graph.codebook!, life.graph.options)
    const step = 1 / life.graph.codebook!.values[0]
    for (const [i, value] of life.index.vectors.get(ordinal)!.entries()) assert.ok(Math.abs(value - decoded[i]) < 0.6 * step, `${value}, decoded ${decoded[i]}, step ${step}`)
  }
})

test('after all data were replaced by others, recall is what it is when codes always fitted; without another codebook it is not', () => {
  const run = (retrains: boolean, shift: number): number => {
    const random = new Random(8)
    const life = new Life({ dimensions: 16, M: 12, efConstruction: 80 }, retrains)
    const vector = (by: number): Float32Array => gaussian(random, 16).map(value => (by ? 2 : 1) * value + by)
    for (let i = 0; i < 2 * (COUNT + 500); i++) {
      life.put(vector(i < COUNT + 500 ? 0 : shift), COUNT + 500)
      life.index.link()
    }
    assert.is(life.trainings, shift && retrains ? 2 : 1)
    return life.recall(() => vector(shift))
  }
  const [usual, retrained, without] = [run(true, 0), run(true, 12), run(false, 12)]
  assert.ok(retrained > usual - 0.01, `recall ${retrained}, ${usual} for data that stay`)
  assert.ok(without < retrained - 0.2, `recall ${without} without another codebook, ${retrained} with it`)
})

test('data that stay what they are get no other codebook', () => {
  const shapes: [string, number, (random: Random) => Float32Array][] = [
    ['one dimension', 1, random => gaussian(random, 1)],
    ['a constant component', 3, random => Float32Array.of(random.normal(), 1000, random.normal())],
    ['far from zero', 2, random => gaussian(random, 2).map(value => value + 100)],
    ['few values', 2, random => Float32Array.of(random.below(2), random.below(2))],
    ['all the same', 2, () => Float32Array.of(3, 4)],
    ['long tails', 6, random => gaussian(random, 6).map(value => value ** 3)]
  ]
  for (const metric of METRICS) {
    for (const [name, dimensions, vectorOf] of shapes) {
      const random = new Random(3)
      const life = new Life({ dimensions, metric })
      for (let i = 0; i < 20_000; i++) {
        life.put(vectorOf(random), 2500)
        assert.is(life.trainings, i < COUNT - 1 ? 0 : 1, `${name}, ${metric}, ${i} vectors`)
      }
    }
  }
})

test('exact codes do not drift', () => {
  const random = new Random(2)
  const life = new Life({ dimensions: 3, codec: 'f32' })
  for (let i = 0; i < 1000; i++) life.put(vectorOf(random, 3, i > 500))
  life.index.link()
  assert.is(life.graph.drift, 0)
  assert.is(life.graph.recoded, undefined)
})

test('data may drift again and again, and come back', () => {
  const random = new Random(9)
  const life = new Life({ dimensions: 4 })
  for (let i = 0; i < 5 * COUNT; i++) {
    life.put(gaussian(random, 4).map(value => value + 30 * (Math.floor(i / COUNT) % 3)), COUNT)
    if (i % 3 === 0) while (life.graph.step());
    if (i % COUNT === COUNT - 1) assert.equal(life.findings(), [])
  }
  assert.ok(life.trainings > 2, `${life.trainings}`)
})

test.run()
