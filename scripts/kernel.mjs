// Compiles the kernels into dist/kernel: one module for plain SIMD, one for relaxed SIMD. With `--flat BUILD FILE` instead only the one of that name, into
// that file, and so that it has rows in flat arrays in place of blocks: for benches, which tell by it what paging costs.
import { mkdirSync } from 'node:fs'
import asc from 'assemblyscript/asc'

async function compile(build, file, flat) {
  const relaxed = build === 'relaxed'
  const features = ['simd', 'threads', 'bulk-memory', 'sign-extension', 'nontrapping-f2i', ...(relaxed ? ['relaxed-simd'] : [])]
  const { error, stderr } = await asc.main([
    'index/kernel/module.ts', '--outFile', file,
    '--runtime', 'stub', '-O3', '--converge', '--noAssert', '--importMemory', '--sharedMemory', '--initialMemory', '1', '--maximumMemory', '65536',
    '--use', `RELAXED=${relaxed ? 1 : 0}`, '--use', `FLAT=${flat ? 1 : 0}`, ...features.flatMap(name => ['--enable', name])
  ])
  if (error) {
    console.error(stderr.toString())
    process.exit(1)
  }
}

const [option, build, file] = process.argv.slice(2)
if (option === '--flat') {
  await compile(build, file, true)
} else {
  mkdirSync('dist/kernel', { recursive: true })
  for (const each of ['simd', 'relaxed']) await compile(each, `dist/kernel/${each}.wasm`, false)
}
