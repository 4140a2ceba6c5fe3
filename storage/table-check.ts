/**
 * A table of LevelDB (N.ldb), from its end to its beginning:
 *
 * | where | bytes | type | meaning |
 * |---|---|---|---|
 * | last 8 | 8 | u64 | magic number |
 * | last 48 | up to 40 | handle * 2 | of the block of names, and of the index; a handle is varint offset, varint byteLength |
 * | index | | | a block: an entry a block of records, with its handle as value |
 * | names | | | a block: an entry a filter, with the handle of its block |
 *
 * A block is followed by u8 compression and u32 checksum: CRC-32C of both, rotated and added to. It holds entries and u32 restart points,
 * then their number; an entry is varint shared, varint rest, varint value (numbers of bytes), the rest of the key, the value.
 */

import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { crc32c } from './crc32c.js'

const MAGIC = 0xdb4775248b80fb57n
const FOOTER = 48
const TRAILER = 5
const MASK_DELTA = 0xa282ead8
/** A table that was not written to for so long is complete. */
const SETTLED_MS = 5000

interface Handle {
  offset: number
  byteLength: number
}

class Damage extends Error {}

/**
 * Looks for damage in all tables of a LevelDB directory, which may be open: yields a sentence for each, and undefined for each sound block.
 *
 * LevelDB itself does not look at these checksums when it reads, and passes over what it cannot make sense of.
 *
 * Cost: reads all files; a few microseconds a block, and a table at a time in memory.
 */
export async function * findInTables(directory: string): AsyncGenerator<string | undefined> {
  for (const name of (await readdir(directory)).sort()) {
    if (!name.endsWith('.ldb') && !name.endsWith('.sst')) continue
    for (let settled = false; ; settled = true) {
      const path = join(directory, name)
      const bytes = await readFile(path).catch(ignoreMissing)
      if (!bytes) break
      const findings: string[] = []
      for (const finding of findInTable(bytes)) {
        if (finding === undefined) yield undefined
        else findings.push(finding)
      }
      if (findings.length && !settled && await mayBeUnfinished(path)) continue
      for (const finding of findings) yield `table ${name} ${finding}`
      break
    }
  }
}

/** What is wrong in a table, undefined for each sound block. */
export function * findInTable(bytes: Buffer): Generator<string | undefined> {
  let index: Handle[]
  try {
    if (bytes.length < FOOTER) throw new Damage(`has ${bytes.length} bytes, less than its footer`)
    if (bytes.readBigUInt64LE(bytes.length - 8) !== MAGIC) throw new Damage('has no magic number at its end')
    const footer = new Reader(bytes, bytes.length - FOOTER, bytes.length - 8)
    const names = footer.handle()
    index = handlesIn(bytes, footer.handle(), 'the index')
    yield undefined
    index.push(...handlesIn(bytes, names, 'the block of names'))
    yield undefined
  } catch (error) {
    if (!(error instanceof Damage)) throw error
    yield error.message
    return
  }
  for (const handle of index) yield findInBlock(bytes, handle, 'the block')
}

/** Waits until a file has not been written to for a while; false when it has not been anyway, or is gone. */
async function mayBeUnfinished(path: string): Promise<boolean> {
  let waited = false
  for (;;) {
    const stats = await stat(path).catch(ignoreMissing)
    const left = stats ? stats.mtimeMs + SETTLED_MS - Date.now() : 0
    if (left <= 0) return waited || !stats
    waited = true
    await delay(Math.min(left, SETTLED_MS))
  }
}

/** A compaction removes tables at any time. */
function ignoreMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error
}

function findInBlock(bytes: Buffer, { offset, byteLength }: Handle, what: string): string | undefined {
  const end = offset + byteLength
  if (end + TRAILER > bytes.length - FOOTER) return `has ${what} from ${offset} to ${end}, beyond its ${bytes.length} bytes`
  const masked = bytes.readUInt32LE(end + 1) - MASK_DELTA >>> 0
  const expected = (masked >>> 17 | masked << 15) >>> 0
  return crc32c(bytes, offset, end + 1) === expected ? undefined : `fails the checksum of ${what} from ${offset} to ${end}`
}

/** The values of a block of handles. */
function handlesIn(bytes: Buffer, handle: Handle, what: string): Handle[] {
  const wrong = findInBlock(bytes, handle, what)
  if (wrong) throw new Damage(wrong)
  const end = handle.offset + handle.byteLength
  if (bytes[end] !== 0) throw new Damage(`has ${what} compressed`)
  const restarts = handle.byteLength >= 4 ? bytes.readUInt32LE(end - 4) : Infinity
  const reader = new Reader(bytes, handle.offset, end - 4 * (restarts + 1))
  const handles: Handle[] = []
  while (!reader.ended) {
    reader.varint()
    const rest = reader.varint()
    const value = reader.varint()
    reader.skip(rest)
    const after = reader.at + value
    handles.push(reader.handle())
    reader.skip(after - reader.at)
  }
  return handles
}

/** Reads numbers one after the other, and not beyond an end. */
class Reader {
  at: number
  readonly #bytes: Buffer
  readonly #end: number

  constructor(bytes: Buffer, from: number, end: number) {
    if (end < from) throw new Damage(`has nothing between ${from} and ${end}`)
    this.#bytes = bytes
    this.at = from
    this.#end = end
  }

  get ended(): boolean {
    return this.at >= this.#end
  }

  skip(count: number): void {
    if (count < 0 || this.at + count > this.#end) throw new Damage(`has an entry that ends at ${this.at + count}, beyond ${this.#end}`)
    this.at += count
  }

  /** Numbers beyond 2^53 lose their last digits, and stay beyond all that is valid. */
  varint(): number {
    let value = 0
    for (let factor = 1; factor < 2 ** 64; factor *= 128) {
      this.skip(1)
      const byte = this.#bytes[this.at - 1]!
      value += (byte & 0x7f) * factor
      if (byte < 0x80) return value
    }
    throw new Damage(`has a number without end at ${this.at}`)
  }

  handle(): Handle {
    return { offset: this.varint(), byteLength: this.varint() }
  }
}
