import { Random } from '../data/random.js'
import { LiveSet } from './live-set.js'

/** What is done to an index, step by step; keys are numbers, vectors are rows of the data set. */
export interface Runbook {
  /** Row of each key that is there at first: key `i` has row `start[i]`. */
  start: Int32Array
  rounds: Round[]
}

export interface Round {
  /** Keys. */
  deletes: Int32Array
  /** Key and row by turns. A key that is live gets another vector, any other is new. */
  puts: Int32Array
}

/** Which vectors go, and which come. */
export interface Policy {
  /** All rows, in the order in which they are first put. */
  order: ArrayLike<number>
  /** Distinct live keys. */
  choose(live: LiveSet, count: number, random: Random): ArrayLike<number>
  /** Whether the chosen keys stay and get other vectors, instead of being deleted. */
  updates: boolean
}

export interface Plan {
  /** Vectors at first, and after every round. */
  count: number
  rounds: number
  /** The part of the vectors that one round changes. */
  share: number
  seed: number
}

/**
 * Plans the rounds: a function of policy and seed. No row is live under two keys.
 *
 * When all rows were put once, those come again that are not live for the longest time.
 *
 * @throws {RangeError} when there are too few rows for a round
 */
export function makeRunbook(policy: Policy, { count, rounds, share, seed }: Plan): Runbook {
  const changes = Math.round(count * share)
  const spare = Array.from(policy.order)
  if (spare.length < count + changes) {
    throw new RangeError(`${count} of ${spare.length} rows leave too few for rounds of ${changes} new ones`)
  }
  const random = new Random(seed)
  const live = new LiveSet()
  const start = Int32Array.from(spare.slice(0, count))
  start.forEach((row, key) => live.put(key, row))
  let nextRow = count
  let nextKey = count
  const makeRound = (): Round => {
    const chosen = Int32Array.from(policy.choose(live, changes, random))
    const puts = new Int32Array(changes * 2)
    chosen.forEach((key, i) => puts.set([policy.updates ? key : nextKey++, spare[nextRow++]], i * 2))
    for (const key of chosen) spare.push(live.rowOf(key)!)
    const round = { deletes: policy.updates ? new Int32Array(0) : chosen, puts }
    apply(round, live)
    return round
  }
  return { start, rounds: Array.from({ length: rounds }, makeRound) }
}

/** What is live at first, then after each round; always the same set, changed between the steps. */
export function* replay({ start, rounds }: Runbook): Generator<LiveSet> {
  const live = new LiveSet()
  start.forEach((row, key) => live.put(key, row))
  yield live
  for (const round of rounds) {
    apply(round, live)
    yield live
  }
}

export function liveAtEnd(runbook: Runbook): LiveSet {
  return [...replay(runbook)].pop()!
}

/** The keys and rows of a round's puts, one by one. */
export function putsOf({ puts }: Round): { keys: number[]; rows: number[] } {
  const half = (odd: number): number[] => Array.from({ length: puts.length / 2 }, (_, i) => puts[i * 2 + odd])
  return { keys: half(0), rows: half(1) }
}

function apply({ deletes, puts }: Round, live: LiveSet): void {
  for (const key of deletes) live.delete(key)
  for (let i = 0; i < puts.length; i += 2) live.put(puts[i], puts[i + 1])
}
