import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { BlockStore, TransactionAborted } from '../../storage/block-store.js'
import { reasonToDiscard } from '../../storage/guard.js'
import { makeChecksum } from './bytes.js'

const checksum = makeChecksum()

const test = suite<{ directory: string, store: BlockStore }>('block store')
const NOTHING = new Map<string, Buffer>()

test.before.each(context => {
  context.directory = mkdtempSync(join(tmpdir(), 'vector-level-blocks-'))
  context.store = new BlockStore(join(context.directory, 'index-1'))
})
test.after.each(async ({ directory, store }) => {
  await store.close()
  rmSync(directory, { recursive: true, force: true })
})

test('blocks and metadata are read as they were written', ({ store }) => {
  const blocks = [4072, 8168, 16360, 32744, 65512].map((byteLength, i) => ({ place: 2 ** 31 * i + i, bytes: Buffer.alloc(byteLength, i + 1) }))
  store.write(blocks, new Map([['checkpoint', Buffer.from('state')]]))
  for (const { place, bytes } of blocks) {
    const target = new Uint8Array(bytes.length)
    assert.ok(store.read(place, target))
    assert.ok(bytes.equals(target), `place ${place}`)
  }
  assert.is(store.readMeta('checkpoint')!.toString(), 'state')
  assert.is(store.readMeta('other'), undefined)
  assert.equal([...store.places()], blocks.map(({ place }) => place))
})

test('a block that is not there, or has another length, is not read', ({ store }) => {
  store.write([{ place: 1, bytes: Buffer.alloc(4072, 1) }], NOTHING)
  const target = Buffer.alloc(8168, 9)
  assert.not(store.read(1, target))
  assert.not(store.read(2, target))
  assert.ok(target.equals(Buffer.alloc(8168, 9)), 'nothing was written to the target')
})

test('a later block takes the place of an earlier one', ({ store }) => {
  for (const fill of [1, 2, 3]) store.write([{ place: 7, bytes: Buffer.alloc(4072, fill) }], NOTHING)
  const target = Buffer.alloc(4072)
  store.read(7, target)
  assert.ok(target.equals(Buffer.alloc(4072, 3)))
})

test('a write whose blocks fail half way leaves nothing, and says so', ({ store }) => {
  store.write([{ place: 1, bytes: Buffer.alloc(4072, 1) }], new Map([['checkpoint', Buffer.from('old')]]))
  function* failing(): Generator<{ place: number, bytes: Uint8Array }> {
    yield { place: 1, bytes: Buffer.alloc(4072, 2) }
    yield { place: 2, bytes: Buffer.alloc(4072, 2) }
    throw new Error('no more blocks')
  }
  assert.throws(() => store.write(failing(), new Map([['checkpoint', Buffer.from('new')]])), (error: { code: string }) => error.code === 'VECTOR_IO_ERROR')
  const target = Buffer.alloc(4072)
  assert.ok(store.read(1, target))
  assert.ok(target.equals(Buffer.alloc(4072, 1)))
  assert.not(store.read(2, target))
  assert.is(store.readMeta('checkpoint')!.toString(), 'old')
})

test('a transaction that LMDB gave up as a whole says so, and the next one succeeds', ({ store }) => {
  const blocks = function* (): Generator<{ place: number, bytes: Uint8Array }> {
    yield { place: 1, bytes: new Uint8Array(100) }
    throw new Error('MDB_BAD_TXN: Transaction must abort, has a child, or is invalid: reserved freelist had a data entry with zero-size, last id 1')
  }
  assert.throws(() => store.write(blocks(), new Map()), (error: Error) => error instanceof TransactionAborted && error.code === 'VECTOR_IO_ERROR')
  store.write([{ place: 1, bytes: new Uint8Array(200).fill(3) }], new Map())
  assert.ok(store.read(1, new Uint8Array(200)))
})

test('a copy has the same blocks, and none of the free pages', async ({ store, directory }) => {
  for (let round = 0; round < 5; round++) {
    store.write(Array.from({ length: 100 - 20 * round }, (_, place) => ({ place, bytes: Buffer.alloc(65512, round) })), NOTHING)
  }
  const copy = join(directory, 'index-2')
  await store.copyTo(copy)
  assert.is(reasonToDiscard(copy, checksum), undefined)
  const other = new BlockStore(copy)
  try {
    for (const place of store.places()) {
      const [a, b] = [Buffer.alloc(65512), Buffer.alloc(65512)]
      assert.ok(store.read(place, a) && other.read(place, b))
      assert.ok(a.equals(b), `place ${place}`)
    }
    assert.ok(other.size().bytes < store.size().bytes, `${other.size().bytes} of ${store.size().bytes} bytes`)
    assert.ok(other.size().free < store.size().free, `${other.size().free} of ${store.size().free} free bytes`)
  } finally {
    await other.close()
  }
})

test.run()
