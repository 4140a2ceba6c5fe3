import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { logKey } from '../../storage/keys.js'
import { Truth } from '../../storage/truth.js'

const test = suite<{ directory: string, truth: Truth }>('truth')

test.before.each(async context => {
  context.directory = mkdtempSync(join(tmpdir(), 'vector-level-truth-'))
  context.truth = await Truth.open(join(context.directory, 'truth'), true)
})
test.after.each(async ({ directory, truth }) => {
  await truth.close()
  rmSync(directory, { recursive: true, force: true })
})

const key = (number: number): Buffer => logKey(number)
const value = (number: number): Buffer => Buffer.alloc(100, number)

async function fill(truth: Truth, from: number, to: number, sync = false): Promise<void> {
  await truth.commit(batch => {
    for (let i = from; i < to; i++) batch.put(key(i), value(i))
  }, sync)
}

async function codeOf(run: () => Promise<unknown>): Promise<string | undefined> {
  try {
    await run()
    return undefined
  } catch (error) {
    return (error as { code: string }).code
  }
}

test('what was committed is read, in order, and what was deleted is not', async ({ truth }) => {
  await fill(truth, 0, 2500, true)
  await truth.commit(batch => {
    batch.del(key(7))
    batch.put(key(8), value(200))
  }, false)
  assert.is(truth.get(key(7)), undefined)
  assert.equal(truth.get(key(8)), value(200))
  const seen: number[] = []
  for await (const [stored] of truth.entries({ gte: key(5), lt: key(2000) })) seen.push(Number(stored.readBigUInt64BE(1)))
  assert.equal(seen, Array.from({ length: 1995 }, (_, i) => i + 5).filter(i => i !== 7))
  assert.equal(await truth.last({ lt: key(100) }), [key(99), value(99)])
  assert.is(await truth.last({ gt: key(5000) }), undefined)
})

test('a snapshot stays as it was', async ({ truth }) => {
  await fill(truth, 0, 10)
  const snapshot = truth.snapshot()
  await truth.commit(batch => {
    batch.del(key(3))
    batch.put(key(4), value(44))
    batch.put(key(50), value(50))
  }, false)
  assert.equal(snapshot.get(key(3)), value(3))
  assert.equal(await snapshot.getMany([key(4), key(50), key(5)]), [value(4), undefined, value(5)])
  let count = 0
  for await (const _ of snapshot.entries({})) count++
  assert.is(count, 10)
  await snapshot.close()
})

test('an iteration can be left early', async ({ truth }) => {
  await fill(truth, 0, 3000)
  for await (const [stored] of truth.entries({})) if (stored.equals(key(1200))) break
  await fill(truth, 3000, 3010)
})

test('a second opening is VECTOR_LOCKED', async ({ directory }) => {
  assert.is(await codeOf(() => Truth.open(join(directory, 'truth'), false)), 'VECTOR_LOCKED')
})

test('what was committed is there after closing and opening, with sync and without', async ({ directory }) => {
  const location = join(directory, 'other')
  let truth = await Truth.open(location, true)
  await fill(truth, 0, 10, true)
  await fill(truth, 10, 20, false)
  await truth.sync()
  await truth.close()
  truth = await Truth.open(location, false)
  for (let i = 0; i < 20; i++) assert.equal(truth.get(key(i)), value(i))
  await truth.close()
})

test('after a sync that failed nothing is written any more, and no later sync succeeds', async ({ directory }) => {
  const location = join(directory, 'other')
  const truth = await Truth.open(location, true)
  await fill(truth, 0, 10)
  // A log that the system cannot sync.
  const obstacle = join(location, '999999.log')
  mkdirSync(obstacle)
  assert.is(await codeOf(() => truth.sync()), 'VECTOR_IO_ERROR')
  rmdirSync(obstacle)
  assert.ok(truth.poisoned)
  assert.is(await codeOf(() => truth.sync()), 'VECTOR_POISONED')
  assert.is(await codeOf(() => fill(truth, 10, 20, true)), 'VECTOR_POISONED')
  assert.equal(truth.get(key(3)), value(3))
  await truth.close()
})

test('a store that lost its CURRENT file is VECTOR_CORRUPTION, and not a new one', async ({ directory }) => {
  const location = join(directory, 'other')
  const truth = await Truth.open(location, true)
  await fill(truth, 0, 10)
  await truth.close()
  rmSync(join(location, 'CURRENT'))
  assert.is(await codeOf(() => Truth.open(location, false)), 'VECTOR_CORRUPTION')
})

/** The code of opening a store and reading it, after `damage` was done to the file whose name has `part`. */
async function codeAfter(location: string, part: string, damage: (path: string) => void): Promise<string | undefined> {
  const truth = await Truth.open(location, true)
  await fill(truth, 0, 100)
  await truth.close()
  damage(join(location, readdirSync(location).find(name => name.includes(part))!))
  return await codeOf(async () => {
    const again = await Truth.open(location, false)
    try {
      for (let i = 0; i < 100; i++) assert.equal(again.get(key(i)), value(i))
    } finally {
      await again.close()
    }
  })
}

test('a damaged manifest, and a damaged end of a table, is VECTOR_CORRUPTION', async ({ directory }) => {
  const flipLast = (path: string): void => {
    const bytes = readFileSync(path)
    bytes[bytes.length - 1] ^= 1
    writeFileSync(path, bytes)
  }
  assert.is(await codeAfter(join(directory, 'a'), 'MANIFEST', path => truncateSync(path, 20)), 'VECTOR_CORRUPTION')
  assert.is(await codeAfter(join(directory, 'b'), '.ldb', flipLast), 'VECTOR_CORRUPTION')
})

test('a missing table is VECTOR_CORRUPTION, and so is one that is cut off', async ({ directory }) => {
  assert.is(await codeAfter(join(directory, 'a'), '.ldb', path => rmSync(path)), 'VECTOR_CORRUPTION')
  assert.is(await codeAfter(join(directory, 'b'), '.ldb', path => truncateSync(path, 20)), 'VECTOR_CORRUPTION')
})

test('a directory that cannot be made is VECTOR_IO_ERROR', async ({ directory }) => {
  writeFileSync(join(directory, 'file'), '')
  assert.is(await codeOf(() => Truth.open(join(directory, 'file'), true)), 'VECTOR_IO_ERROR')
})

test('an error of the caller while filling a batch writes nothing and poisons nothing', async ({ truth }) => {
  await fill(truth, 0, 1)
  let message = ''
  try {
    await truth.commit(batch => {
      batch.put(key(5), value(5))
      throw new Error('changed its mind')
    }, false)
  } catch (error) {
    message = (error as Error).message
  }
  assert.is(message, 'changed its mind')
  assert.not(truth.poisoned)
  assert.is(truth.get(key(5)), undefined)
  await fill(truth, 1, 2)
})

test('compacting gives back the bytes of what was deleted', async ({ truth }) => {
  for (let i = 0; i < 20; i++) await fill(truth, i * 1000, (i + 1) * 1000)
  await truth.compact(key(0), key(20_000))
  const before = await truth.byteLength()
  assert.ok(before > 1_000_000, `${before} bytes`)
  await truth.commit(batch => {
    for (let i = 0; i < 19_000; i++) batch.del(key(i))
  }, false)
  await truth.compact(key(0), key(20_000))
  const after = await truth.byteLength()
  assert.ok(after < before / 5, `${after} of ${before} bytes`)
})

test.run()
