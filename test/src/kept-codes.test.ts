import { rmSync, writeFileSync } from 'node:fs'
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { type BatchOperation, type CodecName, type Collection, type CollectionOptions, type Metric, VectorLevel, type VectorRecord } from '../../src/index.js'
import { codeBlockKey, codebookKey, codesKey } from '../../storage/keys.js'
import { Truth, type TruthBatch } from '../../storage/truth.js'
import { distance } from '../model/distance.js'
import { copyOfOpenStore, dataFileOf, dataOf, linked, opened, rejects, SMALL, withDirectory, withStore } from './store.js'
import { normalVectors } from './vectors.js'

const test = suite('a collection that keeps codes alone')
const DIMENSIONS = 24
/** Of a block of sq8 of so many. */
const ROWS = 144
const SPACE = { dimensions: DIMENSIONS, metric: 'l2', store: 'codes', M: 8, efConstruction: 40 } as const satisfies CollectionOptions
const METRICS: Metric[] = ['l2', 'cosine', 'dot']
/** More than sq8 is trained on; and more than pq8 is, whose parts have one component each here. */
const COUNT = 2500
const PQ_COUNT = 4200
const VECTORS = normalVectors(1, 4000, DIMENSIONS)
const PQ_VECTORS = normalVectors(4, PQ_COUNT, DIMENSIONS)

function puts(vectors: Float32Array[], from = 0): BatchOperation<unknown>[] {
  return vectors.map((vector, i) => ({ type: 'put', key: `k${from + i}`, vector, metadata: from + i }))
}

/** Bytes of all files of a store. */
async function sizeOf(location: string): Promise<number> {
  let bytes = 0
  for (const name of await readdir(location, { recursive: true })) {
    const stats = await stat(join(location, name))
    if (stats.isFile()) bytes += stats.size
  }
  return bytes
}

async function filled(db: VectorLevel, options: CollectionOptions = SPACE, vectors = VECTORS.slice(0, COUNT)): Promise<Collection> {
  const points = db.collection('points', options)
  await points.batch(puts(vectors))
  await linked(db)
  await db.checkpoint()
  return points
}

/** How far what came back is from what was put, as a share of the length; of cosine, in direction. */
function errorOf(metric: Metric, given: Float32Array, { vector }: VectorRecord<unknown>): number {
  if (metric === 'cosine') return Math.sqrt(2 * Math.abs(distance('cosine', given, vector)))
  return Math.sqrt(distance('l2', given, vector)) / Math.hypot(...given)
}

async function checkRecords(points: Collection, metric: Metric, vectors = VECTORS.slice(0, COUNT), tolerance = 0.05): Promise<void> {
  let seen = 0
  for await (const [key, record] of points.entries()) {
    const i = Number(key.slice(1))
    assert.ok(errorOf(metric, vectors[i]!, record) < tolerance, `${key}: ${errorOf(metric, vectors[i]!, record)}`)
    assert.is(record.metadata, i)
    assert.equal(await points.get(key), record)
    seen++
  }
  assert.is(seen, vectors.length)
}

async function checkSearches(points: Collection, metric: Metric, vectors = VECTORS.slice(0, COUNT)): Promise<void> {
  let found = 0
  for (let i = 0; i < 50; i++) {
    const query = VECTORS[3900 + i]!
    const nearest = vectors.map((vector, i) => ({ key: `k${i}`, distance: distance(metric, query, vector) })).sort((a, b) => a.distance - b.distance).slice(0, 10)
    const keys = new Set(nearest.map(({ key }) => key))
    const hits = await points.search(query, { ef: 200 })
    assert.is(hits.approximate, true)
    found += hits.filter(({ key }) => keys.has(key)).length
    assert.equal(hits.map(hit => hit.metadata), hits.map(({ key }) => Number(key.slice(1))))
    for (const hit of hits) {
      const right = distance(metric, query, vectors[Number(hit.key.slice(1))]!)
      assert.ok(Math.abs(hit.distance - right) < 0.05 * Math.max(1, Math.abs(right)), `${metric}: ${hit.distance}, not ${right}`)
    }
  }
  assert.ok(found >= 450, `${metric}: ${found} of 500`)
}

for (const { metric, codec, vectors, tolerance } of [
  ...METRICS.map(metric => ({ metric, codec: 'sq8' as CodecName, vectors: VECTORS.slice(0, COUNT), tolerance: 0.05 })),
  { metric: 'l2' as Metric, codec: 'pq8' as CodecName, vectors: PQ_VECTORS, tolerance: 0.2 }
]) {
  test(`gives decoded vectors, says so, and searches by codes: ${codec}, ${metric}`, async () => {
    await withStore(async (db, location) => {
      const options = { ...SPACE, metric, codec }
      const points = db.collection('points', options)
      const check = async (points: Collection): Promise<void> => {
        await checkRecords(points, metric, vectors, tolerance)
        await checkSearches(points, metric, vectors)
      }
      await points.batch(puts(vectors.slice(0, 100)))
      assert.equal(await points.get('k7'), { vector: vectors[7], metadata: 7 })
      assert.is((await points.search(VECTORS[0]!)).approximate, false)
      await filled(db, options, vectors)
      assert.is((await points.get('k2400'))!.approximate, true)
      await check(points)
      assert.is((await points.searchByKey('k2400'))!.length, 10)
      const { recall } = await points.measureRecall()
      assert.ok(recall > 0.85, `${recall}`)
      await db.close()
      await opened(location, async again => {
        const points = again.collection('points', options)
        await check(points)
        await again.compact()
        await check(points)
        for await (const record of points.values()) assert.is(record.approximate, true)
      })
      rmSync(join(dataOf(location), 'INDEX'))
      await opened(location, async again => check(again.collection('points', options)))
    })
  })
}

test('is compacted before it has codes, too', async () => {
  await withStore(async db => {
    const points = db.collection('points', SPACE)
    await points.batch(puts(VECTORS.slice(0, 300)))
    await db.compact()
    for (let i = 0; i < 300; i++) assert.equal(await points.get(`k${i}`), { vector: VECTORS[i], metadata: i })
    await filled(db)
    await db.compact()
    await checkRecords(points, 'l2')
    await checkSearches(points, 'l2')
  })
})

test('metadata change without the vector, before and after it is dropped', async () => {
  await withStore(async db => {
    const points = await filled(db)
    const before = await points.get('k5')
    assert.ok(await points.updateMetadata('k5', 'new'))
    assert.equal(await points.get('k5'), { ...before, metadata: 'new' })
    await points.batch([{ type: 'updateMetadata', key: 'k5', metadata: 1 }, { type: 'updateMetadata', key: 'k5', metadata: 2 }])
    assert.equal(await points.get('k5'), { ...before, metadata: 2 })
    await db.checkpoint()
    assert.equal(await points.get('k5'), { ...before, metadata: 2 })
    const [hit] = await points.search(VECTORS[5]!, { k: 1 })
    assert.equal({ key: hit!.key, metadata: hit!.metadata }, { key: 'k5', metadata: 2 })
    assert.is(await points.updateMetadata('none', 1), false)
  })
})

test('metadata that change while vectors are dropped are not lost', async () => {
  await withStore(async db => {
    const points = await filled(db)
    for (let round = 0; round < 3; round++) {
      await points.batch(puts(VECTORS.slice(0, 900)))
      const checkpoint = db.checkpoint()
      for (let i = 0; i < 900; i += 3) await points.updateMetadata(`k${i}`, `${round} of ${i}`)
      await checkpoint
      await db.checkpoint()
      for (let i = 0; i < 900; i++) {
        const record = (await points.get(`k${i}`))!
        assert.is(record.metadata, i % 3 ? i : `${round} of ${i}`)
        assert.is(record.approximate, true)
        assert.ok(errorOf('l2', VECTORS[i]!, record) < 0.05)
      }
    }
  })
})

for (const [how, lose] of [
  ['forgotten', location => rmSync(join(dataOf(location), 'INDEX'))],
  ['garbage', location => writeFileSync(dataFileOf(location), 'garbage')],
  ['not trusted, since its opening did not end', location => writeFileSync(join(dataOf(location), 'OPENING'), '')]
] as [string, (location: string) => void][]) {
  test(`an index that is ${how} is built anew from records and codes`, async () => {
    await withDirectory(async directory => {
      const [location, copy] = [join(directory, 'store'), join(directory, 'copy')]
      await opened(location, async db => {
        const points = await filled(db)
        await points.batch(puts(VECTORS.slice(COUNT, COUNT + 100), COUNT))
        copyOfOpenStore(location, copy)
      })
      for (const place of [location, copy]) {
        lose(place)
        await opened(place, async db => {
          let reason: string | undefined
          db.on('rebuild', event => { reason = event.reason })
          const points = db.collection('points', SPACE)
          const vectors = VECTORS.slice(0, COUNT + 100)
          await checkSearches(points, 'l2', vectors)
          assert.ok(reason)
          await checkRecords(points, 'l2', vectors)
          await linked(db)
          await checkSearches(points, 'l2', vectors)
          await checkRecords(points, 'l2', vectors)
        })
      }
    })
  })
}

/** A killed store with records in a log behind its checkpoint, and what is to be found in it. */
async function withKilled(use: (location: string) => Promise<void>): Promise<void> {
  await withDirectory(async directory => {
    const [location, copy] = [join(directory, 'store'), join(directory, 'copy')]
    await opened(location, async db => {
      const points = await filled(db)
      for (let i = 0; i < 50; i++) await points.del(`k${COUNT - 1 - i}`)
      await points.batch(puts(VECTORS.slice(COUNT - 50, COUNT), COUNT - 50))
      copyOfOpenStore(location, copy)
    }, { checkpoint: { operations: 1_000_000 } })
    await use(copy)
  })
}

async function tamper(location: string, change: (batch: TruthBatch, truth: Truth) => void): Promise<void> {
  const truth = await Truth.open(join(dataOf(location), 'truth'), false)
  await truth.commit(batch => change(batch, truth), true)
  await truth.close()
}

function flip(value: Buffer, at: number): Buffer {
  const changed = Buffer.from(value)
  changed[at % changed.length]! ^= 1
  return changed
}

/** Repairs; returns the keys that were lost, of which nothing is left, while all others are there and found. */
async function lostBy(location: string): Promise<Set<string>> {
  const lost = new Set<string>()
  await opened(location, async db => {
    const report = await db.repair()
    for (const { key, message } of report.lost) {
      assert.ok(key && /code/.test(message), message)
      lost.add(key)
    }
    const points = db.collection('points', SPACE)
    for (let i = 0; i < COUNT; i++) {
      const record = await points.get(`k${i}`)
      assert.is(record === undefined, lost.has(`k${i}`), `k${i}`)
      if (record) assert.ok(errorOf('l2', VECTORS[i]!, record) < 0.05)
    }
    const { length } = await points.search(VECTORS[0]!, { k: COUNT, exact: true })
    assert.is(length, COUNT - lost.size)
    await points.put('after', VECTORS[0]!)
    await linked(db)
  })
  await opened(location, async db => {
    assert.equal((await db.repair()).actions, [])
  })
  return lost
}

for (const [what, damage] of [
  ['damaged', (batch, truth, key) => batch.put(key, flip(truth.get(key)!, 700))],
  ['missing', (batch, _, key) => batch.del(key)]
] as [string, (batch: TruthBatch, truth: Truth, key: Buffer) => void][]) {
  test(`a block of codes that is ${what} is told of, and costs the records whose codes were in it`, async () => {
    await withKilled(async location => {
      const key = codeBlockKey({ collection: 1, version: 0, block: 3 })
      await tamper(location, (batch, truth) => damage(batch, truth, key))
      const db = new VectorLevel(location, SMALL)
      const points = db.collection('points', SPACE)
      await rejects(points.search(VECTORS[0]!, { exact: true }), 'VECTOR_CORRUPTION', "block 3 of the codes of collection 'points'")
      let isBroken = 0
      for (let i = 0; i < COUNT; i++) await points.get(`k${i}`).catch(() => isBroken++)
      const findings = await db.verify()
      assert.ok(findings.some(({ where, message }) => where === 'code' && message.includes('block 3')), JSON.stringify(findings))
      await db.close()
      const lost = await lostBy(location)
      assert.ok(lost.size > 100 && lost.size < 300, `${lost.size}`)
      assert.is(isBroken, lost.size)
    })
  })

  test(`what the codes are like is ${what}: the index has a copy`, async () => {
    for (const key of [codesKey(1), codebookKey(1, 0)]) {
      await withKilled(async location => {
        await tamper(location, (batch, truth) => damage(batch, truth, key))
        assert.is((await lostBy(location)).size, 0)
      })
    }
  })
}

test('a block of codes that is older than what was written is noticed', async () => {
  await withDirectory(async directory => {
    const location = join(directory, 'store')
    await opened(location, async db => void await filled(db))
    let old: Buffer | undefined
    const last = codeBlockKey({ collection: 1, version: 0, block: Math.floor((COUNT - 1) / ROWS) })
    await tamper(location, (_, truth) => { old = truth.get(last) })
    await opened(location, async db => {
      await db.collection('points', SPACE).batch(puts(VECTORS.slice(COUNT, COUNT + 20), COUNT))
      await linked(db)
    })
    await tamper(location, batch => batch.put(last, old!))
    await opened(location, async db => {
      assert.ok((await db.verify()).some(({ where, message }) => where === 'code' && message.includes('older')))
      const { lost } = await db.repair()
      const keys = new Set(lost.map(({ key }) => key))
      for (let i = COUNT; i < COUNT + 20; i++) assert.ok(keys.has(`k${i}`), `k${i}`)
      assert.is(keys.size, COUNT % ROWS + 20)
      await linked(db)
    })
  })
})

test('without what the codes are like, and without an index, what is left is not taken for all', async () => {
  await withKilled(async location => {
    rmSync(join(dataOf(location), 'INDEX'))
    await tamper(location, (batch, truth) => batch.put(codebookKey(1, 0), flip(truth.get(codebookKey(1, 0))!, 9)))
    await rejects(new VectorLevel(location, SMALL).open(), 'VECTOR_CORRUPTION', "codebook 0 of collection 'points'")
    for (const name of await readdir(dataOf(location))) if (name.startsWith('index-')) rmSync(join(dataOf(location), name), { recursive: true })
    const lost = await lostBy(location)
    // Those behind the checkpoint have their vectors.
    assert.is(lost.size, COUNT - 50)
  })
})

test('a backup has the codes', async () => {
  await withStore(async (db, location) => {
    const points = await filled(db)
    await points.batch(puts(VECTORS.slice(COUNT, COUNT + 20), COUNT))
    await db.backup(`${location}-copy`)
    await opened(`${location}-copy`, async copy => {
      await checkRecords(copy.collection('points', SPACE), 'l2', VECTORS.slice(0, COUNT + 20))
      await checkSearches(copy.collection('points', SPACE), 'l2', VECTORS.slice(0, COUNT + 20))
    })
  })
})

test('iterators go on with what was there, whose ordinals others have by now', async () => {
  await withStore(async db => {
    const points = await filled(db)
    const entries = points.entries()
    const seen = [(await entries.next()).value as [string, VectorRecord<unknown>]]
    await points.clear()
    for (let round = 0; round < 4; round++) {
      await points.batch(puts(VECTORS.slice(round * 500, round * 500 + 1000).map(vector => vector.map(value => -value))))
      await linked(db)
      await db.checkpoint()
    }
    for await (const entry of entries) seen.push(entry)
    assert.is(seen.length, COUNT)
    for (const [key, record] of seen) assert.ok(errorOf('l2', VECTORS[Number(key.slice(1))]!, record) < 0.05, key)
  })
})

test('stands beside a collection that keeps all, in one store', async () => {
  await withStore(async (db, location) => {
    const points = await filled(db)
    const whole = db.collection('whole', { ...SPACE, store: 'full' })
    await whole.batch(puts(VECTORS.slice(0, COUNT)))
    await linked(db)
    await db.checkpoint()
    for (let i = 0; i < COUNT; i += 50) assert.equal(await whole.get(`k${i}`), { vector: VECTORS[i], metadata: i })
    assert.is((await whole.search(VECTORS[0]!)).approximate, false)
    await checkRecords(points, 'l2')
    await db.close()
    rmSync(join(dataOf(location), 'INDEX'))
    await opened(location, async again => {
      for (let i = 0; i < COUNT; i += 50) assert.equal(await again.collection('whole', { dimensions: DIMENSIONS }).get(`k${i}`), { vector: VECTORS[i], metadata: i })
      await checkRecords(again.collection('points', SPACE), 'l2')
    })
  })
})

test('codes are made again when the data drift, of what codes stand for', async () => {
  await withDirectory(async directory => {
    const [location, copy] = [join(directory, 'store'), join(directory, 'copy')]
    const moved = VECTORS.slice(COUNT).map(vector => vector.map(value => 2 * value + 30))
    const vectors = [...VECTORS.slice(0, COUNT), ...moved]
    await opened(location, async db => {
      const points = await filled(db)
      let i = 0
      for (; (await points.stats()).recoding === undefined; i += 20) await points.batch(puts(moved.slice(i, i + 20), COUNT + i))
      await db.checkpoint()
      await points.batch(puts(moved.slice(i, i + 20), COUNT + i))
      copyOfOpenStore(location, copy)
    })
    for (const [place, isLost] of [[location, false], [copy, false], [copy, true]] as const) {
      if (isLost) rmSync(join(dataOf(place), 'INDEX'))
      await opened(place, async db => {
        const points = db.collection('points', SPACE)
        await points.batch(puts(moved, COUNT))
        await linked(db)
        await db.compact()
        const { recoding, drift } = await points.stats()
        assert.is(recoding, undefined)
        assert.ok(drift < 1, `${drift}`)
        // The codebook reaches from the usual ones to those that came later: its steps are wider.
        await checkRecords(points, 'l2', vectors, 0.2)
        for (let i = 0; i < 1000; i += 50) assert.is((await points.search(moved[i]!, { k: 1, ef: 128 }))[0]!.key, `k${COUNT + i}`)
      })
    }
    await opened(copy, async db => checkRecords(db.collection('points', SPACE), 'l2', vectors, 0.2))
  })
})

for (const { codec, count, most } of [{ codec: 'sq8', count: 3000, most: 0.35 }, { codec: 'pq', count: 5000, most: 0.15 }] as const) {
  test(`at 1536 dimensions a compacted store takes ${most} of the raw vectors at most: ${codec}`, async () => {
    await withStore(async (db, location) => {
      const vectors = normalVectors(3, count, 1536)
      const points = db.collection('points', { dimensions: 1536, codec, store: 'codes', efConstruction: 40 })
      for (let i = 0; i < count; i += 500) await points.batch(puts(vectors.slice(i, i + 500), i))
      await db.compact()
      assert.is((await points.get('k1'))!.approximate, true)
      const { bytes: { records, index } } = await db.stats()
      await db.close()
      const onDisk = await sizeOf(location)
      const raw = count * 1536 * 4
      const share = (bytes: number): string => `${(bytes / raw).toFixed(3)} (${(bytes / count).toFixed(0)} bytes a vector)`
      const found = `on disk ${share(onDisk)}; by stats() records ${share(records)}, index ${share(index)}`
      if (process.env['SIZES']) console.log(found)
      assert.ok(onDisk <= most * raw, found)
    }, { cacheSize: 64 * 2 ** 20 })
  })
}

test.run()
