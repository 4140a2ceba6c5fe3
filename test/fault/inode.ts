import type { Random } from '../../floor/random.js'

const SECTOR = 512
const PAGE = 4096

export interface Write {
  offset: number
  /** None: the file was cut off, or made longer, at `offset`. */
  bytes?: Buffer
  /** When it ended. */
  at: number
  /** It was on stable storage then, with what its sectors held before. */
  synchronous?: boolean
}

/** A file or directory, whatever its name is at the moment. */
export interface Inode {
  /** The content that no cut takes away; undefined for directories. */
  durable: Buffer | undefined
  /** Writes since then, in their order. */
  pending: Write[]
  byteLength: number
}

/** What a cut leaves of what was not synced. */
export type Survivors = 'nothing' | 'everything' | 'oldest' | 'pages' | 'sectors'

export function newInode(content: Buffer | undefined): Inode {
  return { durable: content, pending: [], byteLength: content?.length ?? 0 }
}

/** The content after a write. */
export function changed(content: Buffer, { offset, bytes }: Write): Buffer {
  const byteLength = bytes ? Math.max(content.length, offset + bytes.length) : offset
  const result = byteLength > content.length ? Buffer.concat([content, Buffer.alloc(byteLength - content.length)]) : content.subarray(0, byteLength)
  bytes?.copy(result, offset)
  return result
}

/** One of the contents that the disk may hold of a file. */
export function contentOf({ durable, pending }: Inode, random: Random, survivors: Survivors): Buffer {
  const count = pending.length
  const most = pending.reduce((bytes, write) => Math.max(bytes, write.offset + (write.bytes?.length ?? 0)), durable!.length)
  const content = Buffer.alloc(most)
  durable!.copy(content)
  const versions = versionsOf(Math.ceil(most / SECTOR), count, random, survivors)
  let byteLength = durable!.length
  let reached = survivors === 'everything' ? count : survivors === 'oldest' ? versions[0]! : random.below(2) ? count : random.below(count + 1)
  for (const [i, { offset, bytes, synchronous }] of pending.entries()) {
    if (!synchronous) continue
    const end = offset + bytes!.length
    for (let sector = Math.floor(offset / SECTOR); sector * SECTOR < end; sector++) versions[sector] = Math.max(versions[sector]!, i + 1)
    reached = Math.max(reached, i + 1)
  }
  for (const [i, { offset, bytes }] of pending.entries()) {
    if (i < reached) byteLength = bytes ? Math.max(byteLength, offset + bytes.length) : offset
    for (let from = offset, end = bytes ? offset + bytes.length : most; from < end;) {
      const sector = Math.floor(from / SECTOR)
      const to = Math.min(end, (sector + 1) * SECTOR)
      // A sector holds everything that was written to it until it went to the disk.
      if (i < versions[sector]!) bytes ? bytes.copy(content, from, from - offset, to - offset) : content.fill(0, from, to)
      from = to
    }
  }
  return content.subarray(0, byteLength)
}

/** For each sector, of how many of the writes it has what they wrote there. */
function versionsOf(sectors: number, count: number, random: Random, survivors: Survivors): number[] {
  const any = (): number => [0, count, random.below(count + 1)][random.below(3)]!
  const same = survivors === 'everything' ? count : survivors === 'nothing' ? 0 : random.below(count + 1)
  let page = 0
  let torn = false
  return Array.from({ length: sectors }, (_, sector) => {
    if (survivors !== 'pages' && survivors !== 'sectors') return same
    if (sector % (PAGE / SECTOR) === 0) {
      page = any()
      torn = survivors === 'sectors' || random.below(8) === 0
    }
    return torn ? any() : page
  })
}
