import { cpSync } from 'node:fs'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { runScript } from '../src/child.js'
import type { Inspection } from '../src/inspect-child.js'
import { dataFileOf, linked, opened, rewrite, withStore } from '../src/store.js'
import { normalVectors } from '../src/vectors.js'

const PAGE = 4096
const TRANSACTION = 152

const test = suite('index: a damaged meta page of LMDB leads to a rebuild')

// Offsets in a meta page of LMDB, data format 2 of lmdb 3.5.
for (const [name, offset, bits] of [
  ['the version of the format', 28, 0x80],
  ['the size of a page', 48, 0x08],
  ['the size of a page, so that it is none', 50, 0x20],
  ['the root of the free pages', 88, 0x08],
  ['the root of the free pages, so that it is far away', 91, 0x04],
  ['the root of the databases', 136, 0x08],
  ['the root of the databases, so that it is far away', 141, 0x10],
  ['the number of the last page', 144, 0x08]
] as const) {
  test(`opens, rebuilds and goes on when a bit is flipped in ${name}`, async () => {
    await withStore(async (db, location) => {
      const points = db.collection('points', { dimensions: 4, metric: 'l2', codec: 'f32' })
      await points.batch(normalVectors(1, 600, 4).map((vector, i) => ({ type: 'put', key: `k${i}`, vector })))
      await linked(db)
      const query = [...normalVectors(2, 1, 4)[0]!]
      const answer = await points.search(query, { exact: true })
      await db.close()
      const damaged = `${location}-damaged`
      cpSync(location, damaged, { recursive: true })
      rewrite(dataFileOf(damaged), bytes => {
        const newest = bytes.readBigUInt64LE(TRANSACTION) > bytes.readBigUInt64LE(PAGE + TRANSACTION) ? 0 : PAGE
        bytes[newest + offset]! ^= bits
        return bytes
      })
      const { code, signal, output } = await runScript('inspect-child.js', [damaged, 'points', '4', JSON.stringify([query])])
      assert.is(signal, null, `the process died of ${signal}`)
      assert.is(code, 0)
      const inspection = JSON.parse(output) as Inspection
      assert.is(inspection.code, undefined, inspection.message)
      assert.equal(inspection.answers.map(hits => hits.map(({ key }) => key)), [answer.map(({ key }) => key)])
      // Whatever the damage was, checkpoints work from the next opening on.
      for (let round = 0; round < 2; round++) {
        await opened(damaged, async again => {
          const stored = again.collection('points', { dimensions: 4, metric: 'l2' })
          await stored.put(`new ${round}`, [round, 1, 2, 3])
          await again.checkpoint()
          assert.equal((await stored.search(query, { exact: true, k: 3 })).map(({ key }) => key), answer.slice(0, 3).map(({ key }) => key))
          assert.is((await stored.stats()).count, 601 + round)
        })
      }
    })
  })
}

test.run()
