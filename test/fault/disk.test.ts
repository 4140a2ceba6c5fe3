import * as fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { Random } from '../../floor/random.js'
import { Disk } from './disk.js'
import type { Image } from './image.js'
import type { Survivors } from './inode.js'
import type { Call } from './trace-format.js'

const SURVIVORS: Survivors[] = ['nothing', 'everything', 'oldest', 'pages', 'sectors']
const test = suite('disk')

function quoted(bytes: string | Buffer): string {
  return `"${[...Buffer.from(bytes as string)].map(byte => `\\x${byte.toString(16).padStart(2, '0')}`).join('')}"`
}

/** A disk at /d, and calls on it, one after the other. */
function played(calls: [name: string, parts: string[], result: number][]): Disk {
  const disk = new Disk('/d', new Map())
  for (const [i, [name, parts, result]] of calls.entries()) disk.apply({ name, arguments: parts, result, begin: i, end: i } satisfies Call)
  return disk
}

function create(name: string, descriptor: number, flags = 'O_WRONLY|O_CREAT'): [string, string[], number] {
  return ['openat', ['AT_FDCWD', quoted(`/d/${name}`), flags, '0666'], descriptor]
}

function write(descriptor: number, bytes: string | Buffer): [string, string[], number] {
  return ['write', [String(descriptor), quoted(bytes), String(bytes.length)], bytes.length]
}

const syncFile = (descriptor: number): [string, string[], number] => ['fdatasync', [String(descriptor)], 0]
const syncRoot: [string, string[], number][] = [['openat', ['AT_FDCWD', quoted('/d'), 'O_RDONLY'], 99], ['fsync', ['99'], 0]]

/** All that may be left, over many cuts. */
function cuts(disk: Disk): Image[] {
  return Array.from({ length: 200 }, (_, seed) => disk.cut(new Random(seed), SURVIVORS[seed % SURVIVORS.length]!))
}

function contents(disk: Disk, name: string): Set<string | undefined> {
  return new Set(cuts(disk).map(image => image.get(name)?.toString()))
}

test('what was synced is there, with the name of the file', () => {
  assert.equal(contents(played([create('a', 5), write(5, 'synced'), syncFile(5)]), 'a'), new Set(['synced']))
})

test('what was written through a descriptor with O_DSYNC is there, as soon as its file is', () => {
  const disk = played([create('a', 5), write(5, 'synced'), syncFile(5), create('a', 6, 'O_WRONLY|O_DSYNC'), write(6, 'SYN')])
  assert.equal(contents(disk, 'a'), new Set(['SYNced']))
})

test('what was not synced may be lost, be there, or be zeros', () => {
  assert.equal(contents(played([create('a', 5), syncFile(5), write(5, 'xy')]), 'a'), new Set(['', 'xy', '\0\0']))
})

test('what was written after an fsync was called is not synced by it', () => {
  const disk = new Disk('/d', new Map())
  const at = (moment: number): Pick<Call, 'begin' | 'end'> => ({ begin: moment, end: moment })
  disk.apply({ name: 'openat', arguments: create('a', 5)[1], result: 5, ...at(0) })
  disk.apply({ name: 'write', arguments: write(5, 'xy')[1], result: 2, ...at(2) })
  disk.apply({ name: 'fsync', arguments: ['5'], result: 0, begin: 1, end: 3 })
  assert.ok(contents(disk, 'a').has(''))
})

test('a rename may be seen without the content that was not synced, and a sync of the directory keeps it', () => {
  const replaced: [string, string[], number][] = [create('b', 4), write(4, 'old'), syncFile(4), create('a', 5), write(5, 'new')]
  const rename: [string, string[], number] = ['rename', [quoted('/d/a'), quoted('/d/b')], 0]
  assert.equal(contents(played([...replaced, rename]), 'b'), new Set(['old', '', 'new', '\0\0\0']))
  assert.equal(contents(played([...replaced, syncFile(5), rename]), 'b'), new Set(['old', 'new']))
  assert.equal(contents(played([...replaced, syncFile(5), rename, ...syncRoot]), 'b'), new Set(['new']))
})

test('names are lost in the reverse order of their changes, and only when nothing later was synced', () => {
  const disk = played([create('a', 4), create('b', 5), ['unlink', [quoted('/d/a')], 0], create('c', 6)])
  const names = new Set(cuts(disk).map(image => [...image.keys()].join()))
  assert.equal(names, new Set(['', 'a', 'a,b', 'b', 'b,c']))
  assert.equal(new Set(cuts(played([create('a', 4), create('b', 5), syncFile(5)])).map(image => [...image.keys()].join())), new Set(['a,b']))
})

test('a sector has what was written to it up to one moment', () => {
  fc.assert(fc.property(fc.array(fc.integer({ min: 1, max: 900 }), { minLength: 1, maxLength: 12 }), fc.integer(), (lengths, seed) => {
    const disk = played([create('a', 5), syncFile(5), ...lengths.map((length, i) => write(5, Buffer.alloc(length, i + 1)))])
    const whole = Buffer.concat(lengths.map((length, i) => Buffer.alloc(length, i + 1)))
    const found = disk.cut(new Random(seed), 'sectors').get('a')!
    for (let sector = 0; sector < found.length; sector += 512) {
      const part = found.subarray(sector, sector + 512)
      const written = part.findLastIndex(byte => byte !== 0) + 1
      assert.equal([...part.subarray(0, written)], [...whole.subarray(sector, sector + written)])
    }
  }))
})

test('calls that it does not know are refused on its files, and nowhere else', () => {
  const disk = played([create('a', 5)])
  assert.throws(() => disk.apply({ name: 'fallocate', arguments: ['5', '0', '0', '10'], result: 0, begin: 1, end: 1 }), /knows no fallocate/)
  assert.not.ok(disk.apply({ name: 'fallocate', arguments: ['7', '0', '0', '10'], result: 0, begin: 1, end: 1 }))
})

test.run()
