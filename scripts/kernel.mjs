// Compiles the kernels into dist/kernel: one module for plain SIMD, one for relaxed SIMD.
import { mkdirSync } from 'node:fs'
import asc from 'assemblyscript/asc'

mkdirSync('dist/kernel', { recursive: true })
for (const relaxed of [false, true]) {
  const features = ['simd', 'threads', 'bulk-memory', 'sign-extension', 'nontrapping-f2i', ...(relaxed ? ['relaxed-simd'] : [])]
  const { error, stderr } = await asc.main([
    'index/kernel/module.ts', '--outFile', `dist/kernel/${relaxed ? 'relaxed' : 'simd'}.wasm`,
    '--runtime', 'stub', '-O3', '--converge', '--noAssert', '--importMemory', '--sharedMemory', '--initialMemory', '1', '--maximumMemory', '65536',
    '--use', `RELAXED=${relaxed ? 1 : 0}`, ...features.flatMap(name => ['--enable', name])
  ])
  if (error) {
    console.error(stderr.toString())
    process.exit(1)
  }
}
