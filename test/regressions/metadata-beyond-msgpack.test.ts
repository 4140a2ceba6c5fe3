import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { keysOf, PLANE, rejects, withStore } from '../src/store.js'

const test = suite('metadata: what msgpack does not carry is refused')

for (const [name, metadata] of [['a function', () => 1], ['a function within', { a: [() => 1] }], ['a class', class A {}]] as [string, unknown][]) {
  test(`${name} is refused`, async () => {
    await withStore(async db => {
      const points = db.collection('points', PLANE)
      await rejects(points.put('a', [1, 2], metadata), TypeError, 'metadata', 'function')
      assert.equal(await keysOf(points), [])
    })
  })
}

// Now the length in bytes is written with the values as bytes: [1, 2] comes back as 8 bytes, 6 of them of whatever was in memory.
for (const array of [Float32Array.of(1, 2), Float64Array.of(0.5), Uint16Array.of(1000), Int32Array.of(-1, 7), BigInt64Array.of(1n)]) {
  test(`a ${array.constructor.name} is kept or refused`, async () => {
    await withStore(async db => {
      const points = db.collection('points', PLANE)
      const outcome = await points.put('a', [1, 2], { array }).then(() => 'kept', error => (error as Error).name)
      if (outcome === 'kept') assert.equal((await points.get('a'))!.metadata, { array })
      else assert.is(outcome, 'TypeError')
    })
  })
}

test.run()
