import { ownEngine } from '../macro/engines.js'
import type { MacroPoint, MacroRow } from '../results.js'
import { qpsAtRecall } from './qps-at-recall.js'

/** What a row is compared with: the fastest of these rows at that recall. */
export interface Rivals {
  hnswlib: MacroRow[]
  peers: MacroRow[]
}

export function rivalsIn(rows: readonly MacroRow[]): Rivals {
  const peers = rows.filter((row) => row.engine !== ownEngine)
  return { hnswlib: peers.filter((row) => row.engine === 'hnswlib-node'), peers }
}

export interface Ratio {
  value: number
  /** Says which way the true ratio may lie, where even a narrowest search found more than the recall. */
  bound: '' | '≥' | '≤' | '≈'
}

/** How many times as fast the row is as its fastest rival, at equal recall; undefined where one never reaches it. */
export function ratioAtRecall(
  row: MacroRow,
  rivals: readonly MacroRow[],
  recall: number,
  qpsOf?: (point: MacroPoint) => number
): Ratio | undefined {
  const own = qpsAtRecall(row.sweep, recall, qpsOf)
  const [fastest] = rivals
    .map((rival) => qpsAtRecall(rival.sweep, recall, qpsOf))
    .filter((speed) => speed !== undefined)
    .sort((a, b) => b.qps - a.qps)
  if (own === undefined || fastest === undefined) return undefined
  const bounds = [['', '≤'], ['≥', '≈']] as const
  return { value: own.qps / fastest.qps, bound: bounds[Number(own.atLeast)][Number(fastest.atLeast)] }
}

/** The same for the speed of building. */
export function buildRatio(row: MacroRow, rivals: readonly MacroRow[]): Ratio | undefined {
  if (rivals.length === 0) return undefined
  return { value: row.vectorsPerSecond / Math.max(...rivals.map((rival) => rival.vectorsPerSecond)), bound: '' }
}
