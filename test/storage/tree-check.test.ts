import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import fc from 'fast-check'
import { BlockStore, dataFile } from '../../storage/block-store.js'
import { reasonToDiscard } from '../../storage/guard.js'
import { decodeMeta, type Meta } from '../../storage/lmdb-format.js'
import { findInTrees } from '../../storage/tree-check.js'
import { check } from '../seed.js'
import { runScript } from '../src/child.js'
import { makeChecksum } from './bytes.js'

const PAGE = 4096
const checksum = makeChecksum()

const test = suite<{ directory: string, whole: Buffer }>('tree check')

/** Blocks of one page and of four, enough for branch pages, in transactions that leave long lists of free pages and a long checkpoint. */
async function writeGeneration(directory: string): Promise<void> {
  const store = new BlockStore(directory)
  for (const [round, count] of [200, 40, 200, 30].entries()) {
    const blocks = Array.from({ length: count }, (_, i) => ({ place: i, bytes: Buffer.alloc(i % 50 ? 4072 : 16360, round) }))
    store.write(blocks, new Map([['checkpoint', Buffer.alloc(5000, round)]]))
  }
  await store.close()
}

test.before(async context => {
  context.directory = mkdtempSync(join(tmpdir(), 'vector-level-trees-'))
  await writeGeneration(context.directory)
  context.whole = readFileSync(dataFile(context.directory))
})
test.after(({ directory }) => rmSync(directory, { recursive: true, force: true }))

function newestOf(bytes: Buffer): Meta {
  const metas = [0, 1].map(number => decodeMeta(bytes.subarray(number * PAGE, (number + 1) * PAGE), number)) as Meta[]
  return metas[0]!.transaction > metas[1]!.transaction ? metas[0]! : metas[1]!
}

function findIn(directory: string, bytes: Buffer): string | undefined {
  writeFileSync(dataFile(directory), bytes)
  const file = openSync(dataFile(directory), 'r')
  try {
    return findInTrees(file, newestOf(bytes))
  } finally {
    closeSync(file)
  }
}

/** Numbers of the pages of the newest trees, by kind: branch 1, leaf 2. */
function pagesOf(bytes: Buffer, kind: number): number[] {
  const pages: number[] = []
  const visit = (page: number): void => {
    const at = page * PAGE
    const found = bytes.readUInt16LE(at + 18)
    if (found === kind) pages.push(page)
    for (let i = 0; i < bytes.readUInt16LE(at + 20) / 2; i++) {
      const node = at + 24 + bytes.readUInt16LE(at + 24 + 2 * i)
      const key = bytes.readUInt16LE(node + 6)
      if (found === 1) visit(bytes.readUInt32LE(node))
      else if (bytes.readUInt16LE(node + 4) === 2) visit(bytes.readUInt32LE(node + 8 + key + 40))
    }
  }
  const { main, free } = newestOf(bytes)
  visit(main.root!)
  visit(free.root!)
  return pages
}

/** Where the node `i` of a page begins. */
function nodeAt(bytes: Buffer, page: number, i: number): number {
  return page * PAGE + 24 + bytes.readUInt16LE(page * PAGE + 24 + 2 * i)
}

test('what LMDB wrote is sound, and so is its copy', async ({ directory, whole }) => {
  assert.is(findIn(directory, whole), undefined)
  assert.ok(pagesOf(whole, 1).length, 'there are branch pages')
  const copy = join(directory, 'copy')
  const store = new BlockStore(directory)
  await store.copyTo(copy)
  await store.close()
  assert.is(findIn(copy, readFileSync(dataFile(copy))), undefined)
})

test('an empty store is sound', async ({ directory }) => {
  const empty = join(directory, 'empty')
  await new BlockStore(empty).close()
  assert.is(findIn(empty, readFileSync(dataFile(empty))), undefined)
})

/** Damage to a page at `at`, where nodes begin at `node(i)`; what is said of it. */
type Plant = (bytes: Buffer, at: number, node: (i: number) => number) => void
const branch: [string, Plant, RegExp][] = [
  ['a child beyond the end', (bytes, _, node) => bytes.writeUInt32LE(0x7fffffff, node(1)), /1 pages from 2147483647 on, the last page is/],
  ['itself as a child', (bytes, at, node) => bytes.writeUInt32LE(at / PAGE, node(1)), /which something else has as well/],
  ['a child twice', (bytes, _, node) => bytes.copy(bytes, node(1), node(0), node(0) + 4), /which something else has as well/],
  ['a child that is a meta page', (bytes, _, node) => bytes.writeUInt32LE(0, node(1)), /has page 0, which something else has/],
  ['a single node', (bytes, at) => bytes.writeUInt16LE(2, at + 20), /has a node at \d+, where \d+ is expected|has 1 nodes/],
  ['keys that do not fit those below', (bytes, _, node) => bytes.fill(0xff, node(1) + 8, node(1) + 10), /out of order/]
]
const leaf: [string, Plant, RegExp][] = [
  ['another number', (bytes, at) => bytes.writeUInt8(bytes[at]! ^ 1, at), /calls itself page/],
  ['another kind', (bytes, at) => bytes.writeUInt16LE(1, at + 18), /is of kind 1, not 2/],
  ['a transaction to come', (bytes, at) => bytes.writeUInt32LE(1, at + 12), /is of transaction \d+, the newest is/],
  ['an odd number of bytes of offsets', (bytes, at) => bytes.writeUInt16LE(3, at + 20), /free space from 3/],
  ['less than no free space', (bytes, at) => bytes.writeUInt16LE(2, at + 22), /free space from/],
  ['nodes beyond its end', (bytes, at) => bytes.writeUInt16LE(PAGE, at + 22), /free space from/],
  ['no nodes', (bytes, at) => bytes.writeUInt32LE(4072 << 16, at + 20), /has 0 nodes/],
  ['a node beyond its end', (bytes, at) => bytes.writeUInt16LE(4090, at + 24), /has node 0 at 4090/],
  ['a node at an odd place', (bytes, at) => bytes.writeUInt16LE(bytes.readUInt16LE(at + 24) + 1, at + 24), /has node 0 at/],
  ['a node twice', (bytes, at) => bytes.copy(bytes, at + 24, at + 26, at + 28), /has a node at/],
  ['a key without end', (bytes, _, node) => bytes.writeUInt16LE(0xffff, node(0) + 6), /has node 0 from/],
  ['a key of no bytes', (bytes, _, node) => bytes.writeUInt16LE(0, node(0) + 6), /is expected|of 0 bytes/],
  ['keys out of order', (bytes, _, node) => bytes.fill(0xff, node(0) + 8, node(0) + 9), /out of order/],
  ['a value of no kind', (bytes, _, node) => bytes.writeUInt16LE(9, node(0) + 4), /has node 0 from|is of kind 9/],
  ['a tree among its values', (bytes, _, node) => bytes.writeUInt16LE(2, node(0) + 4), /has node 0 from|is of kind 2/],
  ['a value longer than its pages', (bytes, _, node) => bytes.writeUInt32LE(2 ** 24, node(0)), /has \d+ pages for 16777216 bytes/],
  ['a value beyond the end', (bytes, _, node) => bytes.writeUInt32LE(0xffffff, valueOf(bytes, node(0))), /pages from 16777215 on/],
  ['a value at a page of another', (bytes, _, node) => copyPage(bytes, node(1), node(0)), /something else has/],
  ['a value of more pages than there are', (bytes, _, node) => bytes.writeUInt32LE(2 ** 30, valueOf(bytes, node(0)) + 16), /has 1073741824 pages/]
]

/** Has a value begin at the page of another. */
function copyPage(bytes: Buffer, from: number, to: number): void {
  const value = valueOf(bytes, from)
  bytes.copy(bytes, valueOf(bytes, to), value, value + 8)
}

function valueOf(bytes: Buffer, node: number): number {
  return node + 8 + bytes.readUInt16LE(node + 6)
}

for (const [kind, plants] of [[1, branch], [2, leaf]] as const) {
  for (const [name, plant, expected] of plants) {
    test(`a ${kind === 1 ? 'branch' : 'leaf'} page with ${name} is noticed`, ({ directory, whole }) => {
      const bytes = Buffer.from(whole)
      // The fullest is one of blocks.
      const lowerOf = (page: number): number => whole.readUInt16LE(page * PAGE + 20)
      const page = pagesOf(whole, kind).sort((a, b) => lowerOf(b) - lowerOf(a))[0]!
      plant(bytes, page * PAGE, i => nodeAt(bytes, page, i))
      assert.match(findIn(directory, bytes) ?? 'nothing', expected)
    })
  }
}

test('a tree whose counts are not those of its pages is noticed', ({ directory, whole }) => {
  const newest = newestOf(whole).transaction % 2 * PAGE
  // Depth, branch pages, leaf pages, overflow pages, entries of the tree of free pages.
  for (const [offset, expected] of [[6, /depth|kind/], [8, /branchPages/], [16, /leafPages/], [24, /overflowPages/], [32, /entries/]] as const) {
    const bytes = Buffer.from(whole)
    bytes.writeUInt16LE(bytes.readUInt16LE(newest + 48 + offset) ^ 1, newest + 48 + offset)
    assert.match(findIn(directory, bytes) ?? 'nothing', expected, `offset ${offset}`)
  }
})

test('free pages that are used, named twice, or beyond the end are noticed', ({ directory, whole }) => {
  const { free, main, lastPage } = newestOf(whole)
  const page = free.root!
  for (const [number, expected] of [[main.root!, /something else has/], [lastPage + 1, /the last page is/], [0, /something else has/]] as const) {
    const bytes = Buffer.from(whole)
    let node = nodeAt(bytes, page, 0)
    let value = valueOf(bytes, node)
    if (bytes.readUInt16LE(node + 4) === 1) value = bytes.readUInt32LE(value) * PAGE + 24
    const entries = bytes.readUInt32LE(value)
    node = Array.from({ length: entries }, (_, i) => value + 8 * (i + 1)).find(at => bytes.readInt32LE(at) > 0)!
    bytes.writeUInt32LE(number, node)
    if (number) assert.match(findIn(directory, bytes) ?? 'nothing', expected, `page ${number}`)
    // A count that runs beyond the value.
    bytes.writeUInt32LE(0x10000000, value)
    assert.match(findIn(directory, bytes) ?? 'nothing', /has 268435456 words in/)
  }
})

test('any bytes in the place of its pages lead to a reason or to none, and to nothing else', async ({ directory, whole }) => {
  const pages = [...pagesOf(whole, 1), ...pagesOf(whole, 2)]
  await check(fc.property(fc.constantFrom(...pages), fc.nat({ max: PAGE - 1 }), fc.uint8Array({ maxLength: 64 }), (page, at, change) => {
    const bytes = Buffer.from(whole)
    bytes.set(change.subarray(0, PAGE - at), page * PAGE + at)
    const found = findIn(directory, bytes)
    assert.ok(found === undefined || found.length)
  }), { numRuns: 100 })
})

test('what passes with a flipped bit does not kill the process that reads, writes and copies it', async ({ directory, whole }) => {
  const pages = [...pagesOf(whole, 1), ...pagesOf(whole, 2)]
  const passed: number[] = []
  await check(fc.property(fc.constantFrom(...pages), fc.nat({ max: PAGE * 8 - 1 }), (page, bit) => {
    const bytes = Buffer.from(whole)
    bytes[page * PAGE + (bit >> 3)]! ^= 1 << (bit & 7)
    if (findIn(directory, bytes) === undefined) passed.push(page * PAGE * 8 + bit)
  }), { numRuns: 60 })
  writeFileSync(dataFile(directory), whole)
  assert.is(reasonToDiscard(directory, checksum), undefined)
  const { code, signal, output } = await runScript('../storage/flipped-child.js', [directory, JSON.stringify(passed)])
  assert.is(signal, null, `the process died of ${signal} at bit ${output.trim().split('\n').pop()}`)
  assert.is(code, 0, output)
})

test.run()
