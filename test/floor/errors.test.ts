import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { VectorLevelError } from '../../floor/errors.js'

const test = suite('VectorLevelError')

test('an error carries its code, its message and its name', () => {
  const error = new VectorLevelError('VECTOR_FULL', 'no room for 7 bytes')
  assert.instance(error, Error)
  assert.is(error.code, 'VECTOR_FULL')
  assert.is(error.message, 'no room for 7 bytes')
  assert.is(error.name, 'VectorLevelError')
  assert.ok(error.stack!.includes('VectorLevelError: no room for 7 bytes'))
})

test('a cause is kept, and there is none when none was given', () => {
  const cause = new Error('disk')
  assert.is(new VectorLevelError('VECTOR_IO_ERROR', 'failed', cause).cause, cause)
  assert.not.ok('cause' in new VectorLevelError('VECTOR_IO_ERROR', 'failed'))
})

test.run()
