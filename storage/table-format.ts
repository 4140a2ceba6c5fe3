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

import { maskedCrc32c } from './crc32c.js'

const MAGIC = 0xdb4775248b80fb57n
const FOOTER = 48
const TRAILER = 5

interface Handle {
  offset: number
  byteLength: number
}

class Damage extends Error {}

/** What is wrong in a table, undefined for each sound block. */
export function * findInTable(bytes: Buffer): Generator<string | undefined> {
  let blocks: Handle[]
  try {
    blocks = [...handlesIn(bytes, footerOf(bytes).index, 'the index'), ...handlesIn(bytes, footerOf(bytes).names, 'the block of names')]
  } catch (error) {
    if (!(error instanceof Damage)) throw error
    yield error.message
    return
  }
  yield undefined
  for (const handle of blocks) yield findInBlock(bytes, handle, 'the block')
}

/**
 * A table of the blocks of a damaged one that are sound, where they stand, under a new index; undefined when its own index is not sound.
 *
 * So LevelDB still knows which entries are the newest, and what was deleted.
 */
export function soundTableOf(bytes: Buffer): Buffer | undefined {
  try {
    const blocks = handlesIn(bytes, footerOf(bytes).index, 'the index').filter(handle => !findInBlock(bytes, handle, 'the block') && !isCompressed(bytes, handle))
    if (!blocks.length) return undefined
    const end = Math.max(...blocks.map(({ offset, byteLength }) => offset + byteLength + TRAILER))
    const entries = blocks.map(handle => ({ key: lastKeyIn(bytes, handle), value: encodeHandle(handle) }))
    const index = encodeBlock(entries)
    const names = encodeBlock([])
    const footer = Buffer.alloc(FOOTER)
    const handles = Buffer.concat([
      encodeHandle({ offset: end + index.length, byteLength: names.length - TRAILER }), encodeHandle({ offset: end, byteLength: index.length - TRAILER })
    ])
    handles.copy(footer)
    footer.writeBigUInt64LE(MAGIC, FOOTER - 8)
    return Buffer.concat([bytes.subarray(0, end), index, names, footer])
  } catch (error) {
    if (error instanceof Damage) return undefined
    throw error
  }
}

function lastKeyIn(bytes: Buffer, handle: Handle): Buffer {
  let last: Buffer = Buffer.alloc(0)
  for (const { key } of entriesIn(bytes, handle)) last = key
  return last
}

function encodeVarint(value: number): Buffer {
  const bytes: number[] = []
  for (; value >= 128; value = Math.floor(value / 128)) bytes.push((value % 128) | 0x80)
  return Buffer.from([...bytes, value])
}

function encodeHandle({ offset, byteLength }: Handle): Buffer {
  return Buffer.concat([encodeVarint(offset), encodeVarint(byteLength)])
}

/** A block with its trailer, in which every entry is a restart point. */
function encodeBlock(entries: { key: Buffer, value: Buffer }[]): Buffer {
  const parts: Buffer[] = []
  const restarts: number[] = []
  let at = 0
  for (const { key, value } of entries) {
    const entry = Buffer.concat([encodeVarint(0), encodeVarint(key.length), encodeVarint(value.length), key, value])
    restarts.push(at)
    at += entry.length
    parts.push(entry)
  }
  // LevelDB has one restart point in an empty block as well.
  if (!restarts.length) restarts.push(0)
  const tail = Buffer.alloc(4 * restarts.length + 4 + TRAILER)
  for (const [i, restart] of restarts.entries()) tail.writeUInt32LE(restart, 4 * i)
  tail.writeUInt32LE(restarts.length, 4 * restarts.length)
  const block = Buffer.concat([...parts, tail])
  block.writeUInt32LE(maskedCrc32c(block, 0, block.length - 4), block.length - 4)
  return block
}

function footerOf(bytes: Buffer): { index: Handle, names: Handle } {
  if (bytes.length < FOOTER) throw new Damage(`has ${bytes.length} bytes, less than its footer`)
  if (bytes.readBigUInt64LE(bytes.length - 8) !== MAGIC) throw new Damage('has no magic number at its end')
  const reader = new Reader(bytes, bytes.length - FOOTER, bytes.length - 8)
  const names = reader.handle()
  return { names, index: reader.handle() }
}

function findInBlock(bytes: Buffer, { offset, byteLength }: Handle, what: string): string | undefined {
  const end = offset + byteLength
  if (end + TRAILER > bytes.length - FOOTER) return `has ${what} from ${offset} to ${end}, beyond its ${bytes.length} bytes`
  return bytes.readUInt32LE(end + 1) === maskedCrc32c(bytes, offset, end + 1) ? undefined : `fails the checksum of ${what} from ${offset} to ${end}`
}

/** Ours are not; LevelDB's own repair writes such, which are not looked into. */
function isCompressed(bytes: Buffer, { offset, byteLength }: Handle): boolean {
  return bytes[offset + byteLength] !== 0
}

/** The values of a block of handles. */
function handlesIn(bytes: Buffer, handle: Handle, what: string): Handle[] {
  const wrong = findInBlock(bytes, handle, what)
  if (wrong) throw new Damage(wrong)
  if (isCompressed(bytes, handle)) return []
  return [...entriesIn(bytes, handle)].map(({ value }) => new Reader(value, 0, value.length).handle())
}

/** The entries of a sound block. */
function * entriesIn(bytes: Buffer, { offset, byteLength }: Handle): Generator<{ key: Buffer, value: Buffer }> {
  const end = offset + byteLength
  const restarts = byteLength >= 4 ? bytes.readUInt32LE(end - 4) : Infinity
  const reader = new Reader(bytes, offset, end - 4 * (restarts + 1))
  let key: Buffer = Buffer.alloc(0)
  while (!reader.ended) {
    const shared = reader.varint()
    const rest = reader.varint()
    const length = reader.varint()
    key = Buffer.concat([key.subarray(0, shared), reader.take(rest)])
    yield { key, value: reader.take(length) }
  }
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

  take(count: number): Buffer {
    if (count < 0 || this.at + count > this.#end) throw new Damage(`has an entry that ends at ${this.at + count}, beyond ${this.#end}`)
    this.at += count
    return this.#bytes.subarray(this.at - count, this.at)
  }

  /** Numbers beyond 2^53 lose their last digits, and stay beyond all that is valid. */
  varint(): number {
    let value = 0
    for (let factor = 1; factor < 2 ** 64; factor *= 128) {
      const byte = this.take(1)[0]!
      value += (byte & 0x7f) * factor
      if (byte < 0x80) return value
    }
    throw new Damage(`has a number without end at ${this.at}`)
  }

  handle(): Handle {
    return { offset: this.varint(), byteLength: this.varint() }
  }
}
