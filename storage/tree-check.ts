import { readSync } from 'node:fs'
import { PAGE_BYTES } from './kernel/layout.js'
import {
  decodeFree, decodeNodes, findInHeader, findInTreeRecord, INTEGER_KEYS, KIND_BRANCH, KIND_LEAF, KIND_OVERFLOW, type Meta, type Node, PAGE_HEADER,
  pagesFor, readTree, readU64, RUN_BYTES, runOf, TREE_BYTES, type TreeRecord, VALUE_INLINE, VALUE_OVERFLOW, VALUE_TREE
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

/** Keys from `from` on, below `to`. */
interface Bounds {
  from?: Buffer | undefined
  to?: Buffer | undefined
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
    this.#take(0, 2, 'the meta pages')
    this.#checkTree(this.#meta.main, { name: 'names', holdsTrees: true })
    this.#checkTree(this.#meta.free, { name: 'free pages', free: true })
  }

  #checkTree(tree: TreeRecord, shape: Shape): void {
    const wrong = findInTreeRecord(tree, shape.free ? INTEGER_KEYS : 0)
    if (wrong) throw new Damage(`the tree of ${shape.name} ${wrong}`)
    const found = { branchPages: 0, leafPages: 0, overflowPages: 0, entries: 0 }
    if (tree.root !== undefined) this.#checkPage(tree.root, tree.depth, {}, shape, found)
    for (const [name, count] of Object.entries(found)) {
      const recorded = tree[name as keyof typeof found]
      if (recorded !== count) throw new Damage(`the tree of ${shape.name} has ${count} ${name}, and ${recorded} are recorded`)
    }
  }

  /** Checks a page that stands so many pages above the end of a leaf, and all below. */
  #checkPage(number: number, height: number, bounds: Bounds, shape: Shape, found: Omit<TreeRecord, 'flags' | 'depth' | 'root'>): void {
    const branch = height > 1
    const where = `page ${number} of the tree of ${shape.name}`
    this.#take(number, 1, where)
    const bytes = this.#read(number, PAGE_BYTES)
    const wrong = findInHeader(bytes, number, branch ? KIND_BRANCH : KIND_LEAF, this.#meta.transaction)
    if (wrong) throw new Damage(`${where} ${wrong}`)
    const nodes = decodeNodes(bytes, branch)
    if (typeof nodes === 'string') throw new Damage(`${where} ${nodes}`)
    if (nodes.length < (branch ? 2 : 1)) throw new Damage(`${where} has ${nodes.length} nodes`)
    checkOrder(nodes, branch, bounds, shape, where)
    if (branch) {
      found.branchPages++
      for (const [i, { child, key }] of nodes.entries()) {
        this.#checkPage(child, height - 1, { from: i ? key : bounds.from, to: nodes[i + 1]?.key ?? bounds.to }, shape, found)
      }
      return
    }
    found.leafPages++
    found.entries += nodes.length
    for (const node of nodes) found.overflowPages += this.#checkValue(node, shape, where)
  }

  /** Checks what a leaf holds under a key; returns how many pages it has of its own. */
  #checkValue({ key, flags, byteLength, value }: Node, shape: Shape, where: string): number {
    const what = `the value of ${key.toString('hex')} in ${where}`
    if (shape.holdsTrees) {
      if (flags !== VALUE_TREE || byteLength !== TREE_BYTES) throw new Damage(`${what} is of kind ${flags} with ${byteLength} bytes, and no tree`)
      const name = key.toString('latin1').replace(/\0$/, '')
      this.#checkTree(readTree(value, 0), { name, blocks: name === 'blocks' })
      return 0
    }
    if (flags === VALUE_INLINE) {
      if (shape.free) this.#checkFree(key, value, what)
      return 0
    }
    if (flags !== VALUE_OVERFLOW) throw new Damage(`${what} is of kind ${flags}`)
    const first = readU64(value, 0)
    const pages = readU64(value, RUN_BYTES - 8)
    if (pages < pagesFor(byteLength)) throw new Damage(`${what} has ${pages} pages for ${byteLength} bytes`)
    this.#take(first, pages, what)
    if (shape.blocks) return pages
    const run = this.#read(first, PAGE_HEADER + byteLength)
    const wrong = findInHeader(run, first, KIND_OVERFLOW, this.#meta.transaction)
    if (wrong ?? runOf(run) !== pages) throw new Damage(`${what}: page ${first} ${wrong ?? `has a run of ${runOf(run)} pages, not ${pages}`}`)
    if (shape.free) this.#checkFree(key, run.subarray(PAGE_HEADER), what)
    return pages
  }

  #checkFree(key: Buffer, value: Buffer, what: string): void {
    if (readU64(key, 0) > this.#meta.transaction || readU64(key, 0) === 0) throw new Damage(`${what} is of no transaction up to ${this.#meta.transaction}`)
    const runs = decodeFree(value)
    if (typeof runs === 'string') throw new Damage(`${what} ${runs}`)
    for (const { first, count } of runs) this.#take(first, count, what)
  }

  /** Takes pages that nothing else may have. */
  #take(first: number, count: number, by: string): void {
    if (first < 0 || first + count > this.#taken.length) {
      throw new Damage(`${by} has ${count} pages from ${first} on, the last page is ${this.#taken.length - 1}`)
    }
    for (let page = first; page < first + count; page++) {
      if (this.#taken[page]) throw new Damage(`${by} has page ${page}, which something else has as well`)
      this.#taken[page] = 1
    }
  }

  #read(page: number, byteLength: number): Buffer {
    const bytes = Buffer.allocUnsafe(byteLength)
    const found = readSync(this.#file, bytes, 0, byteLength, page * PAGE_BYTES)
    if (found !== byteLength) throw new Damage(`page ${page} ends after ${found} bytes of ${byteLength}`)
    return bytes
  }
}

/** Keys ascend, within the bounds that the pages above set; the first of a branch page is none. */
function checkOrder(nodes: Node[], branch: boolean, { from, to }: Bounds, { free }: Shape, where: string): void {
  let last = from
  for (const [i, { key }] of nodes.entries()) {
    if (branch && i === 0) {
      if (key.length) throw new Damage(`${where} has a first key of ${key.length} bytes`)
      continue
    }
    if (!key.length || (free && key.length !== 8)) throw new Damage(`${where} has a key of ${key.length} bytes`)
    const order = last && compare(last, key, free)
    // The least key of a page may be the one that leads to it.
    if (order !== undefined && (order > 0 || (order === 0 && last !== from))) throw new Damage(`${where} has key ${key.toString('hex')} out of order`)
    last = key
  }
  if (to && last && compare(last, to, free) >= 0) throw new Damage(`${where} has key ${last.toString('hex')} out of order`)
}

function compare(a: Buffer, b: Buffer, free = false): number {
  return free ? readU64(a, 0) - readU64(b, 0) : Buffer.compare(a, b)
}
