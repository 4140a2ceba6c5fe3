import type { ChurnCosts, ChurnRow } from '../churn/figures.js'
import { ownEngine } from '../macro/engines.js'
import { diskRatio, indexRatio, recordsRatio } from './churn-bytes.js'
import { markdown, whole } from './markdown.js'

const columns = [
  'engine',
  'recall first',
  'last',
  'least',
  'recall built anew',
  'fewer than k, most',
  'QPS first / last',
  'delete µs',
  'insert µs',
  'update µs',
  'files / live',
  'after compact',
  'tombstones, last',
  'unreachable, most',
  'unreachable built anew'
]

const costColumns = ['data set', 'insert µs', 'delete µs', 'update µs', 'delete / insert', 'update rate / insert rate', 'blocks of a delete']

/** The rows of one data set and policy: a table, and below it what there is to say of each engine. */
export function churnText(rows: readonly ChurnRow[]): string {
  return [churnTable(rows), notesOf(rows), ...endedEarly(rows)].join('\n\n')
}

export function churnTable(rows: readonly ChurnRow[]): string {
  return markdown(columns, rows.map(cellsOf))
}

/** How each engine was told to change its index. */
export function notesOf(rows: readonly ChurnRow[]): string {
  const notes = new Map(rows.flatMap(({ engine, note }) => (note === undefined ? [] : [[engine, note]])))
  return [...notes].map(([engine, note]) => `${engine}: ${note}.`).join(' ')
}

export function endedEarly(rows: readonly ChurnRow[]): string[] {
  return rows.flatMap(({ engine, rounds, error }) => {
    if (error === undefined) return []
    return [`${engine} ${endOf(rounds)}: ${error.split('\n')[0]}.`]
  })
}

/** Where an engine came no further. */
function endOf(rounds: readonly unknown[]): string {
  return rounds.length === 0 ? 'ended while loading' : `ended after round ${rounds.length - 1}`
}

export function churnCostsTable(costs: readonly ChurnCosts[]): string {
  return markdown(
    costColumns,
    costs.map(({ dataset, insertUs, deleteUs, updateUs, dirtyBlocks }) => [
      dataset,
      whole(insertUs),
      whole(deleteUs),
      whole(updateUs),
      (deleteUs / insertUs).toFixed(2),
      (insertUs / updateUs).toFixed(2),
      whole(dirtyBlocks)
    ])
  )
}

function cellsOf(row: ChurnRow): string[] {
  const { rounds, end } = row
  if (rounds.length === 0) return [nameOf(row), ...columns.slice(1).map(() => '-')]
  const [first, last] = [rounds[0], rounds[rounds.length - 1]]
  const unreachable = rounds.flatMap(({ state }) => state?.unreachable ?? [])
  const most = unreachable.length > 0 ? Math.max(...unreachable) : undefined
  return [
    nameOf(row),
    first.recall.toFixed(4),
    last.recall.toFixed(4),
    Math.min(...rounds.map(({ recall }) => recall)).toFixed(4),
    end?.fresh.recall.toFixed(4) ?? '-',
    percent(Math.max(...rounds.map(({ short }) => short))),
    `${whole(first.qps)} / ${whole(last.qps)}`,
    mean(rounds.slice(1).map(({ deleteUs }) => deleteUs)),
    mean(rounds.slice(1).map(({ insertUs }) => insertUs)),
    mean(rounds.slice(1).map(({ updateUs }) => updateUs)),
    ...bytesCells(row),
    count(last.state?.tombstones),
    count(most),
    count(end?.fresh.state?.unreachable)
  ]
}

/** Files after the last round, and after the compaction, as multiples of what is live in them; for ours LMDB's, then LevelDB's. */
function bytesCells(row: ChurnRow): [string, string] {
  const last = row.rounds[row.rounds.length - 1]
  const compacted = row.end?.compacted
  const both = (found: typeof last): string => [indexRatio(found), recordsRatio(row, found)].map(ratio).join(', ')
  if (last.state === undefined) return [ratio(diskRatio(row, last)), compacted ? ratio(diskRatio(row, compacted)) : '-']
  return [both(last), compacted ? both(compacted) : '-']
}

function nameOf({ engine, codec, rounds, error }: ChurnRow): string {
  return `${engine === ownEngine ? `${engine} ${codec}` : engine}${error === undefined ? '' : ` (${endOf(rounds)})`}`
}

function mean(values: (number | undefined)[]): string {
  const known = values.filter((value) => value !== undefined)
  return known.length === 0 ? '-' : whole(known.reduce((sum, value) => sum + value, 0) / known.length)
}

function ratio(value: number | undefined): string {
  return value === undefined ? '-' : value.toFixed(2)
}

function count(value: number | undefined): string {
  return value === undefined ? '-' : whole(value)
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`
}
