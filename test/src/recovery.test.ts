import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { Random } from '../../floor/random.js'
import { KIND_CODES, KIND_STATES, placeOf } from '../../storage/block-format.js'
import { logKey, recordKey, userKey } from '../../storage/keys.js'
import { Truth, type TruthBatch } from '../../storage/truth.js'
import { type CodecName, type ErrorCode, type Hit, VectorLevel } from '../../src/index.js'
import { runScript } from './child.js'
import type { Inspection } from './inspect-child.js'
import { contentOf, copyOfOpenStore, dataFileOf, dataOf, keysOf, linked, opened, PLANE, rejects, rewrite, SMALL, sound, withDirectory, withStore } from './store.js'
import { normalVectors } from './vectors.js'

const COUNT = 2300
const DIMENSIONS = 6
const QUERIES = normalVectors(99, 4, DIMENSIONS)

const test = suite('recovery')

/** A closed store whose graph is in use, with records that were replaced and deleted. */
async function makeStore(location: string, codec: CodecName = 'sq8'): Promise<Inspection['answers']> {
  const answers: Inspection['answers'] = []
  await opened(location, async db => {
    const points = db.collection('points', { dimensions: DIMENSIONS, metric: 'l2', codec, M: 8, efConstruction: 40 })
    const vectors = normalVectors(5, COUNT, DIMENSIONS)
    await points.batch(vectors.map((vector, i) => ({ type: 'put', key: `k${i}`, vector, metadata: i })))
    await points.batch(vectors.slice(0, 100).map((vector, i) => ({ type: 'put', key: `k${i}`, vector: vector.map(value => -value), metadata: -i })))
    await points.batch(vectors.slice(0, 50).map((_, i) => ({ type: 'del', key: `k${i * 2}` })))
    await linked(db)
    for (const query of QUERIES) answers.push(await points.search(query, { exact: true }))
  })
  return answers
}

/** Stores that are made once, and copied for each test. */
const templates = mkdtempSync(join(tmpdir(), 'vector-level-'))
const made = new Map<CodecName, Promise<Inspection['answers']>>()
test.after(() => rmSync(templates, { recursive: true }))

async function withMadeStore(use: (location: string, answers: Inspection['answers']) => Promise<void>, codec: CodecName = 'sq8'): Promise<void> {
  await withDirectory(async directory => {
    const template = join(templates, codec)
    if (!made.has(codec)) made.set(codec, makeStore(template, codec))
    const answers = await made.get(codec)!
    const location = join(directory, 'store')
    cpSync(template, location, { recursive: true })
    await use(location, answers)
  })
}

/** Opens the store in a process of its own, which must not die of it. */
async function inspect(location: string): Promise<Inspection> {
  const { code, signal, output } = await runScript('inspect-child.js', [location, 'points', `${DIMENSIONS}`, JSON.stringify(QUERIES.map(query => [...query]))])
  assert.is(signal, null, `the process died of ${signal}`)
  assert.is(code, 0)
  return JSON.parse(output) as Inspection
}

/** The same hits, but for the last bits of distances, which depend on what measures them. */
function expectHits(hits: Hit<unknown>[], expected: Hit<unknown>[]): void {
  assert.equal(hits.map(({ key, metadata }) => [key, metadata]), expected.map(({ key, metadata }) => [key, metadata]))
  for (const [i, { distance }] of hits.entries()) assert.ok(Math.abs(distance - expected[i]!.distance) < 1e-5 * (1 + distance), `${distance}, not ${expected[i]!.distance}`)
}

/** The store answers as before, and can be opened again without a word. */
async function expectSame(location: string, answers: Inspection['answers'], rebuilds: boolean): Promise<void> {
  await opened(location, async db => {
    const reasons: string[] = []
    db.on('rebuild', ({ reason }) => reasons.push(reason))
    const points = db.collection('points', { dimensions: DIMENSIONS })
    for (const [i, query] of QUERIES.entries()) {
      expectHits(await points.search(query, { exact: true }), answers[i]!)
      expectHits(points.searchSync(query, { ef: 400 }), answers[i]!)
    }
    assert.is(reasons.length, rebuilds ? 1 : 0, reasons.join())
    assert.is((await points.stats()).count, COUNT - 50)
  })
  await opened(location, async db => {
    db.on('rebuild', ({ reason }) => assert.unreachable(reason))
    for (const [i, query] of QUERIES.entries()) expectHits(await db.collection('points', { dimensions: DIMENSIONS }).search(query, { exact: true }), answers[i]!)
  })
}

async function refuses(location: string, code: ErrorCode, ...parts: (string | number)[]): Promise<void> {
  const before = contentOf(location)
  const db = new VectorLevel(location, SMALL)
  await rejects(db.open(), code, ...parts)
  await db.close()
  assert.equal(contentOf(location), before, 'files changed')
}

// What is not a store of ours.

test('refuses a directory with the files of someone else, and leaves them alone', async () => {
  await withDirectory(async directory => {
    writeFileSync(join(directory, 'thesis.txt'), 'precious')
    await refuses(directory, 'VECTOR_FORMAT_UNSUPPORTED', directory, 'thesis.txt', 1)
    assert.equal(readdirSync(directory), ['thesis.txt'])
  })
})

test('refuses a file in place of a directory', async () => {
  await withDirectory(async directory => {
    const path = join(directory, 'file')
    writeFileSync(path, 'precious')
    for (const location of [path, join(path, 'below')]) await rejects(new VectorLevel(location, SMALL).open(), 'VECTOR_IO_ERROR', location)
    assert.is(readFileSync(path, 'utf8'), 'precious')
  })
})

test('refuses a store of another format', async () => {
  await withMadeStore(async (location, answers) => {
    for (const other of [1, 3]) {
      rewrite(join(location, 'STORE'), bytes => bytes.toString().replace('"format":2', `"format":${other}`))
      await refuses(location, 'VECTOR_FORMAT_UNSUPPORTED', location, other, 2)
      rewrite(join(location, 'STORE'), bytes => bytes.toString().replace(`"format":${other}`, '"format":2'))
    }
    await expectSame(location, answers, false)
  })
})

test('refuses a STORE file that is not one', async () => {
  await withMadeStore(async (location, answers) => {
    const good = readFileSync(join(location, 'STORE'))
    for (const bad of ['', 'null', '{}', '[1]', '\u0000'.repeat(90), '{"uuid":"x","format":1}', '{"uuid":7,"format":1}']) {
      writeFileSync(join(location, 'STORE'), bad)
      await refuses(location, 'VECTOR_CORRUPTION', 'STORE')
    }
    writeFileSync(join(location, 'STORE'), good)
    await expectSame(location, answers, false)
  })
})

test('refuses a STORE file of another store', async () => {
  await withMadeStore(async (location, answers) => {
    const mine = readFileSync(join(location, 'STORE'), 'utf8')
    await withStore(async (db, other) => {
      await db.open()
      cpSync(join(other, 'STORE'), join(location, 'STORE'))
      const { uuid } = JSON.parse(readFileSync(join(other, 'STORE'), 'utf8')) as { uuid: string }
      await rejects(new VectorLevel(location, SMALL).open(), 'VECTOR_CORRUPTION', uuid, (JSON.parse(mine) as { uuid: string }).uuid)
    })
    writeFileSync(join(location, 'STORE'), mine)
    await expectSame(location, answers, false)
  })
})

test('refuses records without their STORE file', async () => {
  await withMadeStore(async (location, answers) => {
    const store = readFileSync(join(location, 'STORE'))
    rmSync(join(location, 'STORE'))
    await rejects(new VectorLevel(location, SMALL).open(), 'VECTOR_CORRUPTION', 'STORE')
    renameSync(join(location, 'data-1'), join(location, 'data-2'))
    await refuses(location, 'VECTOR_CORRUPTION', 'STORE')
    renameSync(join(location, 'data-2'), join(location, 'data-1'))
    const without = `${location}-records`
    cpSync(join(dataOf(location), 'truth'), join(dataOf(without), 'truth'), { recursive: true })
    await rejects(new VectorLevel(without, SMALL).open(), 'VECTOR_CORRUPTION', 'STORE')
    writeFileSync(join(without, 'STORE'), store)
    await expectSame(without, answers, true)
  })
})

test('refuses a store whose records are gone, and takes them back', async () => {
  await withMadeStore(async (location, answers) => {
    renameSync(join(dataOf(location), 'truth'), `${location}-truth`)
    await rejects(new VectorLevel(location, SMALL).open(), 'VECTOR_CORRUPTION', 'truth')
    rmSync(join(dataOf(location), 'truth'), { recursive: true, force: true })
    renameSync(`${location}-truth`, join(dataOf(location), 'truth'))
    await expectSame(location, answers, false)
  })
})

test('refuses a store whose records have lost their CURRENT file', async () => {
  await withMadeStore(async location => {
    rmSync(join(dataOf(location), 'truth', 'CURRENT'))
    await rejects(new VectorLevel(location, SMALL).open(), 'VECTOR_CORRUPTION', 'truth')
    await rejects(new VectorLevel(location, SMALL).open(), 'VECTOR_CORRUPTION', 'truth')
  })
})

test('goes on with a creation that was interrupted', async () => {
  await withStore(async (db, location) => {
    await db.open()
    const copy = `${location}-copy`
    copyOfOpenStore(location, copy)
    for (const name of readdirSync(copy)) if (name !== 'data-1') rmSync(join(copy, name), { recursive: true })
    for (const name of readdirSync(join(copy, 'data-1'))) if (name !== 'truth') rmSync(join(copy, 'data-1', name), { recursive: true })
    writeFileSync(join(copy, 'STORE.tmp'), '{"uu')
    await opened(copy, async again => again.collection('points', PLANE).put('a', [1, 2]))
    await opened(copy, async again => assert.equal(await keysOf(again.collection('points', PLANE)), ['a']))
  })
})

// What happens to the index: it is built anew from the records.

const INDEX_DAMAGE: [string, (location: string) => void][] = [
  ['without its INDEX file', location => rmSync(join(dataOf(location), 'INDEX'))],
  ['whose INDEX file is garbage', location => writeFileSync(join(dataOf(location), 'INDEX'), '\u0000\u0001garbage')],
  ['whose INDEX file is empty', location => writeFileSync(join(dataOf(location), 'INDEX'), '')],
  ['whose INDEX file names no generation', location => writeFileSync(join(dataOf(location), 'INDEX'), '99\n')],
  ['whose index is deleted', location => rmSync(join(dataFileOf(location), '..'), { recursive: true })],
  ['whose index and INDEX file are deleted', location => {
    rmSync(join(dataFileOf(location), '..'), { recursive: true })
    rmSync(join(dataOf(location), 'INDEX'))
  }],
  ['whose index has no data file', location => rmSync(dataFileOf(location))],
  ['whose last opening did not survive the index', location => writeFileSync(join(dataOf(location), 'OPENING'), '')],
  ['with leftovers of other generations', location => {
    for (const generation of [7, 8]) cpSync(join(dataFileOf(location), '..'), join(dataOf(location), `index-${generation}`), { recursive: true })
    writeFileSync(join(dataOf(location), 'index-8', 'data.mdb'), 'garbage')
    rmSync(join(dataOf(location), 'INDEX'))
  }]
]

for (const [name, damage] of INDEX_DAMAGE) {
  test(`rebuilds a store ${name}, and answers the same`, async () => {
    await withMadeStore(async (location, answers) => {
      damage(location)
      await expectSame(location, answers, true)
      assert.is(readdirSync(dataOf(location)).filter(entry => entry.startsWith('index-')).length, 1)
      assert.not(existsSync(join(dataOf(location), 'OPENING')))
    })
  })
}

test('leaves other generations of the index behind', async () => {
  await withMadeStore(async (location, answers) => {
    mkdirSync(join(dataOf(location), 'index-41'))
    writeFileSync(join(dataOf(location), 'index-41', 'data.mdb'), 'garbage')
    await expectSame(location, answers, false)
    assert.is(readdirSync(dataOf(location)).filter(entry => entry.startsWith('index-')).length, 1)
  })
})

const DATA_DAMAGE: [string, (path: string) => void][] = [
  ['truncated by half', path => truncateSync(path, readFileSync(path).length >> 1)],
  ['truncated by a byte', path => truncateSync(path, readFileSync(path).length - 1)],
  ['truncated to its first page', path => truncateSync(path, 4096)],
  ['emptied', path => truncateSync(path, 0)],
  ['overwritten with garbage', path => rewrite(path, bytes => garbage(bytes.length))],
  ['overwritten with zeros', path => rewrite(path, bytes => Buffer.alloc(bytes.length))],
  ['replaced by a text', path => writeFileSync(path, 'this is no database')]
]

function garbage(length: number): Buffer {
  const random = new Random(3)
  return Buffer.from(Uint8Array.from({ length }, () => random.below(256)))
}

for (const [name, damage] of DATA_DAMAGE) {
  test(`survives and rebuilds an index whose data file was ${name}`, async () => {
    await withMadeStore(async (location, answers) => {
      damage(dataFileOf(location))
      const inspection = await inspect(location)
      assert.is(inspection.code, undefined, inspection.message)
      assert.ok(inspection.rebuilt)
      for (const [i, hits] of inspection.answers.entries()) expectHits(hits, answers[i]!)
      assert.is(inspection.answers.length, answers.length)
      assert.equal(inspection.findings, [])
      await expectSame(location, answers, false)
    })
  })
}

test('rebuilds an index of another store, and one of another time', async () => {
  await withMadeStore(async (location, answers) => {
    const older = readFileSync(dataFileOf(location))
    await withStore(async (db, other) => {
      await db.collection('points', { dimensions: DIMENSIONS, metric: 'l2' }).put('alien', QUERIES[0]!)
      await db.close()
      cpSync(dataFileOf(other), dataFileOf(location))
    })
    await expectSame(location, answers, true)
    await opened(location, async db => db.collection('points', { dimensions: DIMENSIONS }).put('new', QUERIES[0]!))
    writeFileSync(dataFileOf(location), older)
    await opened(location, async db => {
      const reasons: string[] = []
      db.on('rebuild', ({ reason }) => reasons.push(reason))
      assert.is((await db.collection('points', { dimensions: DIMENSIONS }).search(QUERIES[0]!, { k: 1 }))[0]!.key, 'new')
      assert.is(reasons.length, 1)
    })
  })
})

for (const codec of ['f32', 'sq8'] as const) {
  test(`answers right or with an error when a bit of a block is flipped, and is sound when opened again, ${codec}`, async () => {
    await withMadeStore(async (location, answers) => {
      const random = new Random(4)
      const good = readFileSync(dataFileOf(location))
      let noticed = 0
      for (let round = 0; round < 12; round++) {
        const copy = `${location}-${round}`
        cpSync(location, copy, { recursive: true })
        const at = randomBlock(good, random) * 4096 + 24 + random.below(4096 - 24)
        rewrite(dataFileOf(copy), bytes => {
          bytes[at]! ^= 1 << random.below(8)
          return bytes
        })
        const first = new VectorLevel(copy, SMALL)
        try {
          const points = first.collection('points', { dimensions: DIMENSIONS })
          for (const [i, query] of QUERIES.entries()) {
            expectHits(await points.search(query, { exact: true }), answers[i]!)
            expectHits(await points.search(query, { ef: 400 }), answers[i]!)
          }
          assert.equal(await first.verify(), [])
        } catch (error) {
          if ((error as { code?: string }).code === 'ERR_ASSERTION') {
            const findings = await first.verify()
            assert.ok(findings.length, `byte ${at}: wrong, and nobody noticed: ${(error as Error).message}`)
          } else {
            assert.is((error as { code?: string }).code, 'VECTOR_CORRUPTION', (error as Error).stack)
          }
          noticed++
        }
        await first.close()
        await opened(copy, async db => {
          const points = db.collection('points', { dimensions: DIMENSIONS })
          for (const [i, query] of QUERIES.entries()) expectHits(await points.search(query, { exact: true }), answers[i]!)
        })
      }
      assert.ok(noticed >= 6, `${noticed} of 12 noticed`)
    }, codec)
  })
}

/** A page of the data file that holds part of a block, and neither LMDB's own tree nor nothing. */
function randomBlock(data: Buffer, random: Random): number {
  for (;;) {
    const page = 2 + random.below(data.length / 4096 - 2)
    // The block's header repeats its place, which no page of LMDB's own has at that offset: see storage/block-format.ts.
    const place = data.readDoubleLE(page * 4096 + 24 + 8)
    if (Number.isInteger(place) && place >= 2 ** 31 && place < 2 ** 33) return page
  }
}

test('refuses writes after damage was met, goes on reading records, and recovers when opened again', async () => {
  await withMadeStore(async (location, answers) => {
    const random = new Random(5)
    rewrite(dataFileOf(location), bytes => {
      for (let page = 2; page < bytes.length / 4096; page++) {
        // Not the states: the opening reads those, and builds an index anew whose damage it meets.
        const place = bytes.readDoubleLE(page * 4096 + 32)
        if (Number.isInteger(place) && place >= placeOf(1, KIND_CODES, 0) && place < placeOf(1, KIND_STATES, 0)) bytes[page * 4096 + 100 + random.below(3000)]! ^= 4
      }
      return bytes
    })
    const db = new VectorLevel(location, SMALL)
    const points = db.collection('points', { dimensions: DIMENSIONS })
    await rejects(points.search(QUERIES[0]!), 'VECTOR_CORRUPTION', 'checksum')
    await rejects(points.put('new', QUERIES[0]!), 'VECTOR_CORRUPTION')
    assert.is((await points.get('k7'))!.metadata, -7)
    assert.ok(await points.has('k1'))
    assert.ok((await db.verify()).length > 0)
    await db.close()
    await expectSame(location, answers, true)
  })
})

test('rebuilds an index that is found damaged while the log is applied to it', async () => {
  await withStore(async (db, location) => {
    const points = db.collection('points', { ...PLANE, codec: 'f32' })
    for (let i = 0; i < 50; i++) await points.put(`k${i}`, [i, 1])
    await db.checkpoint()
    for (let i = 0; i < 50; i++) await points.put(`k${i}`, [i, 2])
    const copy = `${location}-copy`
    copyOfOpenStore(location, copy)
    rewrite(dataFileOf(copy), bytes => {
      for (let page = 2; page < bytes.length / 4096; page++) {
        // Pages of blocks hold, behind the checksum, the place: of collection 1.
        const place = bytes.readDoubleLE(page * 4096 + 32)
        if (place >= 2 ** 31 && place < 2 ** 32) bytes[page * 4096 + 100]! ^= 1
      }
      return bytes
    })
    await opened(copy, async again => {
      const reasons: string[] = []
      again.on('rebuild', ({ reason }) => reasons.push(reason))
      assert.is((await keysOf(again.collection('points', PLANE))).length, 50)
      assert.equal(reasons.map(reason => reason.includes('checksum')), [true])
    })
  }, { checkpoint: { operations: 1_000_000 } })
})

// What happens to the records: said, and never passed over.

test('refuses a log with a gap, which LevelDB passes over', async () => {
  await withStore(async (db, location) => {
    const points = db.collection('points', { dimensions: 200, metric: 'l2' })
    for (const [i, vector] of normalVectors(6, 200, 200).entries()) await points.put(`k${i}`, vector)
    const copy = `${location}-copy`
    copyOfOpenStore(location, copy)
    const log = readdirSync(join(dataOf(copy), 'truth')).find(name => name.endsWith('.log'))!
    rewrite(join(dataOf(copy), 'truth', log), bytes => {
      bytes[bytes.length >> 1]! ^= 1
      return bytes
    })
    for (let attempt = 0; attempt < 2; attempt++) await rejects(new VectorLevel(copy, SMALL).open(), 'VECTOR_CORRUPTION', 'log', 'operations')
  })
})

test('goes on from before a gap that a power cut leaves in a log that was not synced', async () => {
  await withStore(async (db, location) => {
    const points = db.collection<number>('points', PLANE)
    for (let i = 0; i < 10; i++) await points.put(`k${i}`, [i, 0], i)
    await db.checkpoint()
    for (let i = 0; i < 5; i++) await points.put(`k${i}`, [i, 1], 10 + i)
    await points.del('k6')
    await points.put('k0', [0, 2], 20)
    await points.put('new', [1, 2], 21)
    const copy = `${location}-copy`
    copyOfOpenStore(location, copy)
    const truth = await Truth.open(join(dataOf(copy), 'truth'), false)
    // The third and fourth operations behind the checkpoint never reached the disk: entry, record, and the change of the key.
    await truth.commit(batch => {
      for (const i of [2, 3]) {
        batch.del(logKey(11 + i))
        batch.del(userKey(1, Buffer.from(`k${i}`)))
        batch.del(recordKey(1, 10 + i))
      }
    }, true)
    await truth.close()
    await opened(copy, async again => {
      const found: [string, number][] = []
      for await (const [key, { metadata }] of again.collection<number>('points', PLANE).entries()) found.push([key, metadata])
      assert.equal(found, [10, 11, 2, 3, 4, 5, 6, 7, 8, 9].map((metadata, i) => [`k${i}`, metadata]))
      await again.collection<number>('points', PLANE).put('after', [1, 1], 22)
    }, { durability: 'relaxed' })
  }, { durability: 'relaxed', checkpoint: { operations: 1_000_000 } })
})

for (const [name, tamper] of [
  ['that is garbage', (batch, _) => batch.put(logKey(5), Buffer.alloc(33))],
  ['of which a bit is flipped', (batch, truth) => {
    const entry = truth.get(logKey(2))!
    entry[entry.length - 1]! ^= 1
    batch.put(logKey(2), entry)
  }],
  ['that is missing', batch => batch.del(logKey(2))],
  ['that was there before', (batch, truth) => batch.put(logKey(3), truth.get(logKey(2))!)]
] as [string, (batch: TruthBatch, truth: Truth) => void][]) {
  test(`refuses a log with an entry ${name}`, async () => {
    await withStore(async (db, location) => {
      const points = db.collection('points', PLANE)
      for (let i = 0; i < 4; i++) await points.put(`k${i % 2}`, [i, 0])
      const copy = `${location}-copy`
      copyOfOpenStore(location, copy)
      const truth = await Truth.open(join(dataOf(copy), 'truth'), false)
      await truth.commit(batch => tamper(batch, truth), true)
      await truth.close()
      await rejects(new VectorLevel(copy, SMALL).open(), 'VECTOR_CORRUPTION', 'log', name === 'that is missing' ? 'operations 2 to 2' : 'sequence')
    })
  })
}

test('loses only what was under way when the end of the log is torn off', async () => {
  await withStore(async (db, location) => {
    const points = db.collection('points', PLANE)
    for (let i = 0; i < 50; i++) await points.put(`k${String(i).padStart(2, '0')}`, [i, 0])
    const copy = `${location}-copy`
    copyOfOpenStore(location, copy)
    const log = join(dataOf(copy), 'truth', readdirSync(join(dataOf(copy), 'truth')).find(name => name.endsWith('.log'))!)
    truncateSync(log, readFileSync(log).length - 10)
    await opened(copy, async again => {
      assert.equal(await keysOf(again.collection('points', PLANE)), Array.from({ length: 49 }, (_, i) => `k${String(i).padStart(2, '0')}`))
      await again.collection('points', PLANE).put('k49', [49, 0])
    })
  })
})

// A process that was killed.

for (const durability of ['strict', 'relaxed'] as const) {
  test(`applies what the index does not hold yet when the process was killed, ${durability}`, async () => {
    await withStore(async (db, location) => {
      const points = db.collection<number>('points', { ...PLANE, codec: 'f32' })
      for (let i = 0; i < 400; i++) await points.put(`k${i}`, [i, 1], i)
      await db.checkpoint()
      for (let i = 0; i < 100; i++) await points.put(`k${i}`, [-i - 1, 1], -i)
      await points.batch(Array.from({ length: 20 }, (_, i) => ({ type: 'del', key: `k${100 + i}` })))
      const copy = `${location}-copy`
      copyOfOpenStore(location, copy)
      await opened(copy, async again => {
        const replays: number[] = []
        again.on('replay', ({ operations }) => replays.push(operations))
        const stored = again.collection<number>('points', PLANE)
        assert.is((await stored.stats()).count, 380)
        assert.equal(replays, [120])
        for (const i of [0, 1, 99, 120, 399]) {
          const vector = i < 100 ? [-i - 1, 1] : [i, 1]
          assert.equal(stored.searchSync(vector, { k: 1 }), [{ key: `k${i}`, distance: 0, metadata: i < 100 ? -i || 0 : i }])
        }
        assert.is(await stored.get('k100'), undefined)
      }, { durability })
    }, { durability })
  })
}

test('applies nothing again after a checkpoint', async () => {
  await withStore(async (db, location) => {
    const points = db.collection('points', PLANE)
    for (let i = 0; i < 50; i++) await points.put(`k${i % 20}`, [i, 1])
    await db.checkpoint()
    const copy = `${location}-copy`
    copyOfOpenStore(location, copy)
    await opened(copy, async again => {
      again.on('replay', () => assert.unreachable())
      assert.is((await again.collection('points', PLANE).stats()).count, 20)
    })
  })
})

test('loses nothing over killing, recovering, checkpoints and reopening in any order', async () => {
  await withDirectory(async directory => {
    const expected = new Map<string, number>()
    let location = join(directory, '0')
    for (let round = 1; round <= 8; round++) {
      const next = join(directory, `${round}`)
      await opened(location, async db => {
        const points = db.collection<number>('points', { ...PLANE, codec: 'f32' })
        if (round % 3 === 0) await db.checkpoint()
        for (let i = 0; i < 60; i++) {
          const key = `k${(i * 7 + round * 13) % 90}`
          if (i % 5 === round % 5) {
            await points.del(key)
            expected.delete(key)
          } else {
            await points.put(key, [round, i], round * 100 + i)
            expected.set(key, round * 100 + i)
          }
          if (i === 30 && round % 2) await db.checkpoint()
        }
        copyOfOpenStore(location, next)
      })
      if (round % 2) location = next
      await opened(location, async db => {
        const found = new Map<string, number>()
        for await (const [key, { metadata }] of db.collection<number>('points', PLANE).entries()) found.set(key, metadata)
        assert.equal([...found].sort(), [...expected].sort())
        assert.is(db.collection('points', PLANE).searchSync([0, 0], { k: 1000 }).length, expected.size)
        if (round % 4 === 0) await sound(db)
      })
    }
  })
})

test.run()
