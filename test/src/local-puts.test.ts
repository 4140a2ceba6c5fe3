import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { Random } from '../../floor/random.js'
import { atOnce } from '../../floor/slices.js'
import type { OpenCollection } from '../../src/engine.js'
import { withLocalPuts } from '../../src/local-puts.js'
import type { KeyOperation, WriteOperation } from '../../src/write-operation.js'
import { check } from '../seed.js'

const test = suite('local puts')
const COLLECTIONS = ['l2', 'cosine'].map(metric => ({ options: { metric }, graph: { codeKind: 'codes', codes: { rowsPerBlock: 8 } } }) as unknown as OpenCollection)
const NO_METADATA = new Uint8Array(0)

/** What a batch comes to. */
function outcome(operations: WriteOperation[]): Map<string, unknown> {
  const records = new Map<string, unknown>()
  for (const { collection, key, put, metadata } of operations as KeyOperation[]) {
    const name = `${COLLECTIONS.indexOf(collection)} ${key.toString()}`
    if (put) records.set(name, put)
    else if (metadata) records.set(name, [records.get(name), metadata])
    else records.set(name, 'deleted')
  }
  return records
}

function occurrences(operations: WriteOperation[]): Map<string, number> {
  const counts = new Map<string, number>()
  for (const { collection, key } of operations as KeyOperation[]) {
    const name = `${COLLECTIONS.indexOf(collection)} ${key.toString()}`
    counts.set(name, (counts.get(name) ?? 0) + 1)
  }
  return counts
}

test('a batch comes to the same, and what is no put of a key alone stays where it was', async () => {
  await check(fc.property(fc.nat({ max: 400 }), fc.nat({ max: 1000 }), fc.constantFrom(50, 400, 100_000), fc.constantFrom(0, 0.3), (count, seed, keys, others) => {
    const random = new Random(seed)
    const operations = Array.from({ length: count }, (): WriteOperation => {
      const operation = { collection: COLLECTIONS[random.below(2)]!, key: Buffer.from(`k${random.below(keys)}`) }
      if (random.next() < others) return random.below(2) ? operation : { ...operation, metadata: NO_METADATA }
      return { ...operation, put: { vector: Float32Array.from({ length: 4 }, () => random.normal()), metadata: NO_METADATA } }
    })
    const arranged = atOnce(withLocalPuts(operations))
    assert.is(arranged.length, count)
    assert.is(new Set(arranged).size, count)
    const counts = occurrences(operations)
    for (const [i, operation] of operations.entries()) {
      const { collection, key, put } = operation as KeyOperation
      if (!put || counts.get(`${COLLECTIONS.indexOf(collection)} ${key.toString()}`)! > 1) assert.is(arranged[i], operation)
    }
    const [before, after] = [outcome(operations), outcome(arranged)]
    assert.is(after.size, before.size)
    for (const [name, content] of before) assert.equal(after.get(name), content)
  }), { numRuns: 100 })
})

test('a recoding is no matter of keys', () => {
  const operations: WriteOperation[] = [{ collection: COLLECTIONS[0]!, recoded: true }]
  assert.equal(atOnce(withLocalPuts(operations)), operations)
})

test.run()
