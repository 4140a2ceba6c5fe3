import { readFileSync } from 'node:fs'
import { now } from './clock.js'
import { loadReference } from './reference/reference.js'

/** Exports of the kernel module; all numbers are addresses or counts in its memory. What they do is told where they stand. */
export interface Kernel {
  normalize(vector: number, byteLength: number): number
  scoreL2(query: number, rowBytes: number, addresses: number, count: number, keys: number): void
  scoreDot(query: number, rowBytes: number, bias: number, addresses: number, count: number, keys: number): void
  scoreSq8(query: number, base: number, dim: number, addresses: number, count: number, keys: number): void
  loadSq8(row: number, dim: number, signed: boolean | number, query: number): number
  encodeSq8(vector: number, offsets: number, inverse: number, dim: number, signed: boolean | number, row: number): void
  completePq(codebook: number, dot: boolean | number, buffer: number): void
  encodePq(codebook: number, vector: number, row: number, ordered: number): void
  loadPq(codebook: number, vector: number, dot: boolean | number, query: number, scale: number): void
  loadPqRow(codebook: number, row: number, query: number): void
  scorePq4(query: number, parts: number, addresses: number, count: number, keys: number): void
  scorePq8(query: number, parts: number, addresses: number, count: number, keys: number): void
  cluster(graph: number, scratch: number, clustering: number): void
  checksum(ptr: number, byteLength: number): bigint
  sealBlock(frame: number, byteLength: number, place: number, storeTag: bigint): void
  isSealed(frame: number, byteLength: number, place: number, storeTag: bigint): boolean | number
  packVector(vector: number, dim: number, packed: number): number
  unpackVector(packed: number, dim: number, vector: number): void
  rowAddress(space: number, row: number): number
  dirtyRowAddress(space: number, row: number): number
  setThread(index: number): void
  prepareVector(graph: number, scratch: number): void
  encodeRow(graph: number, scratch: number, row: number): void
  encodeRows(graph: number, scratch: number, list: number, index: number): void
  completeCodebook(graph: number, scratch: number): void
  loadQuery(graph: number, scratch: number): void
  distanceTo(graph: number, scratch: number, row: number): number
  levelOf(graph: number, ordinal: number): number
  enroll(graph: number, member: number, ordinal: number, least: number): number
  look(graph: number, scratch: number, batch: number, index: number): void
  join(graph: number, scratch: number, batch: number): void
  connectPart(graph: number, scratch: number, batch: number, part: number): void
  find(graph: number, scratch: number, job: number): void
  search(graph: number, scratch: number, ef: number, k: number, measured: number, misses: number): number
  scan(graph: number, scratch: number, from: number, to: number, k: number, found: number): number
  remove(graph: number, scratch: number, ordinal: number, slot: number): void
}

/** What the kernel calls back for. */
export interface KernelCallbacks {
  /** Makes a block of a space resident. */
  fault(spaceId: number, block: number): void
  /** The same for several that are not; where it is not given, one after the other. Shapes: blocks u32[count], an address. */
  faultAll?(spaceId: number, blocks: number, count: number): void
  /** Fills the record rows of ordinals, where they are not filled. Shapes: ordinals u32[count], an address. */
  loadRecords(spaceId: number, ordinals: number, count: number): void
}

/** 'simd' and 'relaxed' are compiled, 'reference' is the same in plain TypeScript. */
export type KernelBuild = 'simd' | 'relaxed' | 'reference'
export type KernelChoice = 'auto' | KernelBuild

export const KERNEL_BUILDS: KernelBuild[] = ['simd', 'relaxed', 'reference']

/**
 * A module that multiplies in relaxed SIMD: `() -> i32x4.extract_lane 0 (relaxed_dot_i8x16_i7x16_add_s(splat 3, splat 5, 0))`.
 *
 * NOTE: Node 20 accepts the instruction behind a flag, and its first compiler computes it wrongly (120 for 60): having it is not enough.
 */
const RELAXED_PROBE = Uint8Array.of(
  0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 127, 3, 2, 1, 0, 7, 5, 1, 1, 102, 0, 0, 10, 22, 1, 20, 0, 65, 3, 253, 15, 65, 5, 253, 15,
  65, 0, 253, 17, 253, 147, 2, 253, 27, 0, 11
)

const modules = new Map<KernelBuild, WebAssembly.Module>()

export function hasRelaxedSimd(): boolean {
  if (!WebAssembly.validate(RELAXED_PROBE)) return false
  const { f } = new WebAssembly.Instance(new WebAssembly.Module(RELAXED_PROBE), {}).exports as { f(): number }
  return f() === 60
}

/**
 * The build for a choice; 'auto' takes the fastest that runs here, unless the environment's VECTOR_LEVEL_KERNEL names one.
 */
export function chooseBuild(choice: KernelChoice): KernelBuild {
  if (choice !== 'auto') return choice
  const forced = process.env['VECTOR_LEVEL_KERNEL']
  if (!forced) return hasRelaxedSimd() ? 'relaxed' : 'simd'
  const build = KERNEL_BUILDS.find(known => known === forced)
  if (!build) throw new TypeError(`VECTOR_LEVEL_KERNEL is one of ${KERNEL_BUILDS.join(', ')}, not ${forced}`)
  return build
}

function compile(build: KernelBuild): WebAssembly.Module {
  let module = modules.get(build)
  if (!module) {
    module = new WebAssembly.Module(readFileSync(new URL(`../kernel/${build}.wasm`, import.meta.url)))
    modules.set(build, module)
  }
  return module
}

/** The blocks of a list in kernel memory, in the order of their numbers: they stand on disk like that. */
export function blocksAt(memory: WebAssembly.Memory, at: number, count: number): Uint32Array {
  return new Uint32Array(memory.buffer, at >>> 0, count).slice().sort()
}

/** How several blocks are made resident. */
export function faultAllOf({ fault, faultAll }: KernelCallbacks, memory: WebAssembly.Memory): NonNullable<KernelCallbacks['faultAll']> {
  return faultAll ?? ((spaceId, blocks, count) => {
    for (const block of blocksAt(memory, blocks, count)) fault(spaceId, block)
  })
}

function instantiate(build: KernelBuild, memory: WebAssembly.Memory, callbacks: KernelCallbacks): Kernel {
  const instance = new WebAssembly.Instance(compile(build), { env: { memory, now, ...callbacks, faultAll: faultAllOf(callbacks, memory) } })
  return instance.exports as object as Kernel
}

/** An instance of the kernel over `memory`; `thread` is the number of who calls it: 0 for the calling thread. */
export function loadKernel(build: KernelBuild, memory: WebAssembly.Memory, callbacks: KernelCallbacks, thread = 0): Kernel {
  const kernel = build === 'reference' ? loadReference(memory, callbacks) : instantiate(build, memory, callbacks)
  kernel.setThread(thread)
  return kernel
}
