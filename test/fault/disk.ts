import { dirname } from 'node:path'
import type { Random } from '../../floor/random.js'
import type { Image } from './image.js'
import { changed, contentOf, type Inode, newInode, type Survivors } from './inode.js'
import { bytesOf, type Call, textOf } from './trace-format.js'

interface OpenFile {
  inode: Inode
  position: number
  /** Every write is on stable storage when it returns. */
  synchronous: boolean
}

/** A change of the names: `to` is a new name of `inode`, `from` is one no more. */
interface Renaming {
  inode: Inode
  from?: string
  to?: string
  at: number
}

/**
 * A disk under a file system that promises what ext4 and xfs do, and no more:
 *
 * - What a file held when fsync or fdatasync was called is there after they return, and what was written through a descriptor with O_SYNC or
 *   O_DSYNC after the write returns.
 * - Of what was written since, each sector may be there in any state that it had, or as it was before; a page mostly comes and goes as one. The
 *   length of a file may be ahead of what was written to it: zeros stand there then.
 * - Names (files created, renamed or removed, directories) change in the order of a journal: of those that were not synced a beginning is
 *   there. An fsync of a directory brings the journal up to its last change, an fsync of a file up to the creation of that file. LevelDB rests on
 *   the latter for its logs and tables, and on the order when it removes files after CURRENT was renamed: it syncs no directory then.
 * - A rename does not sync the content of what is renamed (ext4 often does so, xfs does not).
 */
export class Disk {
  readonly #root: string
  readonly #files = new Map<number, OpenFile>()
  /** As the process sees them, and as no cut can take them away. */
  readonly #names = new Map<string, Inode>()
  readonly #durableNames = new Map<string, Inode>()
  #journal: Renaming[] = []

  constructor(root: string, initial: Image) {
    this.#root = root
    this.#names.set('', newInode(undefined))
    for (const [path, content] of initial) this.#names.set(path, newInode(content && Buffer.from(content)))
    for (const [path, inode] of this.#names) this.#durableNames.set(path, inode)
  }

  /** Does what a call did; false when it had nothing to do with this disk. */
  apply({ name, arguments: parts, result, begin, end: at }: Call): boolean {
    if (result < 0) return false
    const file = this.#files.get(Number(parts[0]))
    switch (name) {
      case 'open':
        return this.#open(result, parts[0]!, parts[1]!, at)
      case 'openat':
        return this.#open(result, parts[1]!, parts[2]!, at)
      case 'close':
        return this.#files.delete(Number(parts[0]))
      case 'write':
      case 'writev':
        if (file) file.position = this.#write(file, file.position, bytesOf(parts[1]!).subarray(0, result), at)
        break
      case 'pwrite64':
      case 'pwritev':
        if (file) this.#write(file, Number(parts[3]), bytesOf(parts[1]!).subarray(0, result), at)
        break
      case 'ftruncate':
        if (file) this.#resize(file.inode, Number(parts[1]), at)
        break
      case 'lseek':
        if (file) file.position = result
        break
      case 'fsync':
      case 'fdatasync':
        if (file) this.#sync(file.inode, begin)
        break
      case 'rename':
        return this.#rename(this.#within(parts[0]!), this.#within(parts[1]!), at)
      case 'renameat':
      case 'renameat2':
        return this.#rename(this.#within(parts[1]!), this.#within(parts[3]!), at)
      case 'mkdir':
        return this.#add(this.#within(parts[0]!), newInode(undefined), at)
      case 'unlink':
      case 'rmdir':
        return this.#remove(this.#within(parts[0]!), at)
      case 'mmap':
        this.#map(this.#files.get(Number(parts[4])), parts[2]!, parts[3]!)
        return false
      case 'fcntl':
        if (file && parts[1]!.startsWith('F_DUPFD')) this.#files.set(result, file)
        break
      default:
        if (file || parts.some(part => part.startsWith('"') && this.#within(part) !== undefined)) {
          throw new Error(`this disk knows no ${name}(${parts.join(', ').slice(0, 200)})`)
        }
    }
    return file !== undefined
  }

  /** What the disk holds when the power is cut now. */
  cut(random: Random, survivors: Survivors): Image {
    const names = new Map(this.#durableNames)
    const { length } = this.#journal
    const kept = survivors === 'everything' ? length : [0, length, random.below(length + 1)][random.below(3)]!
    for (const renaming of this.#journal.slice(0, kept)) carryOut(renaming, names)
    names.delete('')
    const image: Image = new Map()
    for (const [path, inode] of [...names].sort(([a], [b]) => (a < b ? -1 : 1))) image.set(path, inode.durable && contentOf(inode, random, survivors))
    return image
  }

  /** The path in this disk; undefined for others. */
  #within(argument: string): string | undefined {
    const path = textOf(argument)
    if (path === this.#root) return ''
    return path.startsWith(`${this.#root}/`) ? path.slice(this.#root.length + 1).replace(/\/$/, '') : undefined
  }

  #open(descriptor: number, argument: string, flags: string, at: number): boolean {
    this.#files.delete(descriptor)
    const path = this.#within(argument)
    if (path === undefined) return false
    if (!this.#names.has(path)) this.#add(path, newInode(Buffer.alloc(0)), at)
    const inode = this.#names.get(path)!
    if (/O_TRUNC/.test(flags) && inode.byteLength) this.#resize(inode, 0, at)
    if (/O_APPEND/.test(flags)) throw new Error(`this disk knows no O_APPEND: ${path}`)
    this.#files.set(descriptor, { inode, position: 0, synchronous: /O_D?SYNC/.test(flags) })
    return true
  }

  #write({ inode, synchronous }: OpenFile, offset: number, bytes: Buffer, at: number): number {
    inode.byteLength = Math.max(inode.byteLength, offset + bytes.length)
    inode.pending.push({ offset, bytes, at, synchronous })
    return offset + bytes.length
  }

  #resize(inode: Inode, byteLength: number, at: number): void {
    inode.byteLength = byteLength
    inode.pending.push({ offset: byteLength, at })
  }

  #sync(inode: Inode, begun: number): void {
    const synced = inode.pending.filter(({ at }) => at < begun)
    for (const write of synced) inode.durable = changed(inode.durable!, write)
    inode.pending = inode.pending.slice(synced.length)
    const last = this.#journal.findLastIndex(renaming => renaming.at < begun &&
      (inode.durable ? isCreationOf(inode, renaming) : this.#isIn(inode, renaming)))
    for (const renaming of this.#journal.splice(0, last + 1)) carryOut(renaming, this.#durableNames)
  }

  #isIn(directory: Inode, { inode, from, to }: Renaming): boolean {
    return inode === directory || [from, to].some(path => path !== undefined && this.#names.get(parentOf(path)) === directory)
  }

  #add(path: string | undefined, inode: Inode, at: number): boolean {
    return path !== undefined && this.#change({ inode, to: path, at })
  }

  #remove(path: string | undefined, at: number): boolean {
    return path !== undefined && this.#change({ inode: this.#names.get(path)!, from: path, at })
  }

  #rename(from: string | undefined, to: string | undefined, at: number): boolean {
    if (from === undefined || to === undefined) return false
    const inode = this.#names.get(from)!
    if (!inode.durable) throw new Error(`this disk renames no directories: ${from}`)
    return this.#change({ inode, from, to, at })
  }

  #change(renaming: Renaming): boolean {
    carryOut(renaming, this.#names)
    this.#journal.push(renaming)
    return true
  }

  /** Writes through memory cannot be seen: nothing that matters may be written so. The locks do not matter. */
  #map(file: OpenFile | undefined, protection: string, flags: string): void {
    if (!file || !protection.includes('PROT_WRITE') || !flags.includes('MAP_SHARED')) return
    const name = [...this.#names].find(([, inode]) => inode === file.inode)?.[0]
    if (!name?.endsWith('lock.mdb')) throw new Error(`this disk does not see what is written to ${name} through memory`)
  }
}

function parentOf(path: string): string {
  const parent = dirname(path)
  return parent === '.' ? '' : parent
}

function isCreationOf(inode: Inode, renaming: Renaming): boolean {
  return renaming.inode === inode && renaming.from === undefined
}

function carryOut({ inode, from, to }: Renaming, names: Map<string, Inode>): void {
  if (from !== undefined) names.delete(from)
  if (to !== undefined) names.set(to, inode)
}
