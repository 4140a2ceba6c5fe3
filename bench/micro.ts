import { join } from 'node:path'
import { VectorLevel, type Collection } from '../src/index.js'
import { SynthProcess } from './data/synth-process.js'
import { kernelCases } from './micro/kernels.js'

/** One thing to time. */
export interface MicroCase {
  readonly name: string
  /** Makes what the case needs, in an empty folder of its own; not timed. */
  open(folder: string): Promise<Opened>
}

export interface Opened {
  /** HOT PATH: what is timed; called thousands of times. */
  run(): unknown
  close?(): Promise<void>
}

const dim = 128
const count = 5_000

/** Add a case here, and `npm run bench -- --micro` times it. */
export const microCases: readonly MicroCase[] = [
  { name: 'put, strict', open: (folder) => openPut(folder, 'strict') },
  { name: 'put, relaxed', open: (folder) => openPut(folder, 'relaxed') },
  { name: 'get', open: (folder) => openFilled(folder, 'f32', (items, next) => () => items.get(keyOf(next()))) },
  {
    name: 'getMany of 100',
    open: (folder) =>
      openFilled(folder, 'f32', (items, next) => () => items.getMany(Array.from({ length: 100 }, () => keyOf(next()))))
  },
  { name: 'searchSync, f32, k 10, ef 64', open: (folder) => openSearch(folder, 'f32') },
  { name: 'searchSync, sq8, k 10, ef 64', open: (folder) => openSearch(folder, 'sq8') },
  ...kernelCases
]

function openPut(folder: string, durability: 'strict' | 'relaxed'): Promise<Opened> {
  const vectors = drawVectors()
  return openItems(folder, durability, 'f32', async (items) => {
    const next = counter()
    return () => {
      const number = next()
      return items.put(keyOf(number), vectors[number % count])
    }
  })
}

function openSearch(folder: string, codec: 'f32' | 'sq8'): Promise<Opened> {
  const queries = drawVectors(2)
  return openFilled(folder, codec, (items, next) => () => items.searchSync(queries[next()], { k: 10, ef: 64 }))
}

/** A collection of `count` vectors; `next` walks over their numbers. */
function openFilled(
  folder: string,
  codec: 'f32' | 'sq8',
  runOf: (items: Collection<unknown>, next: () => number) => () => unknown
): Promise<Opened> {
  return openItems(folder, 'relaxed', codec, async (items) => {
    await items.batch(drawVectors().map((vector, i) => ({ type: 'put', key: keyOf(i), vector })))
    const next = counter()
    return runOf(items, () => (next() * 7919) % count)
  })
}

async function openItems(
  folder: string,
  durability: 'strict' | 'relaxed',
  codec: 'f32' | 'sq8',
  runOf: (items: Collection<unknown>) => Promise<() => unknown>
): Promise<Opened> {
  const db = new VectorLevel(join(folder, 'store'), { durability })
  const run = await runOf(db.collection('items', { dimensions: dim, codec }))
  return { run, close: () => db.close() }
}

function drawVectors(seed = 1): Float32Array[] {
  const process = new SynthProcess(dim, seed)
  return Array.from({ length: count }, () => {
    const vector = new Float32Array(dim)
    process.draw(vector, 0)
    return vector
  })
}

function counter(): () => number {
  let value = 0
  return () => value++
}

function keyOf(number: number): string {
  return `item-${number}`
}
