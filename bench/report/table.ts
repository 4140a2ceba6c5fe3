import { ownEngine } from '../macro/engines.js'
import type { MacroPoint, MacroRow } from '../results.js'
import { markdown, whole } from './markdown.js'
import { qpsAtRecall, type Speed } from './qps-at-recall.js'
import { buildRatio, ratioAtRecall, rivalsIn, type Ratio } from './ratios.js'

const recalls = [0.95, 0.99]

const columns = [
  'engine',
  'build vec/s',
  'QPS at 0.95',
  'QPS at 0.99',
  'p50 / p99 ms at 0.95',
  'bytes/vector',
  'reopen ms',
  'build peak MB',
  'build blocks loop ms'
]

const ratioColumns = [
  'times as fast',
  'as hnswlib-node at 0.95',
  'at 0.99',
  'as the fastest peer at 0.95',
  'at 0.99',
  'build, as hnswlib-node'
]

/** The rows of one data set as a Markdown table. */
export function engineTable(rows: readonly MacroRow[]): string {
  return markdown(
    columns,
    rows.map((row) => {
      const [at95, at99] = recalls.map((recall) => qpsAtRecall(row.sweep, recall))
      return [
        rowName(row),
        whole(row.vectorsPerSecond),
        speed(at95),
        speed(at99),
        at95 === undefined ? '-' : `${millis(at95.point.p50Us)} / ${millis(at95.point.p99Us)}`,
        whole(row.bytesPerVector),
        row.reopenMs.toFixed(row.reopenMs < 10 ? 1 : 0),
        whole(row.build.peakRssBytes / 2 ** 20),
        whole(row.build.eventLoopMaxMs)
      ]
    })
  )
}

/** How our rows compare with the peers', as a Markdown table; undefined unless both are among the rows. */
export function ratioTable(rows: readonly MacroRow[]): string | undefined {
  const { hnswlib, peers } = rivalsIn(rows)
  if (peers.length === 0 || peers.length === rows.length) return undefined
  const perCpu = (point: MacroPoint): number => point.qpsCpu
  return markdown(
    ratioColumns,
    rows
      .filter((row) => row.engine === ownEngine)
      .flatMap((row) =>
        ([['by the clock', undefined], ['by processor time', perCpu]] as const).map(([clock, qpsOf]) => [
          `${rowName(row)}, ${clock}`,
          ...[hnswlib, peers].flatMap((rivals) =>
            recalls.map((recall) => ratio(ratioAtRecall(row, rivals, recall, qpsOf)))
          ),
          qpsOf === undefined ? ratio(buildRatio(row, hnswlib)) : ''
        ])
      )
  )
}

export function rowName(row: MacroRow): string {
  if (row.engine === ownEngine) return `${row.engine} ${row.codec}`
  return row.prepared === undefined ? row.engine : `${row.engine} (${row.prepared})`
}

function speed(value: Speed | undefined): string {
  return value === undefined ? '-' : `${value.atLeast ? '≥ ' : ''}${whole(value.qps)}`
}

function ratio(ratio: Ratio | undefined): string {
  return ratio === undefined ? '-' : `${ratio.bound} ${ratio.value.toFixed(2)}`.trim()
}

function millis(us: number): string {
  return (us / 1000).toFixed(3)
}
