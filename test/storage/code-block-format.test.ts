import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import fc from 'fast-check'
import { type CodePlace, decodeCodeBlock, encodeCodeBlock } from '../../storage/code-block-format.js'
import { check } from '../seed.js'
import { decodes, flips, makeChecksum } from './bytes.js'

const test = suite('code block format')
const checksum = makeChecksum()
const places: fc.Arbitrary<CodePlace> = fc.record({ collection: fc.nat({ max: 1000 }), version: fc.nat({ max: 60_000 }), block: fc.nat({ max: 2 ** 28 - 1 }) }, { noNullPrototype: true })
const PLACE: CodePlace = { collection: 2, version: 3, block: 7 }
const BLOCK = { writing: 5, rows: Buffer.from('rows') }

test('rows come back from the place where they were put, and from no other', async () => {
  await check(fc.property(places, places, fc.nat({ max: 255 }), fc.uint8Array({ maxLength: 200, size: 'max' }), (place, other, writing, rows) => {
    const bytes = encodeCodeBlock(checksum, place, { writing, rows })
    const decoded = decodeCodeBlock(checksum, place, bytes, 'it')
    assert.is(decoded.writing, writing)
    assert.equal([...decoded.rows], [...rows])
    const isSame = JSON.stringify(place) === JSON.stringify(other)
    assert.is(decodes(() => decodeCodeBlock(checksum, other, bytes, 'it')), isSame)
  }))
})

test('a block of the next collection, version or number is noticed, and one of another store', () => {
  const bytes = encodeCodeBlock(checksum, PLACE, BLOCK)
  for (const part of ['collection', 'version', 'block'] as const) {
    assert.not(decodes(() => decodeCodeBlock(checksum, { ...PLACE, [part]: PLACE[part] + 1 }, bytes, 'it')), part)
  }
  assert.not(decodes(() => decodeCodeBlock(makeChecksum(1n), PLACE, bytes, 'it')))
})

test('any flipped bit is noticed', () => {
  const bytes = encodeCodeBlock(checksum, PLACE, BLOCK)
  for (const { bit, flipped } of flips(bytes)) assert.not(decodes(() => decodeCodeBlock(checksum, PLACE, flipped, 'it')), `bit ${bit}`)
})

test('the bytes of a fixed block are these', () => {
  assert.is(encodeCodeBlock(checksum, PLACE, BLOCK).toString('hex'), GOLDEN)
})

test.run()

const GOLDEN = 'd2523979aeb1710705726f7773'
