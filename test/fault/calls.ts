import { spawnSync } from 'node:child_process'
import { readFileSync, realpathSync } from 'node:fs'
import { join, relative } from 'node:path'
import * as assert from 'uvu/assert'
import { type Ended, runBeside } from './spawned.js'

/** Calls of the system that change a file or a directory; not every machine has all of them. */
const CHANGING = ['write', 'pwrite64', 'writev', 'pwritev', 'fdatasync', 'fsync', 'ftruncate', 'openat', 'rename', 'renameat', 'renameat2',
  'unlink', 'unlinkat', 'mkdir', 'mkdirat', 'rmdir']
/** With one thread for the files, calls come in the same order each time. */
const ONE_THREAD = { UV_THREADPOOL_SIZE: '1' }

/** One call that a script makes: the `number`th of its name for a path, in the thread that is the first to get so far. */
export interface Call {
  name: string
  /** Relative to the directory in which the script works. */
  path: string
  number: number
}

let canTrace: boolean | undefined

/** What this machine lacks for naming the calls of a process. */
export function missingForCalls(): string | undefined {
  canTrace ??= spawnSync('strace', ['-qq', '-o', '/dev/null', process.execPath, '--version']).status === 0
  return canTrace ? undefined : 'strace'
}

/** Runs a script beside this file to its end, and names the calls by which it changed what is below the directory. */
export async function callsOf(name: string, workload: unknown, directory: string): Promise<Call[]> {
  const trace = join(directory, 'trace')
  const calls = `trace=${CHANGING.map(call => `?${call}`).join()}`
  const ended = await runBeside(name, workload, { under: ['strace', '-f', '-qq', '-y', '-o', trace, '-e', calls], env: ONE_THREAD })
  assert.is(ended.code, 0, ended.errors)
  return parseCalls(readFileSync(trace, 'utf8'), realpathSync(directory))
}

/** Runs a script beside this file, and kills it in place of one of its calls. */
export async function killBefore(call: Call, name: string, workload: unknown, directory: string): Promise<Ended> {
  const path = join(realpathSync(directory), call.path)
  // Of the calls of this name only those for this path count. NOTE: with --seccomp-bpf strace would inject nothing.
  const filter = ['-P', path, '-e', `trace=${call.name}`]
  const inject = ['-e', `inject=${call.name}:signal=SIGKILL:when=${call.number}`]
  return await runBeside(name, workload, { under: ['strace', '-f', '-qq', '-o', '/dev/null', ...filter, ...inject], env: ONE_THREAD })
}

function parseCalls(trace: string, directory: string): Call[] {
  const calls = new Map<string, Call>()
  const numbers = new Map<string, number>()
  for (const line of trace.split('\n')) {
    const [, thread, name, rest] = /^(\d+) +(\w+)\((.*)/.exec(line) ?? []
    if (!rest) continue
    const paths = [...rest.matchAll(/[<"](\/[^">]*)[">]/g)].map(([, path]) => relative(directory, path!))
    const inside = paths.find(path => path && !path.startsWith('..'))
    if (!inside) continue
    // Each thread counts for itself.
    const number = (numbers.get(`${thread} ${name} ${inside}`) ?? 0) + 1
    numbers.set(`${thread} ${name} ${inside}`, number)
    if (name === 'openat' && !rest.includes('O_CREAT')) continue
    calls.set(`${name} ${inside} ${number}`, { name: name!, path: inside, number })
  }
  return [...calls.values()]
}
