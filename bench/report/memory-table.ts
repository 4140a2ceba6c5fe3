import type { ColdRow, InsertsRow, LadderRow, LadderRung, LimitsRow, LoadRow, MemoryResults, PagingRow } from '../memory/figures.js'
import { limitsSteps } from '../memory/figures.js'
import { quantile } from '../macro/quantile.js'
import { markdown, whole } from './markdown.js'

/** What was measured, a table for each part. */
export function memoryTables({ ladder, inserts, load, cold, paging, limits }: MemoryResults): string[] {
  return [
    ...ladder.map(ladderTable),
    ...(inserts.length > 0 ? [insertsTable(inserts)] : []),
    ...(load.length > 0 ? [loadTable(load)] : []),
    ...(cold.length > 0 ? [coldTable(cold)] : []),
    ...(paging.length > 0 ? [pagingTable(paging)] : []),
    ...(limits.length > 0 ? [limitsTable(limits)] : [])
  ]
}

/** The rungs of one store. */
export function ladderTable({ rungs }: LadderRow): string {
  const full = rungs.find(({ share }) => share === undefined)!
  const head = [
    'cache, of the index', 'MB', 'recall', 'same results', 'uniform: QPS', 'of all in memory', 'hits', 'blocks read a query', 'codes / neighbors / vectors', 'p99 µs', 'Zipf: QPS', 'of all in memory', 'hits',
    'blocks read a query', 'own MB over the limit', 'files MB'
  ]
  return markdown(head, rungs.map((rung) => [
    nameOf(rung.share),
    megabytes(rung.cacheBytes),
    rung.recall.toFixed(4),
    rung.results === full.results ? 'yes' : 'no',
    whole(rung.uniform.qps),
    (rung.uniform.qps / full.uniform.qps).toFixed(2),
    percent(rung.uniform.hitRatio),
    whole(rung.uniform.blocksRead),
    [rung.uniform.reads.codes, rung.uniform.reads.neighbors, rung.uniform.reads.records].map(whole).join(' / '),
    whole(rung.uniform.p99Us),
    whole(rung.zipf.qps),
    (rung.zipf.qps / full.zipf.qps).toFixed(2),
    percent(rung.zipf.hitRatio),
    whole(rung.zipf.blocksRead),
    overLimit(rung),
    megabytes(rung.most.files - rung.before.files)
  ]))
}

export function insertsTable(rows: readonly InsertsRow[]): string {
  const head = ['uniform queries, a tenth of the blocks in memory', 'compacted: hits', 'blocks read a query', 'QPS', 'inserted then', 'hits', 'blocks read a query', 'QPS']
  return markdown(head, rows.map(({ dataset, count, inserted, compacted, afterInserts }) => [
    `${dataset}, ${whole(count)}`, percent(compacted.blockHitRatio ?? compacted.hitRatio), whole(compacted.blocksRead), whole(compacted.qps),
    whole(inserted), percent(afterInserts.blockHitRatio ?? afterInserts.hitRatio), whole(afterInserts.blocksRead), whole(afterInserts.qps)
  ]))
}

export function loadTable(rows: readonly LoadRow[]): string {
  const head = ['bulk load', 'cache, of the index', 'MB', 'vec/s', 'of all in memory', 'processor µs a vector', 'own MB over the limit', 'files MB']
  const table = markdown(head, rows.map((row) => {
    const { dataset, count, share, doublings, cacheBytes, loaded } = row
    const full = rows.find((other) => other.share === undefined && other.dataset === dataset && other.count === count)?.loaded
    const name = [`${dataset}, ${whole(count)}`, `${nameOf(share)}${doublings ? ', compacted' : ''}`, megabytes(cacheBytes)]
    if (!loaded) return [...name, 'fails', '-', '-', '-', '-']
    const { seconds, cpuSeconds, before, most } = loaded
    return [
      ...name, whole(count / seconds), full ? (full.seconds / seconds).toFixed(2) : '-', whole((cpuSeconds * 1e6) / count),
      overLimit({ ...(share !== undefined && { share }), cacheBytes, before, most }), megabytes(most.files - before.files)
    ]
  }))
  const failures = rows.flatMap(({ share, failure }) => (failure === undefined ? [] : [`With ${nameOf(share)}: ${failure}.`]))
  return [table, ...failures].join('\n\n')
}

export function coldTable(rows: readonly ColdRow[]): string {
  const head = ['cold start', 'files dropped from memory', 'open ms', 'first query ms', 's until nine tenths of warm QPS', 'warm QPS']
  return markdown(head, rows.map((row) => [
    `${row.dataset}, ${whole(row.count)}`, row.dropped ? 'yes' : 'no', whole(row.openMs), row.firstMs.toFixed(1), row.warmSeconds.toFixed(2), whole(row.warmQps)
  ]))
}

export function pagingTable(rows: readonly PagingRow[]): string {
  const head = ['everything in memory, the kernel alone', 'blocks: QPS', 'flat arrays: QPS', 'of flat arrays', 'quarters of the rounds']
  return markdown(head, rows.map(({ dataset, count, pagedQps, flatQps, ratios }) => {
    const [low, middle, high] = [0.25, 0.5, 0.75].map((share) => quantile(ratios, share).toFixed(3))
    return [`${dataset}, ${whole(count)}`, whole(pagedQps), whole(flatQps), middle!, `${low} - ${high}`]
  }))
}

export function limitsTable(rows: readonly LimitsRow[]): string {
  const head = [
    'within a limit', 'cache, of the index', 'MB', 'held before', 'allowed besides', 'limit', 'ends by itself', 'MB at most', 'files MB at most', 'limit met', 's',
    ...limitsSteps.map((step) => `${step}: own MB over`)
  ]
  const table = markdown(head, rows.map(({ dataset, count, share, cacheBytes, baseBytes, allowanceBytes, limitBytes, steps, mostBytes, met, failure }) => [
    `${dataset}, ${whole(count)}`, nameOf(share), megabytes(cacheBytes), megabytes(baseBytes), megabytes(allowanceBytes), megabytes(limitBytes), failure === undefined ? 'yes' : 'no', megabytes(mostBytes),
    megabytes(Math.max(0, ...steps.map(({ most }) => most.files))), whole(met), whole(steps.reduce((sum, { seconds }) => sum + seconds, 0)),
    ...limitsSteps.map((name) => {
      const most = steps.find(({ step }) => step === name)?.most
      return most ? megabytes(Math.max(0, most.anonymous + most.kernel - baseBytes - cacheBytes)) : '-'
    })
  ]))
  const failures = rows.flatMap(({ share, failure, killed }) => (failure === undefined ? [] : [`With ${nameOf(share)}: ${failure}; the system killed ${killed}.`]))
  return [table, ...failures].join('\n\n')
}

/** What the process's own memory grew by beyond the cache; of a cache larger than all there is, nothing can be told. */
function overLimit({ share, cacheBytes, before, most }: Pick<LadderRung, 'share' | 'cacheBytes' | 'before' | 'most'>): string {
  return share === undefined ? '-' : megabytes(Math.max(0, most.own - before.own - cacheBytes))
}

export function nameOf(share: number | undefined): string {
  return share === undefined ? 'all' : `${share * 100} %`
}

function megabytes(bytes: number): string {
  return (bytes / 2 ** 20).toFixed(bytes < 100 * 2 ** 20 ? 1 : 0)
}

function percent(ratio: number): string {
  return `${(100 * ratio).toFixed(1)} %`
}
