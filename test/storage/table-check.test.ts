import { mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import fc from 'fast-check'
import { damagedTables, findInNewTables, findInTables, noteTables } from '../../storage/table-check.js'
import { tablesIn } from '../../storage/manifest-format.js'
import { findInTable, soundTableOf } from '../../storage/table-format.js'
import { Truth } from '../../storage/truth.js'
import { check } from '../seed.js'

const test = suite<{ directory: string, name: string, whole: Buffer }>('table check')

test.before.each(async context => {
  context.directory = join(mkdtempSync(join(tmpdir(), 'vector-level-table-')), 'truth')
  const truth = await Truth.open(context.directory, true)
  await truth.commit(batch => {
    for (let i = 0; i < 300; i++) batch.put(Buffer.from(`key ${i}`), Buffer.alloc(100, i))
  }, true)
  await truth.close()
  const [name, ...others] = readdirSync(context.directory).filter(file => file.endsWith('.ldb'))
  assert.equal(others, [])
  context.name = name!
  context.whole = readFileSync(join(context.directory, name!))
})
test.after.each(({ directory }) => rmSync(join(directory, '..'), { recursive: true, force: true }))

/** What is said of the directory with other bytes in its table; and how many blocks are sound. */
async function findWith(directory: string, name: string, bytes: Uint8Array): Promise<{ findings: string[], sound: number }> {
  const path = join(directory, name)
  writeFileSync(path, bytes)
  // Long ago, so that nobody can be writing it.
  utimesSync(path, 1, 1)
  const findings: string[] = []
  let sound = 0
  for await (const finding of findInTables(directory)) {
    if (finding === undefined) sound++
    else findings.push(finding)
  }
  return { findings, sound }
}

test('a table that LevelDB wrote is sound, block by block', async ({ directory, name, whole }) => {
  const { findings, sound } = await findWith(directory, name, whole)
  assert.equal(findings, [])
  assert.ok(sound > 300 * 100 / 5000 + 2, `${sound} blocks`)
})

test('what a compaction that failed has left is nothing to tell of: it does not count', async ({ directory, name, whole }) => {
  const left = join(directory, '000999.ldb')
  writeFileSync(left, whole.subarray(0, 1000))
  utimesSync(left, 1, 1)
  assert.equal((await findWith(directory, name, whole)).findings, [])
  assert.is((await findWith(directory, name, whole.subarray(0, 1000))).findings.length, 1)
})

test('any flipped bit is noticed, but where the footer says the same with it', ({ whole }) => {
  for (let bit = 0; bit < whole.length * 8; bit += bit < (whole.length - 700) * 8 ? 97 : 1) {
    const flipped = Buffer.from(whole)
    flipped[bit >> 3]! ^= 1 << (bit & 7)
    if ([...findInTable(flipped)].every(finding => finding === undefined)) {
      // In the padding, or a number that has a longer spelling then.
      assert.ok(bit >> 3 >= whole.length - 48 && (whole[bit >> 3] === 0 || (bit & 7) === 7), `bit ${bit & 7} of byte ${bit >> 3} of ${whole.length}`)
    }
  }
})

test('the file and the place are named', async ({ directory, name, whole }) => {
  const flipped = Buffer.from(whole)
  flipped[5000]! ^= 1
  const { findings, sound } = await findWith(directory, name, flipped)
  assert.is(findings.length, 1)
  assert.match(findings[0]!, new RegExp(`^table ${name} fails the checksum of the block from \\d+ to \\d+$`))
  const [from, to] = findings[0]!.match(/\d+/g)!.slice(-2).map(Number) as [number, number]
  assert.ok(from <= 5000 && 5000 < to, findings[0])
  assert.ok(sound > 5)
})

test('a table that was cut off is noticed, wherever it was', async ({ directory, name, whole }) => {
  for (const byteLength of [0, 1, 47, 48, 4096, whole.length - 49, whole.length - 1]) {
    assert.is((await findWith(directory, name, whole.subarray(0, byteLength))).findings.length, 1, `${byteLength} bytes`)
  }
})

test('arbitrary bytes lead to a finding, and to nothing else', async ({ whole }) => {
  await check(fc.property(fc.uint8Array({ maxLength: 200 }), bytes => {
    assert.ok([...findInTable(Buffer.from(bytes))].some(finding => finding !== undefined))
    // With a footer that is right.
    const footed = Buffer.concat([bytes, whole.subarray(whole.length - 48)])
    assert.ok([...findInTable(footed)].some(finding => finding !== undefined))
    const magic = Buffer.concat([bytes, whole.subarray(whole.length - 8)])
    assert.ok([...findInTable(magic)].some(finding => finding !== undefined))
  }))
})

test('a table that is removed meanwhile is passed over, and other files are not looked at', async ({ directory, name, whole }) => {
  writeFileSync(join(directory, 'zzz.log'), 'no table')
  writeFileSync(join(directory, '999999.ldb'), whole)
  const walk = findInTables(directory)
  await walk.next()
  rmSync(join(directory, '999999.ldb'))
  for await (const finding of walk) assert.is(finding, undefined)
  assert.ok(name)
})

test('a table of the sound blocks of a damaged one is one that LevelDB reads, with what they hold', async ({ directory, name, whole }) => {
  await check(fc.property(fc.array(fc.nat({ max: whole.length * 8 - 700 * 8 }), { maxLength: 4 }), bits => {
    const damaged = Buffer.from(whole)
    for (const bit of bits) damaged[bit >> 3]! ^= 1 << (bit & 7)
    const sound = soundTableOf(damaged)
    assert.equal([...findInTable(sound!)].filter(finding => finding !== undefined), [])
  }), { numRuns: 30 })
  const damaged = Buffer.from(whole)
  damaged[5000]! ^= 1
  writeFileSync(join(directory, name), soundTableOf(damaged)!)
  await Truth.repair(directory)
  const truth = await Truth.open(directory, false)
  let count = 0
  for await (const [key, value] of truth.entries({})) {
    assert.equal(value, Buffer.alloc(100, Number(key.toString().slice(4))))
    count++
  }
  await truth.close()
  assert.ok(count < 300 && count > 200, `${count} entries`)
  assert.is(soundTableOf(whole.subarray(0, 6000)), undefined)
})

test('a table that counts for nothing, or is longer than it should be', async ({ directory, name, whole }) => {
  writeFileSync(join(directory, '000999.ldb'), whole.subarray(0, 100))
  assert.is(await findInNewTables(directory), undefined)
  assert.equal(await damagedTables(directory), { names: ['000999.ldb'], count: false })
  writeFileSync(join(directory, name), Buffer.concat([whole.subarray(0, 10), whole]))
  assert.match((await findInNewTables(directory))!, `${whole.length + 10} bytes, not ${whole.length}`)
  assert.equal(await damagedTables(directory), { names: [name, '000999.ldb'].sort(), count: true })
  const manifest = readdirSync(directory).find(file => file.startsWith('MANIFEST'))!
  const bytes = readFileSync(join(directory, manifest))
  assert.is(tablesIn(bytes).get(parseInt(name)), whole.length)
  await check(fc.property(fc.nat({ max: bytes.length }), fc.nat({ max: bytes.length * 8 - 1 }), (length, bit) => {
    const damaged = Buffer.from(bytes.subarray(0, length))
    if (bit >> 3 < length) damaged[bit >> 3]! ^= 1 << (bit & 7)
    tablesIn(damaged)
  }))
})

test('tables that are as they were noted are not looked at, and others are', async ({ directory, name, whole }) => {
  const path = join(directory, name)
  assert.is(await findInNewTables(directory), undefined)
  const flipped = Buffer.from(whole)
  flipped[5000]! ^= 1
  writeFileSync(path, flipped)
  assert.match((await findInNewTables(directory))!, `table ${name} fails the checksum`)
  await noteTables(directory)
  assert.is(await findInNewTables(directory), undefined)
  writeFileSync(join(directory, '..', 'TABLES'), 'garbage')
  assert.match((await findInNewTables(directory))!, name)
})

test.run()
