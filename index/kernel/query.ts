/** The query of a searcher, and its distances to rows of codes or of full vectors. */

import { normalize, scoreDot, scoreL2, unsortable } from '../../codecs/kernel/f32'
import { encodeSq8, loadSq8, scoreSq8 } from '../../codecs/kernel/sq8'
import {
  GRAPH_DIM, GRAPH_INVERSE_SCALE, GRAPH_METRIC, GRAPH_OFFSETS, GRAPH_SCORER, GRAPH_VECTOR_BYTES, METRIC_COSINE, METRIC_DOT, METRIC_L2,
  SCORER_SQ8, SCRATCH_ADDRESSES, SCRATCH_BASE, SCRATCH_CODE_QUERY, SCRATCH_DISTANCES, SCRATCH_KEYS, SCRATCH_LEVELS, SCRATCH_QUERY, SCRATCH_ROW
} from './layout'

/** Makes the vector in SCRATCH_QUERY ready to be compared; cosine vectors become unit vectors. */
export function prepareVector(graph: usize, scratch: usize): void {
  const query = load<u32>(scratch, SCRATCH_QUERY)
  if (load<u32>(graph, GRAPH_METRIC) == METRIC_COSINE) normalize(query, load<u32>(graph, GRAPH_VECTOR_BYTES))
}

/** Encodes the prepared vector into a row of the codes space. */
export function encodeRow(graph: usize, scratch: usize, row: usize): void {
  const query = <usize>load<u32>(scratch, SCRATCH_QUERY)
  if (load<u32>(graph, GRAPH_SCORER) == SCORER_SQ8) {
    encodeSq8(query, load<u32>(graph, GRAPH_OFFSETS), load<f32>(graph, GRAPH_INVERSE_SCALE), load<u32>(graph, GRAPH_DIM),
      load<u32>(graph, GRAPH_METRIC) == METRIC_DOT, row)
  } else {
    memory.copy(row, query, load<u32>(graph, GRAPH_VECTOR_BYTES))
  }
}

/** Makes the prepared vector the query. */
export function loadQuery(graph: usize, scratch: usize): void {
  if (load<u32>(graph, GRAPH_SCORER) == SCORER_SQ8) {
    const row = load<u32>(scratch, SCRATCH_ROW)
    encodeRow(graph, scratch, row)
    loadRow(graph, scratch, row)
  } else {
    store<u32>(scratch, load<u32>(scratch, SCRATCH_QUERY), SCRATCH_CODE_QUERY)
  }
}

/** Makes a row of codes the query. Full vectors are compared where they stand: valid until the next fault. */
export function loadRow(graph: usize, scratch: usize, row: usize): void {
  if (load<u32>(graph, GRAPH_SCORER) == SCORER_SQ8) {
    const levels = load<u32>(scratch, SCRATCH_LEVELS)
    store<u32>(scratch, loadSq8(row, load<u32>(graph, GRAPH_DIM), load<u32>(graph, GRAPH_METRIC) == METRIC_DOT, levels), SCRATCH_BASE)
    store<u32>(scratch, levels, SCRATCH_CODE_QUERY)
  } else {
    store<u32>(scratch, <u32>row, SCRATCH_CODE_QUERY)
  }
}

/** HOT PATH: keys of `count` rows of codes. One branch a batch chooses the arithmetic. */
export function score(graph: usize, scratch: usize, addresses: usize, count: u32, keys: usize): void {
  store<u32>(scratch, load<u32>(scratch, SCRATCH_DISTANCES) + count, SCRATCH_DISTANCES)
  const query = load<u32>(scratch, SCRATCH_CODE_QUERY)
  if (load<u32>(graph, GRAPH_SCORER) == SCORER_SQ8) {
    scoreSq8(query, load<u32>(scratch, SCRATCH_BASE), load<u32>(graph, GRAPH_DIM), addresses, count, keys)
  } else {
    scoreFull(graph, query, addresses, count, keys)
  }
}

/** Keys of `count` rows of full (prepared) vectors. */
export function scoreFull(graph: usize, query: usize, addresses: usize, count: u32, keys: usize): void {
  const metric = load<u32>(graph, GRAPH_METRIC)
  const rowBytes = load<u32>(graph, GRAPH_VECTOR_BYTES)
  if (metric == METRIC_L2) scoreL2(query, rowBytes, addresses, count, keys)
  else scoreDot(query, rowBytes, metric == METRIC_COSINE ? 1 : 0, addresses, count, keys)
}

/** The distance of the query to one row of full vectors. */
export function distanceTo(graph: usize, scratch: usize, row: usize): f32 {
  const addresses = <usize>load<u32>(scratch, SCRATCH_ADDRESSES)
  const keys = load<u32>(scratch, SCRATCH_KEYS)
  for (let i: usize = 0; i < 16; i += 4) store<u32>(addresses + i, <u32>row)
  scoreFull(graph, load<u32>(scratch, SCRATCH_QUERY), addresses, 1, keys)
  return unsortable(load<u32>(keys))
}
