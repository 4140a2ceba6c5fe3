/** What a search took, into the words of a job (layout.ts) that asks for it: of any other nothing is written. */

import { COUNTS_FAULTS, COUNTS_READS } from '../../storage/kernel/layout'
import { countsOf, threadIndex } from '../../storage/kernel/space'
import {
  GRAPH_BASE, GRAPH_CODES, GRAPH_RECORDS, GRAPH_STATES, GRAPH_UPPER, JOB_DISTANCES, JOB_EXPLAINS, JOB_FAULTS, JOB_HOPS, JOB_LAP, JOB_READS, JOB_RERANKED,
  JOB_THREAD, JOB_WIDENED, JOB_WIDTH, LEVEL_SPACE, SCRATCH_DISTANCES, SCRATCH_HOPS, SCRATCH_MEASURED
} from './layout'

/** A clock in microseconds. */
// @ts-ignore: decorator
@external('env', 'now')
declare function now(): f64

/** What is counted from here on is the job's. */
export function beginExplaining(graph: usize, scratch: usize, job: usize): void {
  if (!load<u32>(job, JOB_EXPLAINS)) return
  store<u32>(job, threadIndex(), JOB_THREAD)
  addCounts(graph, scratch, job, -1)
  store<f64>(job, now(), JOB_LAP)
}

export function endExplaining(graph: usize, scratch: usize, job: usize): void {
  if (load<u32>(job, JOB_EXPLAINS)) addCounts(graph, scratch, job, 1)
}

/** The time since the last change of stages was spent in this one. */
export function lap(job: usize, stage: usize): void {
  if (!load<u32>(job, JOB_EXPLAINS)) return
  const time = now()
  store<f64>(job + stage, load<f64>(job + stage) + time - load<f64>(job, JOB_LAP))
  store<f64>(job, time, JOB_LAP)
}

/** A beam of this width is next. */
export function noteWidth(job: usize, width: u32): void {
  const before = load<u32>(job, JOB_WIDTH)
  if (!load<u32>(job, JOB_EXPLAINS) || width <= before) return
  if (before) store<u32>(job, load<u32>(job, JOB_WIDENED) + 1, JOB_WIDENED)
  store<u32>(job, width, JOB_WIDTH)
}

/** Adds `sign` times what the counters show: they never begin anew. */
function addCounts(graph: usize, scratch: usize, job: usize, sign: u32): void {
  addSpace(load<u32>(graph, GRAPH_CODES), job, sign)
  addSpace(load<u32>(graph, GRAPH_STATES), job, sign)
  addSpace(load<u32>(graph, GRAPH_RECORDS), job, sign)
  addSpace(load<u32>(graph + GRAPH_BASE, LEVEL_SPACE), job, sign)
  addSpace(load<u32>(graph + GRAPH_UPPER, LEVEL_SPACE), job, sign)
  store<u32>(job, load<u32>(job, JOB_DISTANCES) + sign * load<u32>(scratch, SCRATCH_DISTANCES), JOB_DISTANCES)
  store<u32>(job, load<u32>(job, JOB_HOPS) + sign * load<u32>(scratch, SCRATCH_HOPS), JOB_HOPS)
  store<u32>(job, load<u32>(job, JOB_RERANKED) + sign * load<u32>(scratch, SCRATCH_MEASURED), JOB_RERANKED)
}

function addSpace(space: usize, job: usize, sign: u32): void {
  const counts = countsOf(space)
  store<u32>(job, load<u32>(job, JOB_READS) + sign * <u32>load<u64>(counts, COUNTS_READS), JOB_READS)
  store<u32>(job, load<u32>(job, JOB_FAULTS) + sign * <u32>load<u64>(counts, COUNTS_FAULTS), JOB_FAULTS)
}
