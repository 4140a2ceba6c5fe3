import { ownEngine } from '../macro/engines.js'
import type { BuildRow, Checked, Delay, Latency, LinkRow, LoopRow, MixedRow, SearchRow, Subject, ThreadsResults } from '../threads/figures.js'
import { markdown, whole } from './markdown.js'

const buildColumns = ['build', 'vec/s', 's', 's with a checkpoint', 'processor µs a vector', 'times one worker']

const linkColumns = ['linking alone', 'vec/s', 's', 'processor µs a vector', 'times one worker', 'graph']

const searchColumns = [
  'searches',
  'recall',
  'searchSync p50 / p99 µs',
  'search',
  'more µs',
  'after a pause: searchSync',
  'search',
  'more µs',
  'searchSync QPS',
  'QPS of all callers',
  'times as many'
]

const loopColumns = [
  'writes',
  'vec/s',
  'delay p50 / p99 / p99.9 / max ms',
  'at rest',
  'searches',
  'p50 / p99 ms',
  'from when due',
  'recall meanwhile',
  'after'
]

/** What was measured, a table for each part. */
export function threadsTables({ build, link, search, loop, mixed }: ThreadsResults): string[] {
  return [
    ...(build.length > 0 ? [buildTable(build)] : []),
    ...(link.length > 0 ? [linkTable(link)] : []),
    ...(search.length > 0 ? [searchTable(search)] : []),
    ...(loop.length > 0 ? [loopTable(loop)] : []),
    ...(mixed.length > 0 ? [mixedTable(mixed), checkedText(mixed)] : [])
  ]
}

/** Builds of one data set. */
export function buildTable(rows: readonly BuildRow[]): string {
  const efs = rows[0].recalls.map(({ ef }) => ef)
  return markdown(
    [...buildColumns, ...efs.map((ef, i) => `${i === 0 ? 'recall ' : ''}at ef ${ef}`)],
    rows.map((row) => {
      const single = rows.find(({ workers, durability }) => workers === 1 && durability === row.durability)
      return [
        `${nameOf(row)}, ${wayOf(row)}`,
        whole(row.count / row.seconds),
        row.seconds.toFixed(1),
        row.checkpointSeconds.toFixed(1),
        whole((row.cpuSeconds * 1e6) / row.count),
        single === undefined ? '-' : (single.seconds / row.seconds).toFixed(2),
        ...row.recalls.map(({ recall }) => recall.toFixed(4))
      ]
    })
  )
}

export function linkTable(rows: readonly LinkRow[]): string {
  const single = rows.find(({ workers }) => workers === 1)
  return markdown(
    linkColumns,
    rows.map((row) => [
      nameOf(row),
      whole(row.linked / row.seconds),
      row.seconds.toFixed(1),
      whole((row.cpuSeconds * 1e6) / row.linked),
      single === undefined ? '-' : (single.seconds / row.seconds).toFixed(2),
      row.graph.slice(0, 12)
    ])
  )
}

export function searchTable(rows: readonly SearchRow[]): string {
  return markdown(
    searchColumns,
    rows.map((row) => [
      `${nameOf(row)}, ef ${row.ef}, ${row.callers} callers`,
      row.recall.toFixed(4),
      micros(row.sync),
      micros(row.search),
      whole(row.search.p50Us - row.sync.p50Us),
      micros(row.syncAfterPause),
      micros(row.searchAfterPause),
      whole(row.searchAfterPause.p50Us - row.syncAfterPause.p50Us),
      whole(row.syncQps),
      whole(row.callersQps),
      (row.callersQps / row.syncQps).toFixed(2)
    ])
  )
}

export function loopTable(rows: readonly LoopRow[]): string {
  return markdown(
    loopColumns,
    rows.map((row) => [
      loopName(row),
      whole(row.vectorsPerSecond),
      delays(row.delayMs),
      delays(row.delayAtRestMs),
      whole(row.searches),
      millis(row.search),
      millis(row.searchFromDue),
      row.recallMeanwhile.toFixed(4),
      row.recallAfter.toFixed(4)
    ])
  )
}

export function loopName(row: LoopRow): string {
  const callers = row.callers === 1 ? 'one caller' : `${row.callers} callers`
  return `${nameOf(row)}, ${row.batch === 1 ? `single puts of ${callers}` : `batches of ${whole(row.batch)}`}`
}

export function mixedTable(rows: readonly MixedRow[]): string {
  return markdown(
    ['load', 'searches/s', 'p50 / p99 ms', 'recall', 'times the p99', 'writes/s', 'write p50 / p99 ms'],
    rows.flatMap((row) => {
      const { readOnly, mixed } = row
      return [
        [`${nameOf(row)}, ${row.callers} callers, searches alone`, whole(readOnly.qps), millis(readOnly), readOnly.recall.toFixed(4), '', '', ''],
        [
          `${nameOf(row)}, ${row.callers} callers, one in ten a write`, whole(mixed.qps), millis(mixed), mixed.recall.toFixed(4),
          (mixed.p99Us / readOnly.p99Us).toFixed(2), whole(row.writes / row.seconds), millis(row.write)
        ]
      ]
    })
  )
}

/** What became of the answers' check. */
export function checkedText(rows: readonly MixedRow[]): string {
  const sum = (figure: keyof Checked): string => whole(rows.reduce((total, { checked }) => total + checked[figure], 0))
  return `Of ${sum('searches')} answers, checked against what was written before and meanwhile: ` +
    `${sum('wrong')} of deleted, replaced or later records, ${sum('duplicate')} twice, ${sum('misplaced')} at a wrong distance, ` +
    `${sum('malformed')} too few or out of order; and ${sum('missed')} records that ` +
    `${sum('exact')} exact searches among them should have found.`
}

export function nameOf({ engine, codec, workers }: Subject): string {
  if (engine !== ownEngine) return engine
  return `${engine} ${codec}${workers === undefined ? '' : `, ${workers} ${workers === 1 ? 'worker' : 'workers'}`}`
}

function wayOf({ engine, workers, durability }: BuildRow): string {
  return engine === ownEngine && workers === undefined ? 'vector by vector in memory' : durability
}

function delays({ p50, p99, p999, max }: Delay): string {
  return [p50, p99, p999, max].map((ms) => ms.toFixed(1)).join(' / ')
}

function micros({ p50Us, p99Us }: Latency): string {
  return `${whole(p50Us)} / ${whole(p99Us)}`
}

function millis({ p50Us, p99Us }: Latency): string {
  return `${(p50Us / 1e3).toFixed(2)} / ${(p99Us / 1e3).toFixed(2)}`
}
