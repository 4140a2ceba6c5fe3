import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { basename, join, relative } from 'node:path'
import type { Random } from '../../floor/random.js'
import { PAGE_BYTES } from '../../storage/kernel/layout.js'

const SECTOR = 512
const PAGE_HEADER = 24
const OVERFLOW = 4

/** How often files are chosen that end so; else any of all. */
const SHARES: [ending: string, most: number][] = [['data.mdb', 0.45], ['.ldb', 0.65], ['.log', 0.78]]

/** What was done to which file. */
export interface Damage {
  file: string
  what: string
}

/** Damages one file of the store in `location`; `others` are stores of which a file of the same role may take its place. */
export function damage(location: string, others: string[], random: Random): Damage {
  const files = filesIn(location)
  const share = random.next()
  const [ending] = SHARES.find(([, most]) => share < most) ?? ['']
  const weighted = files.filter(name => name.endsWith(ending))
  const file = pick(random, weighted.length ? weighted : files)
  const path = join(location, file)
  const bytes = readFileSync(path)
  const ways = file.endsWith('data.mdb') && bytes.length >= 3 * PAGE_BYTES ? [...WAYS, ...PAGE_WAYS, ...PAGE_WAYS, ...PAGE_WAYS] : WAYS
  const [what, way] = pick(random, ways)
  const damaged = way(bytes, random, { file, others })
  if (damaged === undefined) rmSync(path)
  else writeFileSync(path, damaged)
  return { file, what }
}

export function filesIn(location: string): string[] {
  return readdirSync(location, { recursive: true, withFileTypes: true }).filter(entry => entry.isFile())
    .map(entry => relative(location, join(entry.parentPath ?? entry.path, entry.name))).sort()
}

/** The part that a file plays, whatever its number. */
export function roleOf(file: string): string {
  return basename(file).replace(/^\d+/, 'N').replace(/^MANIFEST-\d+/, 'MANIFEST')
}

function pick<T>(random: Random, items: readonly T[]): T {
  return items[random.below(items.length)]!
}

/** What a file becomes, undefined when it goes. */
type Way = (bytes: Buffer, random: Random, where: { file: string, others: string[] }) => Buffer | undefined

const WAYS: [string, Way][] = [
  ['cut off', (bytes, random) => bytes.subarray(0, cutOf(bytes, random))],
  ['cut off by a byte', bytes => bytes.subarray(0, Math.max(0, bytes.length - 1))],
  ['a bit flipped', (bytes, random) => flipped(bytes, random.below(bytes.length * 8))],
  ['zeroed', (bytes, random) => overwritten(bytes, random, () => 0)],
  ['garbage', (bytes, random) => overwritten(bytes, random, () => random.below(256))],
  ['deleted', () => undefined],
  ['all garbage', (bytes, random) => garbage(random, bytes.length)],
  ['replaced', (bytes, random, { file, others }) => replacement(file, others, random) ?? bytes],
  ['garbage behind', (bytes, random) => Buffer.concat([bytes, garbage(random, 1 + random.below(2 * PAGE_BYTES))])]
]

/** For the pages of LMDB: those of its trees before those of blocks. */
const PAGE_WAYS: [string, Way][] = [
  ['a bit of a page flipped', (bytes, random) => {
    const page = pageOf(bytes, random)
    return flipped(bytes, page * PAGE_BYTES * 8 + random.below(kindOf(bytes, page) === OVERFLOW ? PAGE_HEADER * 8 : PAGE_BYTES * 8))
  }],
  ['a bit of a page header flipped', (bytes, random) => {
    const at = pageOf(bytes, random) * PAGE_BYTES + random.below(3 * PAGE_HEADER)
    return flipped(bytes, at * 8 + random.below(8))
  }],
  ['a word of a page overwritten', (bytes, random) => {
    const damaged = Buffer.from(bytes)
    const page = pageOf(bytes, random)
    const at = page * PAGE_BYTES + 2 * random.below(random.below(2) ? PAGE_BYTES / 2 : 100)
    damaged.writeUInt16LE(pick(random, [0, 1, 2, 4, 0xffff, 0x7fff, random.below(PAGE_BYTES), random.below(bytes.length / PAGE_BYTES)]), at)
    return damaged
  }],
  ['a page zeroed', (bytes, random) => withPage(bytes, pageOf(bytes, random), Buffer.alloc(PAGE_BYTES))],
  ['a page of garbage', (bytes, random) => withPage(bytes, pageOf(bytes, random), garbage(random, PAGE_BYTES))],
  ['half a page of another', (bytes, random) => {
    const page = pageOf(bytes, random)
    const half = Buffer.concat([pageAt(bytes, pageOf(bytes, random)).subarray(0, PAGE_BYTES / 2), pageAt(bytes, page).subarray(PAGE_BYTES / 2)])
    return withPage(bytes, page, half)
  }],
  ['a page over another', (bytes, random) => withPage(bytes, pageOf(bytes, random), pageAt(bytes, pageOf(bytes, random)))],
  ['two pages swapped', (bytes, random) => {
    const [a, b] = [pageOf(bytes, random), pageOf(bytes, random)]
    return withPage(withPage(bytes, a, pageAt(bytes, b)), b, pageAt(bytes, a))
  }]
]

function cutOf(bytes: Buffer, random: Random): number {
  const unit = pick(random, [1, SECTOR, PAGE_BYTES])
  return random.below(4) ? Math.min(bytes.length, unit * random.below(Math.ceil(bytes.length / unit) + 1)) : Math.min(bytes.length, random.below(2))
}

function flipped(bytes: Buffer, bit: number): Buffer {
  const damaged = Buffer.from(bytes)
  if (bit >> 3 < damaged.length) damaged[bit >> 3]! ^= 1 << (bit & 7)
  return damaged
}

function overwritten(bytes: Buffer, random: Random, value: () => number): Buffer {
  const damaged = Buffer.from(bytes)
  const length = pick(random, [1, 4, 30, SECTOR, PAGE_BYTES])
  const unit = length >= SECTOR ? length : 1
  const from = unit * random.below(Math.ceil(bytes.length / unit) || 1)
  for (let at = from; at < Math.min(from + length, damaged.length); at++) damaged[at] = value()
  return damaged
}

function garbage(random: Random, length: number): Buffer {
  return Buffer.from(Array.from({ length }, () => random.below(256)))
}

/** The file of that role in another store. */
function replacement(file: string, others: string[], random: Random): Buffer | undefined {
  const candidates = others.filter(existsSync).flatMap(other => filesIn(other).map(name => join(other, name)))
    .filter(path => roleOf(path) === roleOf(file))
    // What stood in the truth before is no damage of one file, it is another store.
    .filter(path => !path.includes('-earlier') || !file.startsWith('data-1/truth'))
  return candidates.length ? readFileSync(pick(random, candidates)) : undefined
}

function kindOf(bytes: Buffer, page: number): number {
  return bytes.readUInt16LE(page * PAGE_BYTES + 18)
}

function pageOf(bytes: Buffer, random: Random): number {
  const pages = Math.floor(bytes.length / PAGE_BYTES)
  const structure = Array.from({ length: pages }, (_, page) => page).filter(page => [1, 2, 8].includes(kindOf(bytes, page)))
  return structure.length && random.below(5) ? pick(random, structure) : random.below(pages)
}

function pageAt(bytes: Buffer, page: number): Buffer {
  return bytes.subarray(page * PAGE_BYTES, (page + 1) * PAGE_BYTES)
}

function withPage(bytes: Buffer, page: number, content: Buffer): Buffer {
  const damaged = Buffer.from(bytes)
  content.copy(damaged, page * PAGE_BYTES)
  return damaged
}
