import { readFileSync } from 'node:fs'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { chooseBuild, hasRelaxedSimd, KERNEL_BUILDS, type Kernel } from '../../index/kernel.js'
import { Arena } from '../../storage/arena.js'
import { BUILDS, bareKernel } from './kernel-suite.js'

const test = suite<{ forced: string | undefined }>('kernel')

function force(build: string | undefined): void {
  if (build === undefined) delete process.env['VECTOR_LEVEL_KERNEL']
  else process.env['VECTOR_LEVEL_KERNEL'] = build
}

test.before.each(context => {
  context.forced = process.env['VECTOR_LEVEL_KERNEL']
  force(undefined)
})
test.after.each(({ forced }) => force(forced))

test('relaxed SIMD is there exactly where the relaxed build can be compiled', () => {
  assert.is(hasRelaxedSimd(), WebAssembly.validate(readFileSync(new URL('../../kernel/relaxed.wasm', import.meta.url))))
})

test('the choice is the build, and auto is the fastest one that runs here', () => {
  for (const build of KERNEL_BUILDS) assert.is(chooseBuild(build), build)
  assert.is(chooseBuild('auto'), hasRelaxedSimd() ? 'relaxed' : 'simd')
})

test('the environment decides for auto, and for nothing else', () => {
  for (const build of KERNEL_BUILDS) {
    force(build)
    assert.is(chooseBuild('auto'), build)
    assert.is(chooseBuild('simd'), 'simd')
  }
  force('')
  assert.is(chooseBuild('auto'), hasRelaxedSimd() ? 'relaxed' : 'simd')
})

test('a misspelt build in the environment is a TypeError', () => {
  force('smid')
  assert.throws(() => chooseBuild('auto'), (error: unknown) => error instanceof TypeError && error.message.includes('smid'))
})

test('every build offers the same functions', () => {
  const namesOf = (kernel: Kernel): string[] => Object.keys(kernel).filter(name => name !== 'memory').sort()
  const arena = new Arena(2 ** 20)
  const expected = namesOf(bareKernel('reference', arena))
  for (const build of BUILDS) assert.equal(namesOf(bareKernel(build, arena)), expected, build)
})

test.run()
