/** The query of a searcher, and its distances to rows of codes or of full vectors. */

import { normalize, scoreDot, scoreL2, unsortable } from '../../codecs/kernel/f32'
import {
  CODEBOOK_INVERSE_SCALE, CODEBOOK_KEY_BASE, CODEBOOK_KEY_ORIGIN, CODEBOOK_KEY_UNIT, CODEBOOK_OFFSETS, CODEBOOK_PARTS
} from '../../codecs/kernel/layout'
import { completePq, encodePq, loadPq, loadPqRow, scorePq4, scorePq8 } from '../../codecs/kernel/pq'
import { encodeSq8, loadSq8, scoreSq8 } from '../../codecs/kernel/sq8'
import { dirtyRowAddress } from '../../storage/kernel/space'
import {
  ENCODED_TOGETHER, ENCODING_COUNT, ENCODING_GRAPH, ENCODING_ORDINALS, ENCODING_VECTORS, GRAPH_CODEBOOK, GRAPH_CODES, GRAPH_DIM, GRAPH_METRIC, GRAPH_SCORER, GRAPH_VECTOR_BYTES, METRIC_COSINE, METRIC_DOT, METRIC_L2, SCORER_F32, SCORER_PQ4, SCORER_SQ8,
  SCRATCH_ADDRESSES, SCRATCH_BASE, SCRATCH_CODE_QUERY, SCRATCH_DISTANCES, SCRATCH_KEYS, SCRATCH_KEY_BASE, SCRATCH_KEY_UNIT, SCRATCH_LEVELS, SCRATCH_QUERY,
  SCRATCH_ROW
} from './layout'

/** Makes the vector in SCRATCH_QUERY ready to be compared; cosine vectors become unit vectors. */
export function prepareVector(graph: usize, scratch: usize): void {
  const query = load<u32>(scratch, SCRATCH_QUERY)
  if (load<u32>(graph, GRAPH_METRIC) == METRIC_COSINE) normalize(query, load<u32>(graph, GRAPH_VECTOR_BYTES))
}

/** Encodes the prepared vector into a row of the codes space. */
export function encodeRow(graph: usize, scratch: usize, row: usize): void {
  const query = <usize>load<u32>(scratch, SCRATCH_QUERY)
  const codebook = load<u32>(graph, GRAPH_CODEBOOK)
  const scorer = load<u32>(graph, GRAPH_SCORER)
  if (scorer == SCORER_F32) {
    memory.copy(row, query, load<u32>(graph, GRAPH_VECTOR_BYTES))
  } else if (scorer == SCORER_SQ8) {
    encodeSq8(query, load<u32>(codebook, CODEBOOK_OFFSETS), load<f32>(codebook, CODEBOOK_INVERSE_SCALE), load<u32>(graph, GRAPH_DIM),
      load<u32>(graph, GRAPH_METRIC) == METRIC_DOT, row)
  } else {
    encodePq(codebook, query, row, load<u32>(scratch, SCRATCH_LEVELS))
  }
}

/** Makes the codes of item `index` of an encoding (layout.ts), which says of which graph; no such code may be in use. */
export function encodeRows(_graph: usize, scratch: usize, encoding: usize, index: u32): void {
  const graph = <usize>load<u32>(encoding, ENCODING_GRAPH)
  const query = <usize>load<u32>(scratch, SCRATCH_QUERY)
  const vectorBytes = <usize>load<u32>(graph, GRAPH_VECTOR_BYTES)
  const end = min<u32>(load<u32>(encoding, ENCODING_COUNT), (index + 1) * ENCODED_TOGETHER)
  for (let i = index * ENCODED_TOGETHER; i < end; i++) {
    const row = dirtyRowAddress(load<u32>(graph, GRAPH_CODES), load<u32>(<usize>load<u32>(encoding, ENCODING_ORDINALS) + (<usize>i << 2)))
    memory.copy(query, <usize>load<u32>(encoding, ENCODING_VECTORS) + <usize>i * vectorBytes, vectorBytes)
    prepareVector(graph, scratch)
    encodeRow(graph, scratch, row)
  }
}

/** Completes the codebook of a graph, which was laid out. */
export function completeCodebook(graph: usize, scratch: usize): void {
  const scorer = load<u32>(graph, GRAPH_SCORER)
  if (scorer == SCORER_F32 || scorer == SCORER_SQ8) return
  completePq(load<u32>(graph, GRAPH_CODEBOOK), load<u32>(graph, GRAPH_METRIC) == METRIC_DOT, load<u32>(scratch, SCRATCH_LEVELS))
}

/** Makes the prepared vector the query. */
export function loadQuery(graph: usize, scratch: usize): void {
  const query = load<u32>(scratch, SCRATCH_QUERY)
  const codebook = load<u32>(graph, GRAPH_CODEBOOK)
  const scorer = load<u32>(graph, GRAPH_SCORER)
  if (scorer == SCORER_F32) {
    store<u32>(scratch, query, SCRATCH_CODE_QUERY)
  } else if (scorer == SCORER_SQ8) {
    const row = load<u32>(scratch, SCRATCH_ROW)
    encodeRow(graph, scratch, row)
    loadRow(graph, scratch, row)
    store<f32>(scratch, load<f32>(codebook, CODEBOOK_KEY_BASE), SCRATCH_KEY_BASE)
    store<f32>(scratch, load<f32>(codebook, CODEBOOK_KEY_UNIT), SCRATCH_KEY_UNIT)
  } else {
    const metric = load<u32>(graph, GRAPH_METRIC)
    const tables = load<u32>(scratch, SCRATCH_LEVELS)
    loadPq(codebook, query, metric == METRIC_DOT, tables, scratch + SCRATCH_KEY_BASE)
    store<u32>(scratch, tables, SCRATCH_CODE_QUERY)
    if (metric == METRIC_COSINE) {
      // Of unit vectors, the squared distance is twice 1 - cosine.
      store<f32>(scratch, load<f32>(scratch, SCRATCH_KEY_BASE) / 2, SCRATCH_KEY_BASE)
      store<f32>(scratch, load<f32>(scratch, SCRATCH_KEY_UNIT) / 2, SCRATCH_KEY_UNIT)
    }
  }
}

/** Makes a row of codes the query. Full vectors are compared where they stand: valid until the next fault. Keys of all rows have one unit. */
export function loadRow(graph: usize, scratch: usize, row: usize): void {
  const codebook = load<u32>(graph, GRAPH_CODEBOOK)
  const scorer = load<u32>(graph, GRAPH_SCORER)
  const levels = load<u32>(scratch, SCRATCH_LEVELS)
  if (scorer == SCORER_F32) {
    store<u32>(scratch, <u32>row, SCRATCH_CODE_QUERY)
    return
  }
  if (scorer == SCORER_SQ8) {
    store<u32>(scratch, loadSq8(row, load<u32>(graph, GRAPH_DIM), load<u32>(graph, GRAPH_METRIC) == METRIC_DOT, levels), SCRATCH_BASE)
  } else {
    loadPqRow(codebook, row, levels)
  }
  store<u32>(scratch, levels, SCRATCH_CODE_QUERY)
}

/** HOT PATH: keys of `count` rows of codes. One branch a batch chooses the arithmetic. Shapes: addresses u32[count + 3]; keys u32[count + 15], written. */
export function score(graph: usize, scratch: usize, addresses: usize, count: u32, keys: usize): void {
  store<u32>(scratch, load<u32>(scratch, SCRATCH_DISTANCES) + count, SCRATCH_DISTANCES)
  const query = load<u32>(scratch, SCRATCH_CODE_QUERY)
  const scorer = load<u32>(graph, GRAPH_SCORER)
  if (scorer == SCORER_SQ8) {
    scoreSq8(query, load<u32>(scratch, SCRATCH_BASE), load<u32>(graph, GRAPH_DIM), addresses, count, keys)
  } else if (scorer == SCORER_F32) {
    scoreFull(graph, query, addresses, count, keys)
  } else {
    const parts = load<u32>(load<u32>(graph, GRAPH_CODEBOOK), CODEBOOK_PARTS)
    if (scorer == SCORER_PQ4) scorePq4(query, parts, addresses, count, keys)
    else scorePq8(query, parts, addresses, count, keys)
  }
}

/** Keys of `count` rows of full (prepared) vectors. */
export function scoreFull(graph: usize, query: usize, addresses: usize, count: u32, keys: usize): void {
  const metric = load<u32>(graph, GRAPH_METRIC)
  const rowBytes = load<u32>(graph, GRAPH_VECTOR_BYTES)
  if (metric == METRIC_L2) scoreL2(query, rowBytes, addresses, count, keys)
  else scoreDot(query, rowBytes, metric == METRIC_COSINE ? 1 : 0, addresses, count, keys)
}

/** The distance that a key of codes stands for, of the query that `loadQuery` loaded. */
export function distanceOf(graph: usize, scratch: usize, key: u32): f64 {
  const scorer = load<u32>(graph, GRAPH_SCORER)
  if (scorer == SCORER_F32) return <f64>unsortable(key)
  const origin = load<u32>(load<u32>(graph, GRAPH_CODEBOOK), CODEBOOK_KEY_ORIGIN)
  return <f64>load<f32>(scratch, SCRATCH_KEY_BASE) + <f64>(<i64>key - <i64>origin) * <f64>load<f32>(scratch, SCRATCH_KEY_UNIT)
}

/** The distance of the query to one row of full vectors. */
export function distanceTo(graph: usize, scratch: usize, row: usize): f32 {
  const addresses = <usize>load<u32>(scratch, SCRATCH_ADDRESSES)
  const keys = load<u32>(scratch, SCRATCH_KEYS)
  for (let i: usize = 0; i < 16; i += 4) store<u32>(addresses + i, <u32>row)
  scoreFull(graph, load<u32>(scratch, SCRATCH_QUERY), addresses, 1, keys)
  return unsortable(load<u32>(keys))
}
