import { Random } from '../../floor/random.js'
import { chooseBuild, type Kernel, loadKernel } from '../../index/kernel.js'
import { Arena } from '../../storage/arena.js'
import { BlockCache } from '../../storage/block-cache.js'
import { packedByteLength } from '../../storage/vector-format.js'
import { VectorPacker } from '../../storage/vector-packer.js'
import type { MicroCase } from '../micro.js'

/** Rows that one call scores, as a round of a search does. */
const rows = 64
/** Bytes that rows are drawn from: more than the caches of most processors hold. */
const spread = 128 * 2 ** 20

/** Cases of single kernels and structures: what a search, an insertion and a cache miss are made of. */
export const kernelCases: readonly MicroCase[] = [
  ...[100, 784, 1536].flatMap((dim): MicroCase[] => [
    { name: `score ${rows} rows, sq8, ${dim} dimensions`, open: async () => openScore(dim, 'sq8') },
    { name: `score ${rows} rows, f32, ${dim} dimensions`, open: async () => openScore(dim, 'f32') }
  ]),
  ...(['pq', 'pq8'] as const).flatMap((codec): MicroCase[] => [
    { name: `score 32 codes of 128 dimensions, ${codec}, 16 bytes, resident`, open: async () => openScanPq(codec, 16, 2 ** 18) },
    { name: `score 32 codes of 128 dimensions, ${codec}, 16 bytes`, open: async () => openScanPq(codec, 16, spread) },
    { name: `score 32 codes of 1536 dimensions, ${codec}, 192 bytes`, open: async () => openScanPq(codec, 192, spread) }
  ]),
  { name: 'checksum of a block of 4 KB', open: async () => openChecksum() },
  { name: 'pack a vector of 1536', open: async () => openPack() },
  { name: 'unpack a vector of 1536', open: async () => openUnpack() },
  { name: 'a cache miss, without its read', open: async () => openMiss() }
]

function kernelOver(arena: Arena): Kernel {
  return loadKernel(chooseBuild('auto'), arena.memory, { fault: () => undefined, loadRecords: () => undefined })
}

function openScore(dim: number, codec: 'sq8' | 'f32'): { run(): unknown } {
  const arena = new Arena(spread + 2 ** 20)
  const kernel = kernelOver(arena)
  const rowBytes = codec === 'sq8' ? dim + 4 : dim * 4
  const from = arena.allocate(spread)
  const query = arena.allocate(dim * 4 + 64)
  const addresses = arena.allocate((rows + 3) * 4)
  const keys = arena.allocate((rows + 3) * 4)
  const random = new Random(1)
  const drawn = Uint32Array.from({ length: rows * 1000 }, () => from + rowBytes * random.below(Math.floor(spread / rowBytes) - 1))
  let at = 0
  return {
    run() {
      arena.u32.set(drawn.subarray(at, at + rows), addresses / 4)
      at = (at + rows) % drawn.length
      if (codec === 'sq8') kernel.scoreSq8(query, 0, dim, addresses, rows, keys)
      else kernel.scoreDot(query, rowBytes, 1, addresses, rows, keys)
    }
  }
}

/** Codes of product quantisation that stand anywhere in `bytes` of memory. */
function openScanPq(codec: 'pq' | 'pq8', codeBytes: number, bytes: number): { run(): unknown } {
  const count = 32
  const arena = new Arena(bytes + 2 ** 21)
  const kernel = kernelOver(arena)
  const from = arena.allocate(bytes)
  const parts = codec === 'pq' ? 2 * codeBytes : codeBytes
  const query = arena.allocate(parts * 256 + 1024)
  const addresses = arena.allocate((count + 16) * 4)
  const keys = arena.allocate((count + 16) * 4)
  const random = new Random(1)
  for (let i = from; i < from + Math.min(bytes, 2 ** 20); i++) arena.bytes[i] = random.below(256)
  const drawn = Uint32Array.from({ length: count * 1000 }, () => from + codeBytes * random.below(Math.floor(bytes / codeBytes) - 1))
  let at = 0
  return {
    run() {
      arena.u32.set(drawn.subarray(at, at + count), addresses / 4)
      at = (at + count) % drawn.length
      if (codec === 'pq') kernel.scorePq4(query, parts, addresses, count, keys)
      else kernel.scorePq8(query, parts, addresses, count, keys)
    }
  }
}

function openChecksum(): { run(): unknown } {
  const arena = new Arena(2 ** 20)
  const kernel = kernelOver(arena)
  const block = arena.allocate(4096)
  return { run: () => kernel.checksum(block, 4072) }
}

function drawBits(dim: number): Uint32Array {
  const random = new Random(2)
  return new Uint32Array(Float32Array.from({ length: dim }, () => random.normal()).buffer)
}

function openPack(): { run(): unknown } {
  const arena = new Arena(2 ** 20)
  const packer = new VectorPacker(kernelOver(arena), arena)
  const bits = drawBits(1536)
  const out = new Uint8Array(packedByteLength(1536))
  return { run: () => packer.pack(bits, out, 0) }
}

function openUnpack(): { run(): unknown } {
  const arena = new Arena(2 ** 20)
  const packer = new VectorPacker(kernelOver(arena), arena)
  const packed = new Uint8Array(packedByteLength(1536))
  packer.pack(drawBits(1536), packed, 0)
  const vector = arena.allocate(1536 * 4)
  return { run: () => packer.unpack(packed, 0, 1536, vector) }
}

/** Blocks are read in turn, four times as many as there are frames: each read evicts. */
function openMiss(): { run(): unknown } {
  const arena = new Arena(8 * 2 ** 20)
  const cache = new BlockCache(arena)
  const blocks = 4 * 2048
  const space = cache.createSpace({ rowBytes: 4000, load: () => undefined })
  space.reserve(blocks)
  let block = 0
  return {
    run() {
      cache.fault(space.id, block)
      block = (block + 1) % blocks
    }
  }
}
