import { readSync } from 'node:fs'
import { PAGE_BYTES } from './kernel/layout.js'
import {
  byteLengthOf, childOf, compareIntegerKeys, compareKeys, decodeFree, decodeNodes, findInHeader, findInTreeRecord, flagsOf, INTEGER_KEYS, keyBytesOf,
  keyOf, KIND_BRANCH, KIND_LEAF, KIND_OVERFLOW, type Meta, PAGE_HEADER, pagesFor, readTree, readU64, RUN_BYTES, runOf, TREE_BYTES, type TreeRecord,
  VALUE_INLINE, VALUE_OVERFLOW, VALUE_TREE, valueAt
} from './lmdb-format.js'

/** What a tree may hold. */
interface Shape {
  name: string
  /** Whether it is the tree of trees. */
  holdsTrees?: boolean
  /** Whether it is the tree of free pages. */
  free?: boolean
  /** Whether the pages of its values are left unread: they are many, and have checksums of ours. */
  blocks?: boolean
}

/** A node of a page: its key bounds those below. */
interface Bound {
  bytes: Buffer
  node: number
}

/** Keys from `from` on, below `to`. */
interface Bounds {
  from?: Bound | undefined
  to?: Bound | undefined
}

/** A tree that is being walked through. */
interface Walk {
  shape: Shape
  found: { branchPages: number, leafPages: number, overflowPages: number, entries: number }
  /** The page that is looked at, a buffer for each height above the leaves. */
  pages: Buffer[]
}

class Damage extends Error {}

/**
 * Says what is wrong with the trees of a data file of LMDB that a meta page leads to, or undefined.
 *
 * LMDB trusts its pages: a wrong number in one makes it read or write outside of them, or go round in circles. All branch and leaf pages
 * are read, and all lists of free pages; of the blocks only where they are.
 *
 * Cost: one read of 4 KB for about 90 blocks.
 */
export function findInTrees(file: number, meta: Meta): string | undefined {
  try {
    new TreeCheck(file, meta).run()
    return undefined
  } catch (error) {
    if (error instanceof Damage) return error.message
    throw error
  }
}

class TreeCheck {
  readonly #file: number
  readonly #meta: Meta
  /** A byte a page: whether something was found in it, so that no page is met twice and no walk goes on for ever. */
  readonly #taken: Uint8Array
  constructor(file: number, meta: Meta) {
    this.#file = file
    this.#meta = meta
    this.#taken = new Uint8Array(meta.lastPage + 1)
  }

  run(): void {
    this.#take(0, 2, () => 'the meta pages')
    this.#checkTree(this.#meta.main, { name: 'names', holdsTrees: true })
    this.#checkTree(this.#meta.free, { name: 'free pages', free: true })
  }

  #checkTree(tree: TreeRecord, shape: Shape): void {
    const wrong = findInTreeRecord(tree, shape.free ? INTEGER_KEYS : 0)
    if (wrong) throw new Damage(`the tree of ${shape.name} ${wrong}`)
    const found = { branchPages: 0, leafPages: 0, overflowPages: 0, entries: 0 }
    if (tree.root !== undefined) this.#checkPage(tree.root, tree.depth, {}, { shape, found, pages: [] })
    for (const [name, count] of Object.entries(found)) {
      const recorded = tree[name as keyof typeof found]
      if (recorded !== count) throw new Damage(`the tree of ${shape.name} has ${count} ${name}, and ${recorded} are recorded`)
    }
  }

  /** Checks a page that stands so many pages above the end of a leaf, and all below. */
  #checkPage(number: number, height: number, bounds: Bounds, walk: Walk): void {
    const { shape, found, pages } = walk
    const branch = height > 1
    const where = `page ${number} of the tree of ${shape.name}`
    this.#take(number, 1, () => where)
    const bytes = this.#read(number, pages[height] ??= Buffer.allocUnsafe(PAGE_BYTES))
    const wrong = findInHeader(bytes, number, branch ? KIND_BRANCH : KIND_LEAF, this.#meta.transaction)
    if (wrong) throw new Damage(`${where} ${wrong}`)
    const nodes = decodeNodes(bytes, branch)
    if (typeof nodes === 'string') throw new Damage(`${where} ${nodes}`)
    if (nodes.length < (branch && !shape.free ? 2 : 1)) throw new Damage(`${where} has ${nodes.length} nodes`)
    checkOrder(bytes, nodes, branch, bounds, shape, where)
    if (branch) {
      found.branchPages++
      for (let i = 0; i < nodes.length; i++) {
        const from = i ? { bytes, node: nodes[i]! } : bounds.from
        const to = i + 1 < nodes.length ? { bytes, node: nodes[i + 1]! } : bounds.to
        this.#checkPage(childOf(bytes, nodes[i]!), height - 1, { from, to }, walk)
      }
      return
    }
    found.leafPages++
    found.entries += nodes.length
    for (const node of nodes) found.overflowPages += this.#checkValue(bytes, node, shape, where)
  }

  /** Checks what a leaf holds under a key; returns how many pages it has of its own. */
  #checkValue(bytes: Buffer, node: number, shape: Shape, where: string): number {
    const what = (): string => `the value of ${keyOf(bytes, node).toString('hex')} in ${where}`
    const flags = flagsOf(bytes, node)
    const byteLength = byteLengthOf(bytes, node)
    const at = valueAt(bytes, node)
    if (shape.holdsTrees) {
      if (flags !== VALUE_TREE || byteLength !== TREE_BYTES) throw new Damage(`${what()} is of kind ${flags} with ${byteLength} bytes, and no tree`)
      const name = keyOf(bytes, node).toString('latin1').replace(/\0$/, '')
      this.#checkTree(readTree(bytes, at), { name, blocks: name === 'blocks' })
      return 0
    }
    if (flags === VALUE_INLINE) {
      if (shape.free) this.#checkFree(keyOf(bytes, node), bytes.subarray(at, at + byteLength), what)
      return 0
    }
    if (flags !== VALUE_OVERFLOW) throw new Damage(`${what()} is of kind ${flags}`)
    const first = readU64(bytes, at)
    const pages = readU64(bytes, at + RUN_BYTES - 8)
    if (pages < pagesFor(byteLength)) throw new Damage(`${what()} has ${pages} pages for ${byteLength} bytes`)
    this.#take(first, pages, what)
    if (shape.blocks) return pages
    const run = this.#read(first, Buffer.allocUnsafe(PAGE_HEADER + byteLength))
    const wrong = findInHeader(run, first, KIND_OVERFLOW, this.#meta.transaction)
    if (wrong) throw new Damage(`${what()} in page ${first}, which ${wrong}`)
    if (runOf(run) !== pages) throw new Damage(`${what()} in page ${first}, which has a run of ${runOf(run)} pages, not ${pages}`)
    if (shape.free) this.#checkFree(keyOf(bytes, node), run.subarray(PAGE_HEADER), what)
    return pages
  }

  #checkFree(key: Buffer, value: Buffer, what: () => string): void {
    const transaction = readU64(key, 0)
    const newest = this.#meta.transaction
    if (!transaction || transaction > newest) throw new Damage(`${what()} is of transaction ${transaction}, the newest is ${newest}`)
    const runs = decodeFree(value)
    if (typeof runs === 'string') throw new Damage(`${what()} ${runs}`)
    for (const { first, count } of runs) this.#take(first, count, what)
  }

  /** Takes pages that nothing else may have. */
  #take(first: number, count: number, by: () => string): void {
    if (first < 0 || first + count > this.#taken.length) {
      throw new Damage(`${by()} has ${count} pages from ${first} on, the last page is ${this.#taken.length - 1}`)
    }
    for (let page = first; page < first + count; page++) {
      if (this.#taken[page]) throw new Damage(`${by()} has page ${page}, which something else has as well`)
      this.#taken[page] = 1
    }
  }

  #read(page: number, bytes: Buffer): Buffer {
    const found = readSync(this.#file, bytes, 0, bytes.length, page * PAGE_BYTES)
    if (found !== bytes.length) throw new Damage(`page ${page} ends after ${found} bytes of ${bytes.length}`)
    return bytes
  }
}

/** Keys ascend, within the bounds that the pages above set; the first of a branch page does not count. */
function checkOrder(bytes: Buffer, nodes: Uint16Array, branch: boolean, { from, to }: Bounds, { free }: Shape, where: string): void {
  const compare = free ? compareIntegerKeys : compareKeys
  const fail = (node: number): never => {
    throw new Damage(`${where} has key ${keyOf(bytes, node).toString('hex')} out of order`)
  }
  const least = branch ? 1 : 0
  for (let i = least; i < nodes.length; i++) {
    const node = nodes[i]!
    const keyBytes = keyBytesOf(bytes, node)
    if (!keyBytes || (free && keyBytes !== 8)) throw new Damage(`${where} has a key of ${keyBytes} bytes`)
    if (i > least && compare(bytes, nodes[i - 1]!, bytes, node) >= 0) fail(node)
  }
  if (nodes.length === least) return
  if (from && compare(from.bytes, from.node, bytes, nodes[least]!) > 0) fail(nodes[least]!)
  const last = nodes[nodes.length - 1]!
  if (to && compare(bytes, last, to.bytes, to.node) >= 0) fail(last)
}
