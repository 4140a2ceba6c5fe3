import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { takeDirectory } from '../../storage/registry.js'

const test = suite<{ directory: string }>('registry')

test.before.each(context => {
  context.directory = realpathSync(mkdtempSync(join(tmpdir(), 'vector-level-registry-')))
})
test.after.each(({ directory }) => rmSync(directory, { recursive: true, force: true }))

const withCode = (code: string) => (error: { code: string }): boolean => error.code === code

test('a directory is made, taken once, and free again when it is released', ({ directory }) => {
  const location = join(directory, 'a', 'b')
  const first = takeDirectory(location)
  assert.is(first.directory, location)
  assert.throws(() => takeDirectory(location), withCode('VECTOR_LOCKED'))
  first.release()
  takeDirectory(location).release()
})

test('another spelling, and a link, is the same directory', ({ directory }) => {
  mkdirSync(join(directory, 'real'))
  symlinkSync(join(directory, 'real'), join(directory, 'link'))
  const { release } = takeDirectory(join(directory, 'real'))
  for (const spelling of ['link', 'real/.', 'real/../real', 'link/']) {
    assert.throws(() => takeDirectory(join(directory, spelling)), withCode('VECTOR_LOCKED'), spelling)
  }
  release()
})

test('what cannot be a directory is VECTOR_IO_ERROR', ({ directory }) => {
  writeFileSync(join(directory, 'file'), '')
  assert.throws(() => takeDirectory(join(directory, 'file')), withCode('VECTOR_IO_ERROR'))
  assert.throws(() => takeDirectory(join(directory, 'file', 'below')), withCode('VECTOR_IO_ERROR'))
})

test.run()
