/** What a search returns: the nearest live ordinals, measured by their full vectors, or by their codes. */

import { SPACE_ID } from '../../storage/kernel/layout.js'
import { RERANKED } from '../kernel/layout.js'
import { fromSortable, sortable } from './distances.js'
import type { GraphRows, Query } from './graph.js'
import { byKey, descend, type Met, searchLevel, toBase, type Work } from './search.js'

/** Fills the record rows of ordinals. */
export type LoadRecords = (spaceId: number, ordinals: number[]) => void

/** How much of a beam is measured by full vectors: so many, or, for 0, as many as it takes to miss no more than `misses`. */
export interface Measure {
  measured: number
  misses: number
}

export interface Beamed {
  found: Met[]
  /** Of the nearest, those that were probably not in the beam. */
  missed: number
}

/** The `k` nearest live ordinals among the `ef` that the graph leads to. */
export function search(
  graph: GraphRows, work: Work, loadRecords: LoadRecords, query: Query, vector: Float32Array, ef: number, k: number, measure: Measure
): Beamed {
  return chooseFrom(graph, work, loadRecords, query, vector, widen(graph, work, query, ef), k, measure)
}

/** The `ef` nearest of the graph by their codes. */
export function widen(graph: GraphRows, work: Work, query: Query, ef: number): Met[] {
  if (!graph.entry.level) return []
  return searchLevel(graph, work, graph.base, query, toBase(graph, descend(graph, work, query, 1)), ef)
}

/** The `k` nearest live ones of a beam. */
export function chooseFrom(
  graph: GraphRows, work: Work, loadRecords: LoadRecords, query: Query, vector: Float32Array, beam: Met[], k: number, measure: Measure
): Beamed {
  if (graph.reranks) return rerank(graph, work, loadRecords, query, vector, beam, k, measure)
  const live = beam.filter(({ id }) => graph.isLive(id)).slice(0, k)
  return { found: live.map(({ key, id }) => ({ key: sortable(graph.distanceOfKey(query, key)), id })).sort(byKey), missed: 0 }
}

/** Measures the live ones of a beam, RERANKED at a time, until those that are left are probably too far, allowing for the errors so far. */
function rerank(
  graph: GraphRows, work: Work, loadRecords: LoadRecords, query: Query, vector: Float32Array, beam: Met[], k: number, { measured: most, misses }: Measure
): Beamed {
  let found: Met[] = []
  let measured = 0
  let sum = 0
  let squares = 0
  const chanceOf = ({ key }: Met): number => {
    const mean = sum / measured
    const variance = Math.max(squares / measured - mean * mean, 0)
    const above = graph.distanceOfKey(query, key) + mean - fromSortable(found[k - 1].key)
    if (above <= 0) return 1
    return variance > 0 ? tailOf(above / (Math.sqrt(variance) * (1 + 2 / Math.sqrt(measured)))) : 0
  }
  const isSure = (): boolean => !most && found.length === k && measured >= RERANKED
  for (let next = 0; next < beam.length && (!most || measured < most);) {
    if (isSure() && !areMore(beam.slice(next).map(chanceOf), misses)) return { found, missed: 0 }
    const several = most ? Math.min(RERANKED, most - measured) : RERANKED
    const batch: Met[] = []
    for (; next < beam.length && batch.length < several; next++) if (graph.isLive(beam[next].id)) batch.push(beam[next])
    const scored = batch.map(({ id }) => measureFull(graph, work, loadRecords, vector, id))
    for (const [i, { key }] of batch.entries()) {
      const error = fromSortable(scored[i].key) - graph.distanceOfKey(query, key)
      sum += error
      squares += error * error
    }
    measured += batch.length
    found = [...found, ...scored].sort(byKey).slice(0, k)
  }
  return { found, missed: isSure() ? Math.fround(beam.length / 2 * chanceOf(beam[beam.length - 1])) : 0 }
}

/** Whether chances that do not grow are more than `misses` together. */
function areMore(chances: number[], misses: number): boolean {
  let expected = 0
  for (const [i, chance] of chances.entries()) {
    expected += chance
    if (expected > misses) return true
    if (expected + chance * (chances.length - 1 - i) <= misses) return false
  }
  return false
}

/** The upper tail of the normal distribution. Source: as kernel/result.ts. */
function tailOf(x: number): number {
  let power = 1 + x * (0.0498673470 + x * (0.0211410061 + x * (0.0032776263 + x * (0.0000380036 + x * (0.0000488906 + x * 0.0000053830)))))
  for (let i = 0; i < 4; i++) power *= power
  return 0.5 / power
}

/** The `k` nearest among those that are `found` already and those of `ordinals` that are live; none twice. */
export function scan(
  graph: GraphRows, work: Work, loadRecords: LoadRecords, query: Query, vector: Float32Array, ordinals: Iterable<number>, k: number, found: Met[]
): Met[] {
  const all = [...found]
  const known = new Set(found.map(({ id }) => id))
  for (const ordinal of ordinals) {
    if (!graph.isScored(ordinal) || known.has(ordinal)) continue
    const isCoded = graph.isLive(ordinal) && !graph.reranks
    all.push(isCoded ? measureCode(graph, work, query, ordinal) : measureFull(graph, work, loadRecords, vector, ordinal))
  }
  return all.sort(byKey).slice(0, k)
}

function measureCode(graph: GraphRows, work: Work, query: Query, ordinal: number): Met {
  work.distances++
  return { key: sortable(graph.distanceOfKey(query, graph.key(query, graph.codeOf(graph.base, ordinal)))), id: ordinal }
}

/** By the full vector in the row of its record, which is filled first if it must be. */
function measureFull(graph: GraphRows, work: Work, loadRecords: LoadRecords, vector: Float32Array, ordinal: number): Met {
  const { memory, rows, records, vectorBytes } = graph
  work.measured++
  const row = rows.keptAddress(records, ordinal, () => loadRecords(memory.u32(records + SPACE_ID), [ordinal]))
  return { key: graph.fullKey(vector, memory.floats(row, vectorBytes / 4)), id: ordinal }
}
