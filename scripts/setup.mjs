// Brings a checkout to where its commands run: installs dependencies and compiles, each only when something changed since the last time.
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

process.chdir(join(dirname(fileURLToPath(import.meta.url)), '..'))
const force = process.argv.includes('--force')

function hashOf(paths) {
  const hash = createHash('sha256').update(process.version)
  for (const path of paths) hash.update(path).update(readFileSync(path))
  return hash.digest('hex')
}

function sourcesOf(folder) {
  return readdirSync(folder, { withFileTypes: true }).flatMap(entry => {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) return entry.name === 'node_modules' ? [] : sourcesOf(path)
    return entry.name.endsWith('.ts') ? [path] : []
  }).sort()
}

/** Runs a step unless its inputs are those of the last successful run. */
function step(name, inputs, stamp, run) {
  const hash = hashOf(inputs)
  if (!force && existsSync(stamp) && readFileSync(stamp, 'utf8') === hash) return
  process.stderr.write(`${name} ...\n`)
  rmSync(stamp, { force: true })
  try {
    run()
  } catch (error) {
    process.stderr.write(`${name} failed: ${error.message}\n`)
    process.exit(1)
  }
  mkdirSync(dirname(stamp), { recursive: true })
  writeFileSync(stamp, hash)
}

const inherit = { stdio: ['ignore', 2, 2] }
const npm = process.platform === 'win32' ? { command: 'npm.cmd', shell: true } : { command: 'npm', shell: false }

step('installing dependencies', ['package.json', 'package-lock.json'], 'node_modules/.vector-level', () => {
  execFileSync(npm.command, ['ci', '--no-audit', '--no-fund'], { ...inherit, shell: npm.shell })
})

const kernelSources = ['index', 'codecs', 'storage'].flatMap(folder => sourcesOf(join(folder, 'kernel')))
step('compiling kernels', ['scripts/kernel.mjs', 'package-lock.json', ...kernelSources], 'dist/kernel/.inputs', () => {
  execFileSync(process.execPath, ['scripts/kernel.mjs'], inherit)
})

const sources = ['floor', 'codecs', 'storage', 'index', 'src', 'test', 'bench'].flatMap(sourcesOf)
step('compiling TypeScript', ['tsconfig.json', 'package-lock.json', ...sources], 'dist/.inputs', () => {
  for (const folder of ['floor', 'codecs', 'storage', 'index', 'src', 'test', 'bench']) rmSync(join('dist', folder), { recursive: true, force: true })
  execFileSync(process.execPath, ['node_modules/typescript/bin/tsc', '-p', '.'], inherit)
})
