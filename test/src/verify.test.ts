import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { encodeOrdinal } from '../../storage/ordinal-format.js'
import { recordKey, userKey } from '../../storage/keys.js'
import { encodeRecord } from '../../storage/record-format.js'
import { readIdentity, storeTag } from '../../storage/store-file.js'
import { Truth, type TruthBatch } from '../../storage/truth.js'
import { VectorLevel } from '../../src/index.js'
import { copyOfOpenStore, dataOf, keysOf, opened, PLANE, rejects, SMALL, sound, withStore } from './store.js'
import { makeChecksum } from '../storage/bytes.js'
import { normalVectors } from './vectors.js'

const test = suite('verify')

test('finds nothing in a new store, an empty one, and one that lives', async () => {
  await withStore(async (db, location) => {
    assert.equal(await db.verify(), [])
    const points = db.collection('points', { dimensions: 4, metric: 'l2', codec: 'f32' })
    const others = db.collection('others', { dimensions: 4 })
    await points.put('a', [1, 2, 3, 4])
    await points.del('a')
    await sound(db)
    const vectors = normalVectors(1, 1200, 4)
    for (const collection of [points, others]) {
      await collection.batch(vectors.map((vector, i) => ({ type: 'put', key: `k${i % 1000}`, vector })))
      await sound(db)
      await collection.clear({ lt: 'k5' })
      await sound(db)
    }
    await db.checkpoint()
    await sound(db)
    await points.put('k1', [1, 1, 1, 1])
    await sound(db)
    await db.close()
    await opened(location, sound)
  })
})

/** Opens the records of a closed store behind its back. */
async function tamper(location: string, change: (batch: TruthBatch, truth: Truth, store: bigint) => void): Promise<void> {
  const truth = await Truth.open(join(dataOf(location), 'truth'), false)
  await truth.commit(batch => change(batch, truth, storeTag(readIdentity(location)!)), true)
  await truth.close()
}

const COLLECTION = 1
const key = (name: string): Buffer => userKey(COLLECTION, Buffer.from(name))
const ordinal = (store: bigint, name: string, n: number): Buffer => encodeOrdinal(makeChecksum(store), COLLECTION, Buffer.from(name), { ordinal: n, tag: 0 })
/** The record of ordinal 3 as an earlier commit could have written it. */
const older = (store: bigint): Buffer => encodeRecord(makeChecksum(store), COLLECTION, 3, 1, new Uint32Array(2), Buffer.from('k3'), new Uint8Array(0))

const TAMPERING: [string, (batch: TruthBatch, truth: Truth, store: bigint) => void, ...RegExp[]][] = [
  ['a record that is missing', batch => batch.del(recordKey(COLLECTION, 3)), /key 'k3' leads to ordinal 3, which has no record/, /ordinal 3 is live in the index, and has no record/],
  ['a key that is missing', batch => batch.del(key('k3')), /record of 'k3' has ordinal 3, which no key leads to/],
  ['a key that leads to another record', (batch, _, store) => batch.put(key('k3'), ordinal(store, 'k3', 4)), /'k3' and 'k4' lead to the same ordinal 4/, /ordinal 3/],
  ['a key that leads nowhere', (batch, _, store) => batch.put(key('new'), ordinal(store, 'new', 77)), /key 'new' leads to ordinal 77, which has no record/],
  ['a key with less than an ordinal', batch => batch.put(key('k3'), Buffer.alloc(2)), /'k3'/],
  ['a record of which a bit is flipped', (batch, truth) => {
    const record = truth.get(recordKey(COLLECTION, 3))!
    record[20]! ^= 1
    batch.put(recordKey(COLLECTION, 3), record)
  }, /record of ordinal 3 .* fails its checksum/],
  ['an older record of the same key', (batch, _, store) => batch.put(recordKey(COLLECTION, 3), older(store)), /only an older record of key 'k3' is left \(ordinal 3, sequence 1\)/],
  ['records that changed places', (batch, truth) => {
    batch.put(recordKey(COLLECTION, 3), truth.get(recordKey(COLLECTION, 4))!)
    batch.put(recordKey(COLLECTION, 4), truth.get(recordKey(COLLECTION, 3))!)
  }, /record of ordinal 3 .* fails its checksum/, /record of ordinal 4 .* fails its checksum/],
  ['a record that the index does not know', (batch, truth) => batch.put(recordKey(COLLECTION, 90), truth.get(recordKey(COLLECTION, 3))!), /ordinal 90/]
]

for (const [name, change, ...expected] of TAMPERING) {
  test(`finds ${name}`, async () => {
    await withStore(async (db, location) => {
      const points = db.collection('points', PLANE)
      for (let i = 0; i < 6; i++) await points.put(`k${i}`, [i, 0])
      await db.close()
      await tamper(location, change)
      const again = new VectorLevel(location, SMALL)
      try {
        const findings = await again.verify()
        for (const pattern of expected) assert.ok(findings.some(({ message }) => pattern.test(message)), `${pattern} is not in ${JSON.stringify(findings)}`)
        for (const { collection, where } of findings) assert.ok(collection === 'points' && ['key', 'record', 'graph'].includes(where))
      } finally {
        await again.close()
      }
    })
  })
}

test('an older record of a key is noticed by whoever reads it, and by compaction and repair', async () => {
  await withStore(async (db, location) => {
    const points = db.collection('points', PLANE)
    for (let i = 0; i < 6; i++) await points.put(`k${i}`, [i, 1])
    await db.close()
    await tamper(location, (batch, _, store) => batch.put(recordKey(COLLECTION, 3), older(store)))
    const again = new VectorLevel(location, SMALL)
    try {
      const left = again.collection('points', PLANE)
      await rejects(left.get('k3'), 'VECTOR_CORRUPTION', "only an older record of key 'k3'", 'sequence 1')
      await rejects(left.getMany(['k2', 'k3']), 'VECTOR_CORRUPTION', 'k3')
      await rejects((async () => { for await (const _ of left.entries()) continue })(), 'VECTOR_CORRUPTION', 'k3')
      await rejects(again.compact(), 'VECTOR_CORRUPTION', 'ordinal 3')
      await again.close()
      const { lost } = await again.repair()
      assert.equal(lost.map(({ key }) => key), ['k3'])
      assert.ok(lost[0]!.message.includes('another write'), lost[0]!.message)
      assert.equal(await keysOf(again.collection('points', PLANE)), ['k0', 'k1', 'k2', 'k4', 'k5'])
      await sound(again)
    } finally {
      await again.close()
    }
  })
})

test('an older record is not taken for the one that the log names', async () => {
  await withStore(async (db, location) => {
    for (let i = 0; i < 6; i++) {
      await db.collection('points', PLANE).put(`k${i}`, [i, 1])
      if (i === 2) await db.checkpoint()
    }
    const copy = `${location}-copy`
    copyOfOpenStore(location, copy)
    await tamper(copy, (batch, _, store) => batch.put(recordKey(COLLECTION, 3), older(store)))
    const killed = new VectorLevel(copy, SMALL)
    try {
      const hits = await killed.collection('points', PLANE).search([0, 0])
      assert.equal(hits.map(({ key }) => key), ['k0', 'k1', 'k2', 'k4', 'k5'])
      assert.ok((await killed.verify()).some(({ message }) => message.startsWith("only an older record of key 'k3'")))
    } finally {
      await killed.close()
    }
  })
})

test.run()
