/**
 * A manifest of LevelDB: which tables count. It is a log of edits, in blocks of 32 KiB, of which a tail of less than 7 bytes is empty:
 *
 * | offset | bytes | type | name | meaning |
 * |---|---|---|---|---|
 * | 0 | 4 | u32 | checksum | of kind and data, masked |
 * | 4 | 2 | u16 | length | of the data |
 * | 6 | 1 | u8 | kind | 1 whole, 2 first, 3 middle, 4 last part of an edit |
 * | 7 | length | | data | |
 *
 * An edit is a sequence of fields, each a varint tag and what follows it: 1 name, 2 number, 3 number, 4 number, 5 level and key, 6 level and
 * number of a table that counts no more, 7 level, number, byteLength, key and key of one that counts from now on, 9 number. A name or
 * key is a varint length and its bytes; all else are varints.
 */

import { maskedCrc32c } from './crc32c.js'

const BLOCK = 32768
const HEADER = 7
const WHOLE = 1
const FIRST = 2
const LAST = 4

/** The numbers and lengths of the tables that count, by all edits up to the end, or to the first that is not whole: that was being written. */
export function tablesIn(manifest: Buffer): Map<number, number> {
  const tables = new Map<number, number>()
  for (const edit of editsIn(manifest)) {
    try {
      apply(edit, tables)
    } catch (error) {
      if (error instanceof RangeError) return tables
      throw error
    }
  }
  return tables
}

function * editsIn(manifest: Buffer): Generator<Buffer> {
  let parts: Buffer[] = []
  for (let at = 0; at + HEADER <= manifest.length;) {
    const left = BLOCK - (at % BLOCK)
    if (left < HEADER) {
      at += left
      continue
    }
    const length = manifest.readUInt16LE(at + 4)
    const kind = manifest[at + 6]!
    const end = at + HEADER + length
    if (kind < WHOLE || kind > LAST || end > manifest.length || manifest.readUInt32LE(at) !== maskedCrc32c(manifest, at + 6, end)) return
    if (kind === WHOLE || kind === FIRST) parts = []
    parts.push(manifest.subarray(at + HEADER, end))
    if (kind === WHOLE || kind === LAST) yield Buffer.concat(parts)
    at = end
  }
}

/** @throws {RangeError} when a field is not whole */
function apply(edit: Buffer, tables: Map<number, number>): void {
  let at = 0
  const varint = (): number => {
    let value = 0
    for (let factor = 1; ; factor *= 128) {
      const byte = edit.readUInt8(at++)
      value += (byte & 0x7f) * factor
      if (byte < 0x80) return value
    }
  }
  const skipBytes = (): void => {
    const length = varint()
    at += length
  }
  while (at < edit.length) {
    const tag = varint()
    if (tag === 1) skipBytes()
    else if (tag === 2 || tag === 3 || tag === 4 || tag === 9) varint()
    else if (tag === 5) {
      varint()
      skipBytes()
    } else if (tag === 6) {
      varint()
      tables.delete(varint())
    } else if (tag === 7) {
      varint()
      tables.set(varint(), varint())
      skipBytes()
      skipBytes()
    } else throw new RangeError(`tag ${tag} is unknown`)
  }
}
