import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { recordKey } from '../../storage/keys.js'
import { Truth } from '../../storage/truth.js'
import { runScript } from './child.js'
import { dataFileOf, dataOf, opened, PLANE, rewrite, withDirectory, withStore } from './store.js'

const CLI = '../../src/cli.js'

const test = suite('cli')

test('verify, stats, backup and compact of a sound store end with code 0', async () => {
  await withStore(async (db, location) => {
    await db.collection('points', PLANE).put('a', [1, 2])
    await db.close()
    assert.match((await runScript(CLI, ['verify', location])).output, '0 findings')
    const stats = await runScript(CLI, ['stats', location])
    assert.is((JSON.parse(stats.output) as { collections: { count: number }[] }).collections[0]!.count, 1)
    assert.is((await runScript(CLI, ['backup', location, `${location}-copy`])).code, 0)
    assert.is((await runScript(CLI, ['compact', location])).code, 0)
    await opened(`${location}-copy`, async copy => assert.ok(await copy.collection('points', PLANE).has('a')))
  })
})

test('a store whose index is damaged is verified as it was rebuilt', async () => {
  await withStore(async (db, location) => {
    await db.collection('points', PLANE).put('a', [1, 2])
    await db.close()
    rewrite(dataFileOf(location), () => 'garbage')
    const { code, output } = await runScript(CLI, ['verify', location])
    assert.is(code, 0)
    assert.match(output, '0 findings')
  })
})

test('repair says what it did, and what was lost, and ends with code 1 then', async () => {
  await withStore(async (db, location) => {
    await db.collection('points', PLANE).batch([{ type: 'put', key: 'a', vector: [1, 2] }, { type: 'put', key: 'b', vector: [3, 4] }])
    await db.close()
    const nothing = await runScript(CLI, ['repair', location])
    assert.is(nothing.code, 0)
    assert.match(nothing.output, 'nothing is wrong')
    rmSync(join(location, 'STORE'))
    assert.is((await runScript(CLI, ['verify', location])).code, 2)
    const mended = await runScript(CLI, ['repair', location])
    assert.is(mended.code, 0)
    assert.match(mended.output, 'nothing was lost')
    const truth = await Truth.open(join(dataOf(location), 'truth'), false)
    await truth.commit(batch => batch.del(recordKey(1, 0)), true)
    await truth.close()
    assert.is((await runScript(CLI, ['verify', location])).code, 1)
    const lost = await runScript(CLI, ['repair', location])
    assert.is(lost.code, 1)
    assert.match(lost.output, /lost in 'points': key 'a'/)
    assert.is((await runScript(CLI, ['verify', location])).code, 0)
  })
})

test('what is no store, or no command, ends with code 2 and is not created', async () => {
  await withDirectory(async directory => {
    for (const args of [['verify', directory], ['verify', `${directory}/none`], ['burn', directory], ['backup', directory], []]) {
      assert.is((await runScript(CLI, args)).code, 2, args.join(' '))
    }
  })
})

test.run()
