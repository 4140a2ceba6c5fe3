import { closeSync, openSync, readSync } from 'node:fs'
import { PAGE_BYTES } from './kernel/layout.js'
import {
  childOf, compareToKey, decodeMeta, decodeNodes, encodeNumberKey, findInHeader, flagsOf, KIND_BRANCH, KIND_LEAF, KIND_OVERFLOW, type Meta, newestOf,
  PAGE_HEADER, readTree, readU64, RUN_BYTES, runOf, type TreeRecord, VALUE_OVERFLOW, VALUE_TREE, valueAt
} from './lmdb-format.js'

/** A branch or leaf page, and where its nodes begin. */
interface Page {
  number: number
  bytes: Buffer
  nodes: Uint16Array
}

interface Entry {
  bytes: Buffer
  node: number
}

class Damage extends Error {}

/**
 * Says of blocks that a transaction is about to replace what is wrong with the pages that they have.
 *
 * LMDB frees the pages that the header of the old block names, and writes into it when it takes it for one of its own transaction. That
 * header stands before the block, so that the checksum of the block does not cover it; the check of the trees leaves it unread.
 *
 * Valid until: the transaction is committed; a new one is needed for the next.
 * Cost: three reads for a first block, one of 24 bytes for each that follows it.
 */
export class RunCheck {
  readonly #file: number
  readonly #meta: Meta
  readonly #blocks: TreeRecord | undefined
  readonly #header = Buffer.alloc(PAGE_HEADER)
  /** The page last looked at on each height above the leaves. */
  #pages: Page[] = []

  /** Of the data file at `path`. @throws {Error} when it cannot be read, or its first pages are damaged */
  constructor(path: string) {
    this.#file = openSync(path, 'r')
    try {
      const metas = [0, 1].map(number => decodeMeta(this.#read(number, Buffer.alloc(PAGE_BYTES)), number))
      for (const meta of metas) if (typeof meta === 'string') throw new Damage(`a meta page ${meta}`)
      this.#meta = newestOf(metas as Meta[])
      const named = this.#find(this.#meta.main, Buffer.from('blocks\0'))
      this.#blocks = named && flagsOf(named.bytes, named.node) === VALUE_TREE ? readTree(named.bytes, valueAt(named.bytes, named.node)) : undefined
      this.#pages = []
    } catch (error) {
      closeSync(this.#file)
      throw error
    }
  }

  /** Why the block of a place must not be replaced, undefined when it may or there is none. */
  find(place: number): string | undefined {
    try {
      const entry = this.#blocks && this.#find(this.#blocks, encodeNumberKey(place))
      if (entry && flagsOf(entry.bytes, entry.node) === VALUE_OVERFLOW) this.#checkRun(place, entry)
      return undefined
    } catch (error) {
      return (error as Error).message
    }
  }

  close(): void {
    closeSync(this.#file)
  }

  #checkRun(place: number, { bytes, node }: Entry): void {
    const first = readU64(bytes, valueAt(bytes, node))
    const pages = readU64(bytes, valueAt(bytes, node) + RUN_BYTES - 8)
    const header = this.#read(first, this.#header)
    const wrong = findInHeader(header, first, KIND_OVERFLOW, this.#meta.transaction)
    if (wrong) throw new Damage(`the page ${first} of block ${place} ${wrong}`)
    if (runOf(header) !== pages) throw new Damage(`the page ${first} of block ${place} has a run of ${runOf(header)} pages, not ${pages}`)
  }

  #find(tree: TreeRecord, key: Buffer): Entry | undefined {
    let number = tree.root
    if (number === undefined) return undefined
    for (let height = tree.depth; height > 1; height--) {
      const { bytes, nodes } = this.#page(number, height)
      // The first node of a branch page has no key of its own: it is before all.
      number = childOf(bytes, nodes[Math.max(1, upperBound(bytes, nodes, 1, key)) - 1]!)
    }
    const { bytes, nodes } = this.#page(number, 1)
    const node = nodes[upperBound(bytes, nodes, 0, key) - 1]
    return node !== undefined && !compareToKey(bytes, node, key) ? { bytes, node } : undefined
  }

  #page(number: number, height: number): Page {
    const known = this.#pages[height]
    if (known?.number === number) return known
    const bytes = this.#read(number, known?.bytes ?? Buffer.alloc(PAGE_BYTES))
    const branch = height > 1
    const wrong = findInHeader(bytes, number, branch ? KIND_BRANCH : KIND_LEAF, this.#meta.transaction)
    const nodes = wrong ?? decodeNodes(bytes, branch)
    if (typeof nodes === 'string') throw new Damage(`page ${number} ${nodes}`)
    return this.#pages[height] = { number, bytes, nodes }
  }

  #read(page: number, bytes: Buffer): Buffer {
    const found = readSync(this.#file, bytes, 0, bytes.length, page * PAGE_BYTES)
    if (found !== bytes.length) throw new Damage(`page ${page} ends after ${found} bytes of ${bytes.length}`)
    return bytes
  }
}

/** The first node from `low` on whose key is behind `key`. */
function upperBound(bytes: Buffer, nodes: Uint16Array, low: number, key: Buffer): number {
  let high = nodes.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (compareToKey(bytes, nodes[middle]!, key) > 0) high = middle
    else low = middle + 1
  }
  return low
}
