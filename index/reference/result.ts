/** What a search returns: the nearest live ordinals, measured by their full vectors. */

import { SPACE_ID } from '../../storage/kernel/layout.js'
import { MARGIN, RERANKED } from '../kernel/layout.js'
import { fromSortable } from './distances.js'
import type { GraphRows, Query } from './graph.js'
import { byKey, descend, type Met, searchLevel, toBase, type Work } from './search.js'

/** Fills the record rows of ordinals. */
export type LoadRecords = (spaceId: number, ordinals: number[]) => void

/** The `k` nearest live ordinals among the `ef` that the graph leads to. */
export function search(
  graph: GraphRows, work: Work, loadRecords: LoadRecords, query: Query, vector: Float32Array, ef: number, k: number
): Met[] {
  if (!graph.entry.level) return []
  const start = toBase(graph, descend(graph, work, query, 1))
  const beam = searchLevel(graph, work, graph.base, query, start, ef)
  if (!graph.isQuantised) return beam.filter(({ id }) => graph.isLive(id)).slice(0, k)
  return rerank(graph, loadRecords, query, vector, beam, k)
}

/** Measures the live ones of a beam, RERANKED at a time, until what is left is too far by its codes, allowing for their errors so far. */
function rerank(graph: GraphRows, loadRecords: LoadRecords, query: Query, vector: Float32Array, beam: Met[], k: number): Met[] {
  let found: Met[] = []
  const errors: number[] = []
  for (let next = 0; next < beam.length;) {
    if (found.length === k && errors.length >= RERANKED) {
      const mean = errors.reduce((sum, error) => sum + error, 0) / errors.length
      const nearest = graph.distanceOfKey(query, beam[next].key) + mean - MARGIN * (mean - Math.min(...errors))
      if (nearest > fromSortable(found[k - 1].key)) break
    }
    const batch: Met[] = []
    for (; next < beam.length && batch.length < RERANKED; next++) if (graph.isLive(beam[next].id)) batch.push(beam[next])
    const measured = batch.map(({ id }) => measure(graph, loadRecords, vector, id))
    for (const [i, { key }] of batch.entries()) errors.push(fromSortable(measured[i].key) - graph.distanceOfKey(query, key))
    found = [...found, ...measured].sort(byKey).slice(0, k)
  }
  return found
}

/** The `k` nearest among those that are `found` already and those of `ordinals` that are live; none twice. */
export function scan(
  graph: GraphRows, loadRecords: LoadRecords, vector: Float32Array, ordinals: Iterable<number>, k: number, found: Met[]
): Met[] {
  const all = [...found]
  const known = new Set(found.map(({ id }) => id))
  for (const ordinal of ordinals) if (graph.isScored(ordinal) && !known.has(ordinal)) all.push(measure(graph, loadRecords, vector, ordinal))
  return all.sort(byKey).slice(0, k)
}

function measure(graph: GraphRows, loadRecords: LoadRecords, vector: Float32Array, ordinal: number): Met {
  return { key: graph.fullKey(vector, fullVector(graph, loadRecords, ordinal)), id: ordinal }
}

/** The full vector of an ordinal: its code, or else from its record's row, which is filled first if it must be. */
function fullVector(graph: GraphRows, loadRecords: LoadRecords, ordinal: number): Float32Array {
  const { memory, rows, records, vectorBytes } = graph
  if (!graph.isQuantised) return graph.codeOf(graph.base, ordinal) as Float32Array
  if (!memory.u8(rows.address(records, ordinal) + vectorBytes)) loadRecords(memory.u32(records + SPACE_ID), [ordinal])
  return memory.floats(rows.address(records, ordinal), vectorBytes / 4)
}
