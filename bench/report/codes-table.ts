import { usualEf, type CodesPoint, type CodesRow, type CodesSweep } from '../codes/figures.js'
import { markdown, whole } from './markdown.js'

const recallWanted = 0.95

/** What each codec costs, and what it gives: with everything in memory, and with a cache of a tenth of the sq8 index. */
export function codesTable(rows: readonly CodesRow[]): string {
  const head = [
    'codec', 'bytes of a code', 'load vec/s', 'index, of raw', 'whole store, of raw', `recall, ef ${usualEf}`, 'p50 µs', `recall, all of ef ${usualEf} measured`,
    `QPS at ${recallWanted}`, `a tenth cached: QPS at ${recallWanted}`, 'blocks loaded a query', 'recall at most'
  ]
  return markdown(head, rows.map((row) => {
    const [full, small] = row.sweeps
    const usual = pointAt(full, usualEf, true)
    const fixed = pointAt(full, usualEf, false) ?? usual
    const atWanted = small && bestAt(small)
    return [
      row.store ? `${row.codec}, codes alone` : row.codec,
      whole(row.rowBytes),
      whole(row.count / row.seconds),
      ofRaw(row, row.indexBytes),
      ofRaw(row, row.indexBytes + row.recordBytes),
      usual?.recall.toFixed(4) ?? '-',
      usual ? whole(usual.p50Us) : '-',
      fixed?.recall.toFixed(4) ?? '-',
      qpsOf(bestAt(full)),
      small ? qpsOf(atWanted) : '-',
      atWanted ? atWanted.misses.toFixed(0) : '-',
      Math.max(...full.points.map((point) => point.recall)).toFixed(4)
    ]
  }))
}

function ofRaw({ count, dim }: CodesRow, bytes: number): string {
  return `${(bytes / (count * dim * 4)).toFixed(3)}x`
}

function pointAt({ points }: CodesSweep, ef: number, isAuto: boolean): CodesPoint | undefined {
  return points.find((point) => point.ef === ef && (point.oversample === 'auto') === isAuto)
}

/** The fastest point of at least the recall that is wanted. */
export function bestAt({ points }: CodesSweep): CodesPoint | undefined {
  return points.filter((point) => point.recall >= recallWanted).sort((a, b) => b.qps - a.qps)[0]
}

function qpsOf(point: CodesPoint | undefined): string {
  return point ? `${whole(point.qps)} (ef ${point.ef}${point.oversample === 'auto' ? ', auto' : ''}: ${point.recall.toFixed(3)})` : 'not reached'
}
