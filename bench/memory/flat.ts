import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { now } from '../../index/clock.js'
import type { Graph } from '../../index/graph.js'
import type { Kernel, KernelBuild } from '../../index/kernel.js'
import { GRAPH_BASE, GRAPH_BYTES, GRAPH_CODES, GRAPH_RECORDS, GRAPH_STATES, GRAPH_UPPER, LEVEL_SPACE } from '../../index/kernel/layout.js'
import type { Arena } from '../../storage/arena.js'
import type { BlockCache } from '../../storage/block-cache.js'
import { BLOCK_HEADER, SPACE_BYTES, SPACE_TABLE } from '../../storage/kernel/layout.js'
import type { Space } from '../../storage/space.js'
import { places } from '../places.js'

/** Bytes behind the last row of an array that may be read with it. */
const slack = 64

/** Compiles the kernel so that rows stand in flat arrays, and makes an instance of it over a memory: it searches, and that is all. */
export function loadFlatKernel(build: Exclude<KernelBuild, 'reference'>, memory: WebAssembly.Memory): Kernel {
  const folder = join(places.cache, 'kernel')
  mkdirSync(folder, { recursive: true })
  const file = join(folder, `flat-${build}.wasm`)
  execFileSync(process.execPath, ['scripts/kernel.mjs', '--flat', build, file], { cwd: places.root, stdio: ['ignore', 2, 2] })
  const missing = (): never => {
    throw new Error('a row is not among those that were copied')
  }
  const env = { memory, now, fault: missing, faultAll: missing, loadRecords: missing }
  return new WebAssembly.Instance(new WebAssembly.Module(readFileSync(file)), { env }).exports as object as Kernel
}

/** Copies a graph for the flat kernel, with those rows that are in memory; returns its address. Codebook and tasks are those of the graph. */
export function flattenGraph(arena: Arena, cache: BlockCache, graph: Graph): number {
  const flat = copyOf(arena, graph.ptr, GRAPH_BYTES)
  const set = (word: number, space: Space, rows: number): void => {
    arena.u32[(flat + word) / 4] = flattenSpace(arena, space, rows, space.hasBlocks ? (row) => inBlocks(space, row) : (row) => cache.kept(space, row))
  }
  set(GRAPH_CODES, graph[graph.codeKind], graph.ordinals)
  set(GRAPH_STATES, graph.states, graph.ordinals)
  set(GRAPH_RECORDS, graph.records.space, graph.ordinals)
  set(GRAPH_BASE + LEVEL_SPACE, graph.base, graph.ordinals)
  set(GRAPH_UPPER + LEVEL_SPACE, graph.upper, graph.slots)
  return flat
}

/** `addressOf` says where a row is in memory, 0 where it is not. */
function flattenSpace(arena: Arena, space: Space, rows: number, addressOf: (row: number) => number): number {
  const { rowBytes } = space
  const flat = copyOf(arena, space.ptr, SPACE_BYTES)
  const array = arena.allocate(rows * rowBytes + slack)
  for (let row = 0; row < rows; row++) {
    const from = addressOf(row)
    if (from !== 0) arena.bytes.copyWithin(array + row * rowBytes, from, from + rowBytes)
  }
  arena.u32[(flat + SPACE_TABLE) / 4] = array
  return flat
}

function inBlocks(space: Space, row: number): number {
  const frame = space.frameOf(Math.floor(row / space.rowsPerBlock))
  return frame && frame + BLOCK_HEADER + (row % space.rowsPerBlock) * space.rowBytes
}

function copyOf(arena: Arena, ptr: number, byteLength: number): number {
  const copy = arena.allocate(byteLength)
  arena.bytes.copyWithin(copy, ptr, ptr + byteLength)
  return copy
}
