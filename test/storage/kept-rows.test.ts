import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import fc from 'fast-check'
import { Arena, SLAB_BYTES } from '../../storage/arena.js'
import { BlockCache } from '../../storage/block-cache.js'
import { KeptRows } from '../../storage/kept-rows.js'
import { check } from '../seed.js'

const test = suite('KeptRows')
/** Bytes of a row of each space. */
const WIDTHS = [60, 1000, 9001]

const row = fc.record({ space: fc.nat({ max: WIDTHS.length - 1 }), row: fc.nat({ max: 400 }) })
const commands = fc.array(fc.oneof(
  { weight: 8, arbitrary: row.map(at => ({ type: 'keep' as const, ...at })) },
  { weight: 4, arbitrary: row.map(at => ({ type: 'read' as const, ...at })) },
  { weight: 2, arbitrary: row.map(at => ({ type: 'drop' as const, ...at })) },
  { weight: 1, arbitrary: row.map(at => ({ type: 'dropAll' as const, ...at })) },
  { weight: 2, arbitrary: fc.constant({ type: 'adopt' as const }) },
  { weight: 2, arbitrary: fc.constant({ type: 'recycle' as const }) },
  { weight: 1, arbitrary: fc.nat().map(number => ({ type: 'leave' as const, number })) }
), { maxLength: 300, size: 'max' })

test('what is found is what was filled in, and each row that is not found was told to be gone', async () => {
  await check(fc.property(commands, commands => {
    const arena = new Arena(16 * SLAB_BYTES)
    const counts = WIDTHS.map(() => 0)
    const rows = new KeptRows(arena, space => { counts[space]!-- })
    const stamps = new Map<string, number>()
    const slabs: number[] = []
    let stamp = 0
    const adopt = (): void => {
      const slab = arena.owners.indexOf(-1)
      if (slab < 0) return
      arena.give(slab, 1, -3)
      rows.adopt(slab)
      slabs.push(slab)
    }
    const view = new DataView(arena.bytes.buffer)
    for (const command of commands) {
      if (command.type === 'adopt') adopt()
      else if (command.type === 'recycle') {
        if (rows.slabs) rows.recycle()
      } else if (command.type === 'leave') {
        if (!rows.slabs) continue
        const [slab] = slabs.splice(command.number % slabs.length, 1)
        rows.leave(slab!)
        arena.give(slab!, 1, -1)
      } else if (command.type === 'dropAll') rows.dropAll(command.space)
      else if (command.type === 'drop') rows.drop(command.space, command.row)
      else if (command.type === 'read') {
        const at = rows.find(command.space, command.row)
        if (at) assert.is(view.getUint32(at), stamps.get(`${command.space}:${command.row}`))
      } else if (rows.hasRoom(WIDTHS[command.space]!)) {
        rows.drop(command.space, command.row)
        const at = rows.claim(command.space, command.row, WIDTHS[command.space]!)
        arena.bytes.fill(0xaa, at, at + WIDTHS[command.space]!)
        view.setUint32(at, ++stamp)
        stamps.set(`${command.space}:${command.row}`, stamp)
        rows.enter(at)
        counts[command.space]!++
        assert.is(rows.find(command.space, command.row), at)
      }
    }
    for (const [space, count] of counts.entries()) {
      let found = 0
      for (let one = 0; one <= 400; one++) {
        const at = rows.find(space, one)
        if (!at) continue
        found++
        assert.is(view.getUint32(at), stamps.get(`${space}:${one}`))
      }
      assert.is(found, count)
    }
  }))
})

test('rows that are asked for stay, and have as much of the memory as is of use', () => {
  const arena = new Arena(64 * SLAB_BYTES)
  const cache = new BlockCache(arena)
  const records = cache.createSpace({ rowBytes: 4000, kind: 'records' })
  const blocks = cache.createSpace({ rowBytes: 4000, load: () => undefined })
  blocks.reserve(5000)
  let filled = 0
  const read = (row: number): void => {
    const at = cache.kept(records, row)
    if (at) {
      // As the kernel does.
      arena.u32[(at - 8) / 4]! |= 1 << 28
      return
    }
    filled++
    cache.noteLoaded(records)
    cache.enter(records, cache.claim(records, row))
  }
  for (let block = 0; block < 3000; block++) cache.fault(blocks.id, block)
  for (let row = 0; row < 500; row++) read(row)
  const most = cache.keptBytes
  assert.ok(most > 4 * SLAB_BYTES && most <= arena.frameBytes / 8, `${most} bytes where few blocks are loaded`)
  for (let round = 0; round < 40; round++) {
    for (const hot of [1, 2, 3]) read(hot)
    filled = 0
    for (let row = 0; row < 30; row++) read(1000 + round * 30 + row)
  }
  for (const hot of [1, 2, 3]) assert.ok(cache.kept(records, hot), `row ${hot}`)
  for (let round = 0; round < 30; round++) {
    for (let row = 0; row < 20; row++) read(4000 + round * 20 + row)
    for (let block = 0; block < 300; block++) cache.fault(blocks.id, (round * 300 + block) % 5000)
  }
  assert.ok(cache.keptBytes <= Math.max(SLAB_BYTES, arena.frameBytes / 16), `${cache.keptBytes} bytes where many are`)
})

test.run()
