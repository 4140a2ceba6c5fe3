import { readMatrix } from '../data/fbin-file.js'
import { DataUnavailableError } from '../data/npm-tarball.js'
import { Ranker } from '../data/ranker.js'
import { datasetOf, ensureDataset } from '../datasets.js'
import { stage } from '../progress.js'
import { policyOf, type PolicyName } from './policies.js'
import { isPrepared, k, seed, share, writeRunbook, type RunbookName } from './runbook-files.js'
import { makeRunbook } from './runbook.js'
import { truthsOf } from './truth.js'

const [name, policies, ...numbers] = process.argv.slice(2)
const [count, rounds, queryCount] = numbers.map(Number)
const floats = (components: number): Float32Array => new Float32Array(components)

/** Plans the runbooks that are missing, and finds the exact neighbors of all their moments. */
async function prepare(missing: RunbookName[]): Promise<void> {
  const dataset = datasetOf(name)
  const base = await readMatrix(dataset.files.base, floats)
  const queries = await readMatrix(dataset.files.query, floats, queryCount)
  const runbooks = missing.map(({ policy, ...plan }) => makeRunbook(policyOf(policy, dataset, base, seed), { ...plan, share, seed }))
  const truths = truthsOf(runbooks, new Ranker(base, dataset.metric), base.count, queries, k)
  for (const [i, runbook] of runbooks.entries()) await writeRunbook(missing[i], { ...runbook, truth: truths[i] })
}

try {
  await ensureDataset(datasetOf(name))
  const wanted = policies.split(',').map((policy) => ({ dataset: name, policy: policy as PolicyName, count, rounds, queries: queryCount }))
  const missing = wanted.filter((each) => !isPrepared(each))
  if (missing.length > 0) await stage('Planning the rounds, with the exact neighbors after each', () => prepare(missing))
} catch (error) {
  if (!(error instanceof DataUnavailableError) && !(error instanceof RangeError)) throw error
  console.error((error as Error).message)
  process.exitCode = 1
}
