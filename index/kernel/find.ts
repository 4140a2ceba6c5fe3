/** A search that is asked for by a job (layout.ts): along the edges of the graph, and what is not linked yet by scanning. */

import { beginExplaining, endExplaining, lap, noteWidth } from './explain'
import {
  GRAPH_LIVE, GRAPH_ORDINALS, GRAPH_RERANKS, GRAPH_SCORER, GRAPH_UNLINKED, GRAPH_VECTOR_BYTES, GRAPH_WIDEST, JOB_EF, JOB_EXACT, JOB_FOUND, JOB_IN_GRAPH, JOB_IN_RERANK,
  JOB_IN_SCAN, JOB_K, JOB_NEEDS, JOB_PARTIAL, JOB_QUERY, JOB_MEASURED, JOB_MISSES, JOB_RESULT, JOB_STOP, LEAST_SPARE, SCORER_F32, SCRATCH_BEAM_CAPACITY, SCRATCH_MISSED, SCRATCH_QUERY, SCRATCH_RESULT,
  SCRATCH_STOP
} from './layout'
import { loadQuery, prepareVector } from './query'
import { chooseFrom, scan, scanUnlinked, widen } from './result'

/**
 * Finds the nearest live ordinals: K of them, or all when fewer are live. Where removed nodes crowd the beam, it is widened until they are found, and so it
 * is where its codes are too coarse for what it holds; where it would hold most of the graph, looking at everything is cheaper.
 */
export function find(graph: usize, scratch: usize, job: usize): void {
  beginExplaining(graph, scratch, job)
  answer(graph, scratch, job)
  endExplaining(graph, scratch, job)
}

function answer(graph: usize, scratch: usize, job: usize): void {
  const wanted = min(load<u32>(job, JOB_K), load<u32>(graph, GRAPH_LIVE))
  const isExact = load<u32>(job, JOB_EXACT)
  store<u32>(job, 0, JOB_FOUND)
  store<u32>(job, 0, JOB_NEEDS)
  store<u32>(job, 0, JOB_PARTIAL)
  store<u32>(job, 1, JOB_EXACT)
  if (!wanted) return
  const capacity = load<u32>(scratch, SCRATCH_BEAM_CAPACITY)
  if (wanted > capacity) {
    needs(job, isExact, wanted)
    return
  }
  memory.copy(load<u32>(scratch, SCRATCH_QUERY), load<u32>(job, JOB_QUERY), load<u32>(graph, GRAPH_VECTOR_BYTES))
  prepareVector(graph, scratch)
  loadQuery(graph, scratch)
  store<u32>(scratch, <u32>job + JOB_STOP, SCRATCH_STOP)
  // Approximate codes lose some of the nearest from a beam that is no wider than what is wanted.
  const spare: u32 = load<u32>(graph, GRAPH_SCORER) == SCORER_F32 ? 0 : max<u32>(LEAST_SPARE, wanted >> 1)
  const measured: u32 = load<u32>(graph, GRAPH_RERANKS) ? load<u32>(job, JOB_MEASURED) : 0
  const misses = load<f32>(job, JOB_MISSES)
  let width = max(max(load<u32>(job, JOB_EF), measured), wanted + spare)
  const widest = load<u32>(graph, GRAPH_WIDEST)
  for (;;) {
    const linked = load<u32>(graph, GRAPH_LIVE) - min(load<u32>(graph, GRAPH_UNLINKED), load<u32>(graph, GRAPH_LIVE))
    if (isExact || width > linked / 4) {
      finish(scratch, job, scan(graph, scratch, 0, load<u32>(graph, GRAPH_ORDINALS), wanted, 0))
      lap(job, JOB_IN_SCAN)
      return
    }
    if (width > capacity) {
      needs(job, isExact, width)
      return
    }
    noteWidth(job, width)
    widen(graph, scratch, width)
    lap(job, JOB_IN_GRAPH)
    const chosen = chooseFrom(graph, scratch, wanted, measured, misses)
    lap(job, JOB_IN_RERANK)
    const found = scanUnlinked(graph, scratch, wanted, chosen)
    lap(job, JOB_IN_SCAN)
    if (found == wanted && load<f32>(scratch, SCRATCH_MISSED) > misses && <u64>width * 2 <= <u64>min(widest, linked / 4) && !load<u32>(job, JOB_STOP)) {
      width *= 2
      continue
    }
    if (found == wanted || load<u32>(job, JOB_STOP)) {
      store<u32>(job, 0, JOB_EXACT)
      finish(scratch, job, found)
      return
    }
    width *= 4
  }
}

/** Gives up, until the scratch has room for a beam of `width`; the job asks for what it asked before. */
function needs(job: usize, isExact: u32, width: u32): void {
  store<u32>(job, isExact, JOB_EXACT)
  store<u32>(job, width, JOB_NEEDS)
}

function finish(scratch: usize, job: usize, found: u32): void {
  memory.copy(load<u32>(job, JOB_RESULT), load<u32>(scratch, SCRATCH_RESULT), <usize>found << 3)
  store<u32>(job, found, JOB_FOUND)
  store<u32>(scratch, 0, SCRATCH_STOP)
  if (!load<u32>(job, JOB_STOP)) return
  store<u32>(job, 1, JOB_PARTIAL)
  store<u32>(job, 0, JOB_EXACT)
}
