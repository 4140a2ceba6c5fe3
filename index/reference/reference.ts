import {
  CLUSTERING_CENTERS, CLUSTERING_COUNT, CLUSTERING_DIM, CLUSTERING_DRAWN, CLUSTERING_K, CLUSTERING_LEFT, CLUSTERING_POINTS, LANES
} from '../../codecs/kernel/layout.js'
import { vectorByteLength } from '../../codecs/f32.js'
import { packVector, unpackVector } from '../../storage/vector-format.js'
import type { Kernel, KernelCallbacks } from '../kernel.js'
import {
  BATCH_LINKS, ENCODED_TOGETHER, ENCODING_COUNT, ENCODING_GRAPH, ENCODING_ORDINALS, ENCODING_VECTORS, GRAPH_CODEBOOK, GRAPH_CODES, GRAPH_METRIC, GRAPH_SCORER,
  GRAPH_VECTOR_BYTES, METRIC_COSINE, METRIC_DOT, SCORER_PQ4, SCORER_PQ8, SCRATCH_BEAM_CAPACITY, SCRATCH_DISTANCES, SCRATCH_HOPS, SCRATCH_IDS,
  SCRATCH_MEASURED, SCRATCH_QUERY, SCRATCH_RESULT
} from '../kernel/layout.js'
import { connectPart, join, seek } from './batch.js'
import { xxHash64 } from './checksum.js'
import { biasedDot, fromSortable, normalize, sortable, squaredL2 } from './distances.js'
import { GraphRows } from './graph.js'
import { find } from './find.js'
import { enroll, levelOf } from './levels.js'
import { Memory } from './memory.js'
import { moveCenters, seedCenters } from './k-means.js'
import { PqBook } from './pq.js'
import { remove } from './remove.js'
import { type LoadRecords, scan, search } from './result.js'
import type { Met, Work } from './search.js'
import { Rows } from './space.js'
import { sweep } from './sweep.js'
import { encode, loadCode, scoreCode } from './sq8.js'

/** Of a vector whose length a function is not told: what is behind it is not looked at. */
const MOST_DIMENSIONS = 16_000

/**
 * The kernel a second time, in TypeScript: what the compiled ones are compared with.
 *
 * It keeps to their descriptors, rounding and order of sums, so graphs and results are the same to the bit; it does without their
 * devices: every code is copied before it is compared, lists are JavaScript arrays, and no query is loaded before it is searched for.
 */
export function loadReference(wasmMemory: WebAssembly.Memory, callbacks: KernelCallbacks): Kernel {
  const memory = new Memory(wasmMemory)
  const rows = new Rows(memory, callbacks.fault)
  const open = (graph: number): GraphRows => new GraphRows(memory, rows, graph)

  /** Writes the keys of `count` rows, whose addresses are given. */
  const scoreEach = (addresses: number, count: number, keys: number, keyOf: (address: number) => number): void => {
    for (let i = 0; i < count; i++) memory.setU32(keys + 4 * i, keyOf(memory.u32(addresses + 4 * i)))
  }

  const sumOf = (count: number, term: (index: number) => number): number => Array.from({ length: count }, (_, i) => term(i)).reduce((a, b) => a + b, 0)
  const readPoints = (points: number, count: number, dim: number): Float32Array[] => Array.from({ length: count }, (_, i) => memory.floats(points + i * dim * 4, dim))
  /** Where a component of a center stands. */
  const centerAt = (centers: number, dim: number, index: number, component: number): number =>
    centers + ((Math.floor(index / LANES) * dim + component) * LANES + index % LANES) * 4
  const writeCenters = (at: number, dim: number, centers: Float32Array[]): void => {
    for (const [index, center] of centers.entries()) for (const [i, value] of center.entries()) memory.setF32(centerAt(at, dim, index, i), value)
  }

  const vectorIn = (scratch: number, graph: number): Float32Array =>
    memory.floats(memory.u32(scratch + SCRATCH_QUERY), memory.u32(graph + GRAPH_VECTOR_BYTES) / 4)

  const counted = <T>(scratch: number, run: (work: Work) => T): T => {
    const work = { distances: 0, hops: 0, measured: 0 }
    const result = run(work)
    memory.setU32(scratch + SCRATCH_DISTANCES, memory.u32(scratch + SCRATCH_DISTANCES) + work.distances)
    memory.setU32(scratch + SCRATCH_HOPS, memory.u32(scratch + SCRATCH_HOPS) + work.hops)
    memory.setU32(scratch + SCRATCH_MEASURED, memory.u32(scratch + SCRATCH_MEASURED) + work.measured)
    return result
  }

  /** Results are u64: key << 32 | ordinal << 1. */
  const readResult = (scratch: number, count: number): Met[] => {
    const result = memory.u32(scratch + SCRATCH_RESULT)
    return Array.from({ length: count }, (_, i) => ({ key: memory.u32(result + 8 * i + 4), id: memory.u32(result + 8 * i) / 2 }))
  }
  const writeResult = (scratch: number, found: Met[]): number => {
    const result = memory.u32(scratch + SCRATCH_RESULT)
    for (const [i, { key, id }] of found.entries()) {
      memory.setU32(result + 8 * i, 2 * id)
      memory.setU32(result + 8 * i + 4, key)
    }
    return found.length
  }

  const loadRecords = (scratch: number): LoadRecords => (spaceId, ordinals) => {
    const ids = memory.u32(scratch + SCRATCH_IDS)
    for (const [i, ordinal] of ordinals.entries()) memory.setU32(ids + 4 * i, ordinal)
    callbacks.loadRecords(spaceId, ids, ordinals.length)
  }

  const kernel: Kernel = {
    normalize(ptr, byteLength) {
      const vector = memory.floats(ptr, byteLength / 4)
      const length = normalize(vector)
      memory.bytes.set(new Uint8Array(vector.buffer), ptr)
      return length
    },
    scoreL2(query, rowBytes, addresses, count, keys) {
      const vector = memory.floats(query, rowBytes / 4)
      scoreEach(addresses, count, keys, address => sortable(squaredL2(vector, memory.floats(address, rowBytes / 4))))
    },
    scoreDot(query, rowBytes, bias, addresses, count, keys) {
      const vector = memory.floats(query, rowBytes / 4)
      scoreEach(addresses, count, keys, address => sortable(biasedDot(vector, memory.floats(address, rowBytes / 4), bias)))
    },
    scoreSq8(query, base, dim, addresses, count, keys) {
      const levels = memory.copy(query, dim)
      scoreEach(addresses, count, keys, address => scoreCode(levels, base, memory.copy(address, dim + 4), dim))
    },
    loadSq8(row, dim, signed, query) {
      const { levels, base } = loadCode(memory.copy(row, dim + 4), dim, Boolean(signed))
      memory.bytes.set(levels, query)
      return base
    },
    encodeSq8(vector, offsets, inverse, dim, signed, row) {
      memory.bytes.set(encode(memory.floats(vector, dim), memory.floats(offsets, dim), inverse, dim, Boolean(signed)), row)
    },
    completePq(codebook, dot) {
      new PqBook(memory, codebook).complete(Boolean(dot))
    },
    encodePq(codebook, vector, row) {
      memory.bytes.set(new PqBook(memory, codebook).encode(memory.floats(vector, MOST_DIMENSIONS)), row)
    },
    loadPq(codebook, vector, dot, query, scale) {
      const { entries, base, unit } = new PqBook(memory, codebook).tablesOf(memory.floats(vector, MOST_DIMENSIONS), Boolean(dot))
      memory.bytes.set(entries, query)
      memory.setF32(scale, base)
      memory.setF32(scale + 4, unit)
    },
    loadPqRow(codebook, row, query) {
      const book = new PqBook(memory, codebook)
      memory.bytes.set(book.tablesOfRow(memory.copy(row, book.rowBytes)), query)
    },
    scorePq4(query, parts, addresses, count, keys) {
      const rows = Array.from({ length: count }, (_, i) => memory.u32(addresses + 4 * i))
      for (const [i, row] of rows.entries()) memory.setU32(keys + 4 * i, sumOf(parts, part => memory.u8(query + 16 * part + (memory.u8(row + (part >> 1)) >> (part & 1) * 4 & 15))))
    },
    scorePq8(query, parts, addresses, count, keys) {
      scoreEach(addresses, count, keys, row => sumOf(parts, part => memory.u8(query + 256 * part + memory.u8(row + part))))
    },
    cluster(_graph, _scratch, clustering) {
      const word = (offset: number): number => memory.u32(clustering + offset)
      const [count, dim, k, at] = [CLUSTERING_COUNT, CLUSTERING_DIM, CLUSTERING_K, CLUSTERING_CENTERS].map(word) as [number, number, number, number]
      const points = readPoints(word(CLUSTERING_POINTS), count, dim)
      let { centers } = seedCenters(points, k, memory.u64(clustering + CLUSTERING_DRAWN))
      for (let left = word(CLUSTERING_LEFT); left > 0; left--) centers = moveCenters(points, centers)
      writeCenters(at, dim, centers)
      memory.setU32(clustering + CLUSTERING_LEFT, 0)
    },
    packVector: (vector, dim, packed) => packVector(new Uint32Array(memory.copy(vector, 4 * dim).buffer), memory.bytes, packed),
    unpackVector(packed, dim, vector) {
      const bits = new Uint32Array(vectorByteLength(dim) / 4)
      unpackVector(memory.bytes, packed, dim, bits, 0)
      memory.bytes.set(new Uint8Array(bits.buffer), vector)
    },
    checksum: (ptr, byteLength) => xxHash64(memory.bytes.subarray(ptr, ptr + byteLength)),
    sealBlock(frame, byteLength, place, storeTag) {
      memory.setF64(frame + 8, place)
      memory.setU64(frame + 16, storeTag)
      memory.setU64(frame, kernel.checksum(frame + 8, byteLength - 8))
    },
    isSealed: (frame, byteLength, place, storeTag) =>
      memory.f64(frame + 8) === place && memory.u64(frame + 16) === storeTag && memory.u64(frame) === kernel.checksum(frame + 8, byteLength - 8),
    rowAddress: (space, row) => rows.address(space, row),
    dirtyRowAddress: (space, row) => rows.dirtyAddress(space, row),
    setThread(index) {
      rows.thread = index
    },
    prepareVector(graph, scratch) {
      if (memory.u32(graph + GRAPH_METRIC) === METRIC_COSINE) kernel.normalize(memory.u32(scratch + SCRATCH_QUERY), memory.u32(graph + GRAPH_VECTOR_BYTES))
    },
    encodeRow(graph, scratch, row) {
      memory.bytes.set(open(graph).encode(vectorIn(scratch, graph)), row)
    },
    encodeRows(_graph, scratch, encoding, index) {
      const graph = memory.u32(encoding + ENCODING_GRAPH)
      const view = open(graph)
      const vectorBytes = memory.u32(graph + GRAPH_VECTOR_BYTES)
      const end = Math.min(memory.u32(encoding + ENCODING_COUNT), (index + 1) * ENCODED_TOGETHER)
      for (let i = index * ENCODED_TOGETHER; i < end; i++) {
        const row = rows.dirtyAddress(memory.u32(graph + GRAPH_CODES), memory.u32(memory.u32(encoding + ENCODING_ORDINALS) + 4 * i))
        memory.bytes.set(memory.copy(memory.u32(encoding + ENCODING_VECTORS) + i * vectorBytes, vectorBytes), memory.u32(scratch + SCRATCH_QUERY))
        kernel.prepareVector(graph, scratch)
        memory.bytes.set(view.encode(vectorIn(scratch, graph)), row)
      }
    },
    completeCodebook(graph) {
      const scorer = memory.u32(graph + GRAPH_SCORER)
      if (scorer === SCORER_PQ4 || scorer === SCORER_PQ8) kernel.completePq(memory.u32(graph + GRAPH_CODEBOOK), memory.u32(graph + GRAPH_METRIC) === METRIC_DOT, 0)
    },
    loadQuery() {
      // A search makes of the vector in the scratch what it needs.
    },
    distanceTo: (graph, scratch, row) => {
      const vector = vectorIn(scratch, graph)
      return fromSortable(open(graph).fullKey(vector, memory.floats(row, vector.length)))
    },
    levelOf: (graph, ordinal) => levelOf(open(graph), ordinal),
    enroll: (graph, member, ordinal, least) => enroll(open(graph), member, ordinal, least),
    look(graph, scratch, batch, index) {
      const links = memory.u32(batch + BATCH_LINKS)
      counted(scratch, work => (index < links ? seek(open(graph), work, batch, index) : sweep(open(graph), work, batch, index - links)))
    },
    join(graph, scratch, batch) {
      counted(scratch, work => join(open(graph), work, batch))
    },
    connectPart(graph, scratch, batch, part) {
      counted(scratch, work => connectPart(open(graph), work, batch, part))
    },
    find(graph, scratch, job) {
      counted(scratch, work => find(open(graph), work, loadRecords(scratch), job, memory.u32(scratch + SCRATCH_BEAM_CAPACITY)))
    },
    search(graph, scratch, ef, k, measured, misses) {
      const view = open(graph)
      const vector = vectorIn(scratch, graph)
      return writeResult(scratch, counted(scratch, work => search(view, work, loadRecords(scratch), view.queryOf(vector), vector, ef, k, { measured, misses }).found))
    },
    scan(graph, scratch, from, to, k, found) {
      const view = open(graph)
      const vector = vectorIn(scratch, graph)
      const ordinals = Array.from({ length: to - from }, (_, i) => from + i)
      return writeResult(scratch, counted(scratch, work => scan(view, work, loadRecords(scratch), view.queryOf(vector), vector, ordinals, k, readResult(scratch, found))))
    },
    remove(graph, scratch, ordinal, slot) {
      counted(scratch, work => remove(open(graph), work, ordinal, slot >>> 0))
    }
  }
  return kernel
}
