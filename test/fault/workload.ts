import { Random } from '../../floor/random.js'
import type { BatchOperation, CollectionOptions } from '../../src/index.js'

const SHAPE = { dimensions: 8, metric: 'l2', M: 8, efConstruction: 40 } as const
/** Records that are there from the first operation on where codes are kept: more than they are trained on. */
const CODED = 2100
/** What may be lost of a vector then: half of a step in each dimension, of a window that is twice as wide as the vectors reach; with room to spare. */
const ROUNDED = 0.15

/** Keys that operations choose from, so that many replace and delete what earlier ones put. */
export const KEYS = 200

/** What `workload-child.ts` is to do, as JSON in its first argument. */
export interface Workload {
  location: string
  durability: 'strict' | 'relaxed'
  seed: number
  /** Number of the first operation. */
  from: number
  /** Operations to do before it ends by itself; none: until it is killed. */
  count?: number
  /** Callers that write without waiting for each other. */
  writers?: number
  /** Operations between two automatic checkpoints. */
  checkpointEvery?: number
  /** Whether checkpoints, compactions, backups (into `${location}-backup-N`), verifications and searches go on beside the writes. */
  maintenance?: boolean
  /** Whether writers rest now and then until the graph has caught up: then what was removed leaves it, and ordinals are used again. */
  rests?: boolean
  /** Whether errors of ours may come: it says `failed CODE message` then, writes no more, and goes on with the rest. */
  faults?: boolean
}

/** What it says, a line each: a word, and the number of the first operation that it does not speak of. */
export type Word =
  /** All operations before are acknowledged. */
  | 'acknowledged'
  /** A call of checkpoint() that began when these were acknowledged has resolved: they survive a power cut also when relaxed. */
  | 'checkpointed'
  /** As many were acknowledged when a backup began that is complete now; the directory follows. */
  | 'backed-up'
  /** As many are acknowledged now that a backup begins; the directory follows. What was there is removed first. */
  | 'backing-up'
  /** An event of the database. Of `rebuilt` the reason follows; `replayed` has the number of operations, `indexed` the sequence. */
  | 'opening' | 'opened' | 'replayed' | 'rebuilt' | 'indexed' | 'closing'
  /** Of a process that looks at stores: so many kills are behind it; and all that it found, as JSON. */
  | 'looked' | 'reported'

/** Whether the operations of a seed are of a collection that keeps codes in place of vectors. */
function keepsCodes(seed: number): boolean {
  return seed % 2 !== 0
}

/** Whether the codec of that collection changes now and then, where maintenance goes on. */
export function changesCodec(seed: number): boolean {
  return seed % 4 === 2
}

/** The collection 'points' of the operations of a seed. */
export function pointsOf(seed: number): CollectionOptions {
  if (changesCodec(seed)) return SHAPE
  return keepsCodes(seed) ? { ...SHAPE, codec: 'sq8', store: 'codes' } : { ...SHAPE, codec: 'f32' }
}

/** What may be lost of a vector in it. */
export function roundedIn(seed: number): number {
  return keepsCodes(seed) ? ROUNDED : 0
}

/** The operation number `i`, always the same for a seed: a put, an update, a deletion, or a batch of up to 12; the first may be a large one. The metadata of what it writes is `i`. */
export function operationsOf(seed: number, i: number): BatchOperation<number>[] {
  const random = new Random(Math.imul(seed, 0x9e3779b1) ^ Math.imul(i + 1, 0x85ebca6b))
  const vector = (): Float32Array => Float32Array.from({ length: 8 }, () => random.normal())
  if (i === 0 && keepsCodes(seed)) return Array.from({ length: CODED }, (_, n) => ({ type: 'put', key: `first${n}`, vector: vector(), metadata: i }))
  const count = random.below(4) ? 1 : 1 + random.below(12)
  return Array.from({ length: count }, () => {
    const key = `k${random.below(KEYS)}`
    const kind = random.below(8)
    if (kind < 2) return { type: 'del', key }
    if (kind < 4) return { type: 'updateMetadata', key, metadata: i }
    return { type: 'put', key, vector: vector(), metadata: i }
  })
}
