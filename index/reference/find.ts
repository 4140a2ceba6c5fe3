/** A search that is asked for by a job. Told in kernel/find.ts; this one is not stopped early. */

import { normalize } from './distances.js'
import { Explanation } from './explain.js'
import type { GraphRows } from './graph.js'
import {
  JOB_EF, JOB_EXACT, JOB_FOUND, JOB_IN_GRAPH, JOB_IN_RERANK, JOB_IN_SCAN, JOB_K, JOB_NEEDS, JOB_MEASURED, JOB_MISSES, JOB_PARTIAL, JOB_QUERY, JOB_RESULT, LEAST_SPARE, METRIC_COSINE
} from '../kernel/layout.js'
import { chooseFrom, type LoadRecords, scan, widen } from './result.js'
import type { Met, Work } from './search.js'

/** Finds the nearest live ordinals with a beam of `capacity` at most. */
export function find(graph: GraphRows, work: Work, loadRecords: LoadRecords, job: number, capacity: number): void {
  const explanation = new Explanation(graph, work, job)
  explanation.begin()
  answer(graph, work, loadRecords, job, capacity, explanation)
  explanation.end()
}

function answer(graph: GraphRows, work: Work, loadRecords: LoadRecords, job: number, capacity: number, explanation: Explanation): void {
  const { memory } = graph
  const wanted = Math.min(memory.u32(job + JOB_K), graph.live)
  const isExact = memory.u32(job + JOB_EXACT) !== 0
  const finish = (found: Met[], exact: boolean): void => {
    for (const [i, { key, id }] of found.entries()) {
      memory.setU32(memory.u32(job + JOB_RESULT) + 8 * i, 2 * id)
      memory.setU32(memory.u32(job + JOB_RESULT) + 8 * i + 4, key)
    }
    memory.setU32(job + JOB_FOUND, found.length)
    memory.setU32(job + JOB_EXACT, exact ? 1 : 0)
    memory.setU32(job + JOB_NEEDS, 0)
    memory.setU32(job + JOB_PARTIAL, 0)
  }
  const give = (width: number): void => memory.setU32(job + JOB_NEEDS, width)
  if (!wanted) {
    finish([], true)
    return
  }
  if (wanted > capacity) {
    give(wanted)
    return
  }
  const vector = memory.floats(memory.u32(job + JOB_QUERY), graph.vectorBytes / 4)
  if (graph.metric === METRIC_COSINE) normalize(vector)
  const query = graph.queryOf(vector)
  const spare = graph.isQuantised ? Math.max(LEAST_SPARE, wanted >> 1) : 0
  const measure = { measured: graph.reranks ? memory.u32(job + JOB_MEASURED) : 0, misses: memory.f32(job + JOB_MISSES) }
  const first = Math.max(memory.u32(job + JOB_EF), measure.measured, wanted + spare)
  for (let width = first; ;) {
    const most = Math.floor((graph.live - Math.min(graph.unlinked.length, graph.live)) / 4)
    if (isExact || width > most) {
      finish(scan(graph, work, loadRecords, query, vector, Array.from({ length: graph.ordinals }, (_, i) => i), wanted, []), true)
      explanation.lap(JOB_IN_SCAN)
      return
    }
    if (width > capacity) {
      give(width)
      return
    }
    explanation.noteWidth(width)
    const beam = widen(graph, work, query, width)
    explanation.lap(JOB_IN_GRAPH)
    const chosen = chooseFrom(graph, work, loadRecords, query, vector, beam, wanted, measure)
    explanation.lap(JOB_IN_RERANK)
    const found = scan(graph, work, loadRecords, query, vector, graph.unlinked, wanted, chosen.found)
    explanation.lap(JOB_IN_SCAN)
    if (found.length === wanted) {
      if (chosen.missed <= measure.misses || width * 2 > Math.min(graph.widest, most)) {
        finish(found, false)
        return
      }
      width *= 2
    } else {
      width *= 4
    }
  }
}
