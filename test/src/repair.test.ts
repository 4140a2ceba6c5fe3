import { cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { type CollectionOptions, type RepairReport, VectorLevel } from '../../src/index.js'
import { collectionKey, KEY_RANGE, logKey, META_KEY, ordinalOf, RECORD_RANGE, recordKey, userKey, userPart } from '../../storage/keys.js'
import { Truth, type TruthBatch } from '../../storage/truth.js'
import { check } from '../seed.js'
import { copyOfOpenStore, dataFileOf, dataOf, keysOf, rejects, rewrite, SMALL, sound, withStore } from './store.js'
import { normalVectors } from './vectors.js'

const SPACE: CollectionOptions = { dimensions: 6, metric: 'l2', codec: 'f32' }
const VECTORS = normalVectors(8, 200, 6)
/** Of 60 keys, 10 are replaced and 10 deleted before the checkpoint, and 5 and 5 more behind it. */
const KEYS = Array.from({ length: 60 }, (_, i) => `k${String(i).padStart(2, '0')}`)

const test = suite('repair')

/** A store as its killed process left it: with a checkpoint, and a log behind it. */
async function withKilled(use: (location: string, expected: Map<string, number>) => Promise<void>): Promise<void> {
  await withStore(async (db, original) => {
    const points = db.collection<number>('points', SPACE)
    const expected = new Map<string, number>()
    const put = async (i: number, n: number): Promise<void> => {
      expected.set(KEYS[i]!, n)
      await points.put(KEYS[i]!, VECTORS[n]!, n)
    }
    const del = async (i: number): Promise<void> => {
      expected.delete(KEYS[i]!)
      await points.del(KEYS[i]!)
    }
    for (let i = 0; i < 50; i++) await put(i, i)
    for (let i = 0; i < 10; i++) await put(i, 100 + i)
    for (let i = 10; i < 20; i++) await del(i)
    await db.checkpoint()
    for (let i = 50; i < 60; i++) await put(i, i)
    for (let i = 20; i < 25; i++) await put(i, 100 + i)
    for (let i = 25; i < 30; i++) await del(i)
    const location = `${original}-killed`
    copyOfOpenStore(original, location)
    await use(location, expected)
  }, { checkpoint: { operations: 1_000_000 } })
}

async function tamper(location: string, change: (batch: TruthBatch, truth: Truth) => void): Promise<void> {
  const truth = await Truth.open(join(dataOf(location), 'truth'), false)
  await truth.commit(batch => change(batch, truth), true)
  await truth.close()
}

/** Repairs; what is there afterwards is right, sound, and all that the report does not name. */
async function repaired(location: string, expected: Map<string, number>, nameless: string[] = []): Promise<RepairReport> {
  const db = new VectorLevel(location, SMALL)
  try {
    const report = await db.repair()
    assert.is(db.status, 'open')
    const points = db.collection<number>('points', SPACE)
    const lost = new Set([...report.lost.map(({ key }) => key), ...nameless])
    for (const key of await keysOf(points)) {
      const { vector, metadata } = (await points.get(key))!
      assert.is(metadata, expected.get(key), `'${key}' after a repair`)
      assert.equal(vector, VECTORS[metadata])
      assert.is((await points.search(vector, { k: 1 }))[0]!.key, key)
    }
    for (const key of expected.keys()) if (!lost.has(key)) assert.ok(await points.has(key), `'${key}' is gone, and the report does not say so`)
    await sound(db)
    await points.put('after', VECTORS[0]!, 0)
    await db.close()
    const again = new VectorLevel(location, SMALL)
    assert.ok(await again.collection('points', SPACE).has('after'))
    assert.equal((await again.repair()).actions, [])
    await again.close()
    assert.is(report.lost.length > 0, readdirSync(location).some(name => name.startsWith('damaged-')))
    return report
  } finally {
    await db.close()
  }
}

function flip(value: Buffer, at: number): Buffer {
  const changed = Buffer.from(value)
  changed[at]! ^= 1
  return changed
}

test('does nothing to a sound store', async () => {
  await withKilled(async (location, expected) => {
    assert.equal(await repaired(location, expected), { findings: [], actions: [], lost: [], kept: undefined })
  })
})

const WITHOUT_LOSS: [string, (location: string) => Promise<void> | void][] = [
  ['keys whose entry is missing', location => tamper(location, batch => { for (const i of [5, 35, 55]) batch.del(userKey(1, Buffer.from(KEYS[i]!))) })],
  ['keys whose entry is damaged', location => tamper(location, (batch, truth) => {
    for (const i of [5, 35, 55]) batch.put(userKey(1, Buffer.from(KEYS[i]!)), flip(truth.get(userKey(1, Buffer.from(KEYS[i]!)))!, i % 8))
  })],
  ['a log entry that is damaged', location => tamper(location, (batch, truth) => batch.put(logKey(75), flip(truth.get(logKey(75))!, 24)))],
  ['the state of the log, missing', location => tamper(location, batch => batch.del(META_KEY))],
  ['the state of the log, damaged', location => tamper(location, (batch, truth) => batch.put(META_KEY, flip(truth.get(META_KEY)!, 12)))],
  ['the description of a collection', location => tamper(location, (batch, truth) => batch.put(collectionKey('points'), flip(truth.get(collectionKey('points'))!, 9)))],
  ['a STORE file that is missing', location => rmSync(join(location, 'STORE'))],
  ['a STORE file that is garbage', location => writeFileSync(join(location, 'STORE'), 'garbage')],
  ['a STORE file of another store', location => rewrite(join(location, 'STORE'), bytes => bytes.toString().replace(/"uuid":"./, match => `${match.slice(0, -1)}${match.endsWith('a') ? 'b' : 'a'}`))],
  ['a missing CURRENT file of LevelDB', location => rmSync(join(dataOf(location), 'truth', 'CURRENT'))],
  ['a missing manifest of LevelDB', location => {
    const truth = join(dataOf(location), 'truth')
    for (const name of readdirSync(truth)) if (name.startsWith('MANIFEST')) rmSync(join(truth, name))
  }]
]

for (const [name, damage] of WITHOUT_LOSS) {
  test(`mends ${name}, and loses nothing`, async () => {
    await withKilled(async (location, expected) => {
      await damage(location)
      const report = await repaired(location, expected)
      assert.ok(report.findings.length > 0)
      assert.equal(report.lost, [])
    })
  })
}

test('gives a damaged index up, and touches nothing else', async () => {
  await withKilled(async (location, expected) => {
    const db = new VectorLevel(location, SMALL)
    await db.open()
    await db.close()
    rewrite(dataFileOf(location), bytes => {
      // Blocks are values of 4072 bytes, behind a header of 24, that begin with a checksum, and their places.
      for (let page = 2; page < bytes.length / 4096; page++) bytes[page * 4096 + 24 + 100]! ^= 1
      return bytes
    })
    const { lost, kept } = await repaired(location, expected)
    assert.equal([lost, kept], [[], undefined])
    assert.ok(dataOf(location).endsWith('data-1'))
  })
})

test('names each key whose record is damaged or missing, and keeps the damaged files', async () => {
  await withKilled(async (location, expected) => {
    await tamper(location, (batch, truth) => {
      batch.put(recordKey(1, 40), flip(truth.get(recordKey(1, 40))!, 20))
      batch.del(recordKey(1, 41))
    })
    const { lost, kept } = await repaired(location, expected)
    assert.equal(lost.map(({ collection, key }) => [collection, key]), [['points', 'k40'], ['points', 'k41']])
    assert.ok(lost[0]!.message.includes('checksum') && lost[1]!.message.includes('missing'))
    assert.ok(readdirSync(kept!).includes('truth'))
  })
})

test('names the operations that are missing from the log', async () => {
  await withKilled(async (location, expected) => {
    // What a lost piece of the log takes with it: entry, key and record of one commit.
    await tamper(location, (batch, truth) => {
      const key = userKey(1, Buffer.from('k52'))
      batch.del(logKey(73))
      batch.del(key)
      batch.del(recordKey(1, truth.get(key)!.readUIntLE(0, 3)))
    })
    expected.delete('k52')
    const { lost } = await repaired(location, expected)
    assert.equal(lost.map(({ operations }) => operations), [[73, 73]])
  })
})

test('says so when the end of the log is gone that the index holds', async () => {
  await withStore(async (db, original) => {
    const points = db.collection<number>('points', SPACE)
    for (let i = 0; i < 20; i++) await points.put(KEYS[i]!, VECTORS[i]!, i)
    const older = `${original}-older`
    copyOfOpenStore(original, older)
    for (let i = 20; i < 30; i++) await points.put(KEYS[i]!, VECTORS[i]!, i)
    await db.checkpoint()
    const location = `${original}-mixed`
    copyOfOpenStore(original, location)
    rmSync(join(dataOf(location), 'truth'), { recursive: true })
    cpSync(join(dataOf(older), 'truth'), join(dataOf(location), 'truth'), { recursive: true })
    await rejects(new VectorLevel(location, SMALL).open(), 'VECTOR_CORRUPTION', 'operations 21 to 30')
    const expected = new Map(KEYS.slice(0, 20).map((key, i) => [key, i]))
    const { lost } = await repaired(location, expected)
    assert.equal(lost.flatMap(({ operations }) => operations ? [operations] : []), [[21, 30]])
  }, { checkpoint: { operations: 1_000_000 } })
})

test('is refused where there is no store, and changes nothing when it is aborted', async () => {
  await withKilled(async (location, expected) => {
    await tamper(location, batch => batch.del(recordKey(1, 40)))
    const before = readFileSync(join(location, 'STORE'), 'utf8')
    const db = new VectorLevel(location, SMALL)
    await rejects(db.repair({ signal: AbortSignal.abort() }), 'VECTOR_ABORTED')
    await db.close()
    assert.is(readFileSync(join(location, 'STORE'), 'utf8'), before)
    const { lost } = await repaired(location, expected)
    assert.is(lost.length, 1)
    writeFileSync(`${location}-file`, 'mine')
    await rejects(new VectorLevel(`${location}-file`, SMALL).repair(), 'VECTOR_IO_ERROR')
  })
})

test('does not take the records of another store for its own', async () => {
  await withKilled(async location => {
    await withKilled(async other => {
      const mine = join(dataOf(location), 'truth')
      rmSync(mine, { recursive: true })
      cpSync(join(dataOf(other), 'truth'), mine, { recursive: true })
      const db = new VectorLevel(location, SMALL)
      await rejects(db.repair(), 'VECTOR_CORRUPTION', 'those of store')
      await db.close()
      assert.equal(readdirSync(location).filter(name => name.startsWith('data-')), ['data-1'])
    })
  })
})

test('whatever entries are lost or damaged, what is there after a repair is right, and what is not is named', async () => {
  await withKilled(async (pristine, expected) => {
    let round = 0
    const entry = fc.record({ kind: fc.constantFrom('key' as const, 'record' as const), at: fc.nat({ max: 200 }), how: fc.constantFrom('lose', 'flip'), bit: fc.nat({ max: 400 }) })
    await check(fc.asyncProperty(fc.array(entry, { minLength: 1, maxLength: 12 }), fc.boolean(), async (damages, withIndex) => {
      const location = `${pristine}-${round++}`
      copyOfOpenStore(pristine, location)
      const truth = await Truth.open(join(dataOf(location), 'truth'), false)
      const keyOf = new Map<number, string>()
      for await (const [key, value] of truth.entries(KEY_RANGE)) keyOf.set(value.readUIntLE(0, 3), userPart(key).toString())
      const hit = { key: new Set<string | undefined>(), record: new Set<string | undefined>() }
      for (const { kind, at, how, bit } of damages) {
        const entries: [Buffer, Buffer][] = []
        for await (const found of truth.entries(kind === 'key' ? KEY_RANGE : RECORD_RANGE)) entries.push(found)
        if (!entries.length) continue
        const [key, value] = entries[at % entries.length]!
        hit[kind].add(kind === 'key' ? userPart(key).toString() : keyOf.get(ordinalOf(key)))
        await truth.commit(batch => how === 'lose' ? batch.del(key) : batch.put(key, flip(value, bit % value.length)), true)
      }
      await truth.close()
      if (!withIndex) rmSync(join(dataOf(location), `index-${readFileSync(join(dataOf(location), 'INDEX'), 'utf8').trim()}`), { recursive: true })
      // Of some, nothing is left to know their names by.
      const nameless = [...expected.keys()].filter(key => hit.key.has(key) && hit.record.has(key))
      const { lost } = await repaired(location, expected, nameless)
      if (withIndex) assert.ok(lost.length >= nameless.length, `${lost.length} are lost, of ${nameless.length} nothing is left`)
      rmSync(location, { recursive: true })
    }), { numRuns: 15 })
  })
})

test.run()
