/**
 * Pages of LMDB, data format 2, as lmdb 3.5 writes them on 64-bit little-endian machines. Numbers of pages and transactions are u64.
 *
 * | offset | bytes | type | name | meaning |
 * |---|---|---|---|---|
 * | 0 | 8 | u64 | number | of this page |
 * | 8 | 8 | u64 | transaction | that wrote it; not in meta pages |
 * | 18 | 2 | u16 | kind | 1 branch, 2 leaf, 4 first page of an overflow run, 8 meta |
 * | 20 | 2 | u16 | lower | branch, leaf: twice the number of nodes |
 * | 22 | 2 | u16 | upper | branch, leaf: where the nodes begin, less 24 |
 * | 20 | 4 | u32 | run | overflow: pages of the run; its value follows from 24 on |
 * | 24 | 2 each | u16 | | branch, leaf: where each node begins, less 24, in the order of keys |
 *
 * A node, at an even offset; the nodes of a page lie without gaps between `upper` and its end:
 *
 * | offset | bytes | type | name | meaning |
 * |---|---|---|---|---|
 * | 0 | 6 | u48 | child | branch: number of the page below |
 * | 0 | 4 | u32 | byteLength | leaf: of the value |
 * | 4 | 2 | u16 | flags | leaf: 0 the value follows, 1 it is in an overflow run, 2 it is a tree |
 * | 6 | 2 | u16 | | byteLength of the key, which follows; that of the first node of a branch page does not count |
 * | | 24 | u64 * 3 | | leaf, flags 1: first page, transaction, pages of the run |
 *
 * Pages 0 and 1 are meta pages; transaction N writes page N % 2:
 *
 * | offset | bytes | type | name | meaning |
 * |---|---|---|---|---|
 * | 24 | 4 | u32 | magic | 0xbeefc0de |
 * | 28 | 4 | u32 | version | 2 |
 * | 40 | 8 | u64 | | bytes of the mapping when it was created |
 * | 48 | 48 | | free | tree of free pages; its first word is the size of a page |
 * | 96 | 48 | | main | tree of the named trees |
 * | 144 | 8 | u64 | lastPage | |
 * | 152 | 8 | u64 | transaction | |
 *
 * A tree, 48 bytes:
 *
 * | offset | bytes | type | name | meaning |
 * |---|---|---|---|---|
 * | 4 | 2 | u16 | flags | 8 keys are u64: free pages; 0 keys are bytes |
 * | 6 | 2 | u16 | depth | pages between the root and a leaf, both counted |
 * | 8 | 8 | u64 | branchPages | |
 * | 16 | 8 | u64 | leafPages | |
 * | 24 | 8 | u64 | overflowPages | |
 * | 32 | 8 | u64 | entries | |
 * | 40 | 8 | u64 | root | all ones when it is empty |
 *
 * Numbers as keys are the bits of a double, not negative, from its sign on: four bits 1, the 64 bits, four bits 0; of the nine bytes the
 * first 4, 6, 8 or 9 are kept, as few as there may be so that only zeros are left out.
 *
 * The tree of free pages has transactions as keys. A value is u64 count, then count words: 0 nothing, a page, or a negative number of
 * pages before the first of a run.
 */

import { PAGE_BYTES } from './kernel/layout.js'

export const PAGE_HEADER = 24
export const KIND_BRANCH = 1
export const KIND_LEAF = 2
export const KIND_OVERFLOW = 4
export const KIND_META = 8
export const VALUE_INLINE = 0
export const VALUE_OVERFLOW = 1
export const VALUE_TREE = 2
/** Of keys that are u64. */
export const INTEGER_KEYS = 8
export const TREE_BYTES = 48
export const RUN_BYTES = 24

const MAGIC = 0xbeefc0de
const VERSION = 2
const NODE_HEADER = 8
/** More than a cursor of LMDB has room for. */
const TOO_DEEP = 32

export interface TreeRecord {
  flags: number
  depth: number
  branchPages: number
  leafPages: number
  overflowPages: number
  entries: number
  /** undefined when the tree is empty. */
  root: number | undefined
}

export interface Meta {
  bytes: Buffer
  free: TreeRecord
  main: TreeRecord
  lastPage: number
  transaction: number
}

/** Numbers beyond 2^53 lose their last digits, and stay beyond all that is valid. */
export function readU64(bytes: Buffer, at: number): number {
  return bytes.readUInt32LE(at) + bytes.readUInt32LE(at + 4) * 2 ** 32
}

function readI64(bytes: Buffer, at: number): number {
  return bytes.readUInt32LE(at) + bytes.readInt32LE(at + 4) * 2 ** 32
}

export function readTree(bytes: Buffer, at: number): TreeRecord {
  const empty = bytes.readUInt32LE(at + 40) === 0xffffffff && bytes.readUInt32LE(at + 44) === 0xffffffff
  return {
    flags: bytes.readUInt16LE(at + 4),
    depth: bytes.readUInt16LE(at + 6),
    branchPages: readU64(bytes, at + 8),
    leafPages: readU64(bytes, at + 16),
    overflowPages: readU64(bytes, at + 24),
    entries: readU64(bytes, at + 32),
    root: empty ? undefined : readU64(bytes, at + 40)
  }
}

/** What is wrong with the meta page `number`, or what it says. */
export function decodeMeta(bytes: Buffer, number: number): Meta | string {
  const kind = bytes.readUInt16LE(18)
  const version = bytes.readUInt32LE(28)
  const pageBytes = bytes.readUInt32LE(48)
  if (bytes.readUInt32LE(24) !== MAGIC) return 'has no magic number'
  if (version !== VERSION) return `has format ${version}, not ${VERSION}`
  if (kind !== KIND_META || readU64(bytes, 0) !== number) return `calls itself page ${readU64(bytes, 0)} of kind ${kind}`
  if (pageBytes !== PAGE_BYTES) return `has pages of ${pageBytes} bytes, not ${PAGE_BYTES}`
  const meta = { bytes, free: readTree(bytes, 48), main: readTree(bytes, 96), lastPage: readU64(bytes, 144), transaction: readU64(bytes, 152) }
  // Flags of the free tree are those of the whole file as well.
  if (meta.free.flags !== INTEGER_KEYS || meta.main.flags) return `has flags ${meta.free.flags} and ${meta.main.flags}, not ${INTEGER_KEYS} and 0`
  if (!Number.isSafeInteger(meta.transaction)) return `is of transaction ${meta.transaction}`
  if (meta.transaction && meta.transaction % 2 !== number) return `is of transaction ${meta.transaction}, which has the other meta page`
  return meta
}

/** The meta page that LMDB goes on from. */
export function newestOf(metas: Meta[]): Meta {
  return metas.reduce((a, b) => (b.transaction > a.transaction ? b : a))
}

/** What is wrong with the counts of a tree of which nothing is read yet. */
export function findInTreeRecord({ flags, depth, root }: TreeRecord, expectedFlags: number): string | undefined {
  if (flags !== expectedFlags) return `has flags ${flags}, not ${expectedFlags}`
  if ((root === undefined) !== (depth === 0) || depth >= TOO_DEEP) return `has depth ${depth}, and ${root === undefined ? 'no ' : 'a '}root`
  return undefined
}

/** What is wrong with the header that all pages but meta pages have. */
export function findInHeader(bytes: Buffer, number: number, kind: number, newest: number): string | undefined {
  if (readU64(bytes, 0) !== number) return `calls itself page ${readU64(bytes, 0)}`
  if (bytes.readUInt16LE(18) !== kind) return `is of kind ${bytes.readUInt16LE(18)}, not ${kind}`
  // LMDB writes into pages that it takes for those of the transaction under way, and they may not be written.
  if (readU64(bytes, 8) > newest) return `is of transaction ${readU64(bytes, 8)}, the newest is ${newest}`
  return undefined
}

export function runOf(bytes: Buffer): number {
  return bytes.readUInt32LE(20)
}

/** Where the nodes of a branch or leaf page begin in it, in the order of keys, or what is wrong with it. */
export function decodeNodes(bytes: Buffer, branch: boolean): Uint16Array | string {
  const lower = bytes.readUInt16LE(20)
  const upper = bytes.readUInt16LE(22)
  const room = PAGE_BYTES - PAGE_HEADER
  if (lower % 2 || lower > upper || upper > room) return `has its free space from ${lower} to ${upper}`
  const nodes = new Uint16Array(lower / 2)
  /** Where each node begins and ends, as one number. */
  const extents = new Uint32Array(nodes.length)
  for (let i = 0; i < nodes.length; i++) {
    const from = bytes.readUInt16LE(PAGE_HEADER + 2 * i)
    if (from % 2 || from < upper || from + NODE_HEADER > room) return `has node ${i} at ${from}, not within ${upper} to ${room}`
    const node = from + PAGE_HEADER
    const end = valueAt(bytes, node) + (branch ? 0 : flagsOf(bytes, node) === VALUE_OVERFLOW ? RUN_BYTES : byteLengthOf(bytes, node))
    if (end > PAGE_BYTES) return `has node ${i} from ${from} on to ${end - PAGE_HEADER}, beyond ${room}`
    nodes[i] = node
    extents[i] = node * 2 ** 16 + end + end % 2
  }
  let end = upper + PAGE_HEADER
  for (const extent of extents.sort()) {
    if (extent >>> 16 !== end) return `has a node at ${(extent >>> 16) - PAGE_HEADER}, where ${end - PAGE_HEADER} is expected`
    end = extent & 0xffff
  }
  return end === PAGE_BYTES ? nodes : `has nodes up to ${end - PAGE_HEADER}, not ${room}`
}

/** Branch: the number of the page below a node. */
export function childOf(bytes: Buffer, node: number): number {
  return byteLengthOf(bytes, node) + flagsOf(bytes, node) * 2 ** 32
}

export function byteLengthOf(bytes: Buffer, node: number): number {
  return bytes.readUInt32LE(node)
}

export function flagsOf(bytes: Buffer, node: number): number {
  return bytes.readUInt16LE(node + 4)
}

export function keyBytesOf(bytes: Buffer, node: number): number {
  return bytes.readUInt16LE(node + 6)
}

export function keyOf(bytes: Buffer, node: number): Buffer {
  return bytes.subarray(node + NODE_HEADER, valueAt(bytes, node))
}

/** Where the value of a node begins, or the run that stands for it. */
export function valueAt(bytes: Buffer, node: number): number {
  return node + NODE_HEADER + keyBytesOf(bytes, node)
}

/** Below, at or above 0 as the key of one node is before, like or behind that of another. */
export function compareKeys(a: Buffer, aNode: number, b: Buffer, bNode: number): number {
  const aBytes = keyBytesOf(a, aNode)
  const bBytes = keyBytesOf(b, bNode)
  for (let i = 0; i < aBytes && i < bBytes; i++) {
    const difference = a[aNode + NODE_HEADER + i]! - b[bNode + NODE_HEADER + i]!
    if (difference) return difference
  }
  return aBytes - bBytes
}

/** Below, at or above 0 as the key of a node is before, like or behind `key`. */
export function compareToKey(bytes: Buffer, node: number, key: Buffer): number {
  const keyBytes = keyBytesOf(bytes, node)
  for (let i = 0; i < keyBytes && i < key.length; i++) {
    const difference = bytes[node + NODE_HEADER + i]! - key[i]!
    if (difference) return difference
  }
  return keyBytes - key.length
}

/** As compareKeys, for keys that are u64. */
export function compareIntegerKeys(a: Buffer, aNode: number, b: Buffer, bNode: number): number {
  return readU64(a, aNode + NODE_HEADER) - readU64(b, bNode + NODE_HEADER)
}

/** The key of a number that is not negative. */
export function encodeNumberKey(number: number): Buffer {
  const bytes = Buffer.alloc(9)
  bytes.writeDoubleBE(number)
  for (let i = 8; i > 0; i--) bytes[i] = (bytes[i]! >>> 4) | (bytes[i - 1]! << 4)
  bytes[0] = (bytes[0]! >>> 4) | 0x10
  return bytes.subarray(0, bytes[8] ? 9 : bytes[6] || bytes[7] ? 8 : bytes[4] || bytes[5] ? 6 : 4)
}

/** Pages that a value of so many bytes takes outside its leaf. */
export function pagesFor(byteLength: number): number {
  return Math.ceil((PAGE_HEADER + byteLength) / PAGE_BYTES)
}

/** The runs of free pages that a value of the tree of free pages names, or what is wrong with it. */
export function decodeFree(value: Buffer): { first: number, count: number }[] | string {
  const words = value.length >= 8 ? readU64(value, 0) : Infinity
  if ((words + 1) * 8 > value.length) return `has ${words} words in ${value.length} bytes`
  const runs: { first: number, count: number }[] = []
  for (let word = 1; word <= words; word++) {
    const entry = readI64(value, word * 8)
    if (entry > 0) runs.push({ first: entry, count: 1 })
    if (entry >= 0) continue
    if (++word > words) return 'ends within a run of pages'
    runs.push({ first: readI64(value, word * 8), count: -entry })
  }
  return runs
}
