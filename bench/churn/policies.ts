import type { Matrix } from '../data/fbin-file.js'
import type { Dataset } from '../data/dataset.js'
import { Random } from '../data/random.js'
import { Ranker } from '../data/ranker.js'
import { byHalvesOfClusters, byProjection } from './drift.js'
import type { LiveSet } from './live-set.js'
import { chooseNeighborhoods } from './neighborhoods.js'
import type { Policy } from './runbook.js'

export const policyNames = ['random', 'clustered', 'drift', 'update'] as const
export type PolicyName = (typeof policyNames)[number]

/** What a policy does, in words. */
export const policyTitles: Readonly<Record<PolicyName, string>> = {
  random: 'random vectors go',
  clustered: 'whole neighborhoods go',
  drift: 'the oldest go, the new ones differ',
  update: 'random keys get other vectors'
}

/** Image sets are of classes, which k-means finds about as well as labels would say; other data change along a direction. */
const ofClasses = ['mnist-784-euclidean']

export function policyOf(name: PolicyName, dataset: Dataset, base: Matrix, seed: number): Policy {
  const order = Uint32Array.from({ length: base.count }, (_, row) => row)
  switch (name) {
    case 'random':
      return { order, choose: chooseAny, updates: false }
    case 'clustered':
      return { order, choose: chooseNeighborhoods(new Ranker(base, dataset.metric), base), updates: false }
    case 'drift': {
      const drifting = ofClasses.includes(dataset.name) ? byHalvesOfClusters : byProjection
      return { order: drifting(base, new Random(seed)), choose: chooseOldest, updates: false }
    }
    case 'update':
      return { order, choose: chooseAny, updates: true }
  }
}

/** Any keys, each with equal chance. */
export function chooseAny(live: LiveSet, count: number, random: Random): number[] {
  const keys = [...live.keys]
  for (let i = 0; i < count; i++) {
    const other = i + Math.floor(random.uniform() * (keys.length - i))
    ;[keys[i], keys[other]] = [keys[other], keys[i]]
  }
  return keys.slice(0, count)
}

/** Those that were inserted first: keys count upward. */
export function chooseOldest(live: LiveSet, count: number): Int32Array {
  return Int32Array.from(live.keys).sort().subarray(0, count)
}
