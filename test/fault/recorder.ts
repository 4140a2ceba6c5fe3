import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Disk } from './disk.js'
import { type Image, writeImage } from './image.js'
import { type Call, parseTrace, textOf } from './trace-format.js'
import type { Workload } from './workload.js'

/** All calls that can change files or their names; the disk refuses those that it does not know. */
const CHANGING = [
  'open', 'openat', 'creat', 'close', 'write', 'pwrite64', 'writev', 'pwritev', 'pwritev2', 'fsync', 'fdatasync', 'sync_file_range', 'msync',
  'rename', 'renameat', 'renameat2', 'unlink', 'unlinkat', 'rmdir', 'mkdir', 'mkdirat', 'link', 'linkat', 'symlink', 'truncate', 'ftruncate', 'fallocate',
  'copy_file_range', 'sendfile', 'dup', 'dup2', 'dup3', 'fcntl', 'lseek', 'mmap'
]

/** A call that changed the files of a workload, or told of them. */
export interface Step {
  call: Call
  /** What the workload said with it; else ''. */
  said: string
}

/** A workload from its first call to its last. */
export interface Recording {
  workload: Workload
  /** Directory that it ran in, by its path then. */
  root: string
  /** What stood there before. */
  initial: Image
  steps: Step[]
}

/** What this machine lacks for calls to be recorded, undefined when nothing. */
export function missingStrace(): string | undefined {
  const { error, status, stderr } = spawnSync('strace', ['-qq', '-o', '/dev/null', 'true'], { encoding: 'utf8' })
  if (error) return 'strace'
  return status === 0 ? undefined : `the right to trace processes (${stderr.trim()})`
}

/** Runs a workload to its end, in a directory of its own that begins as `initial`; its location is a name in there. */
export function record(workload: Workload, initial: Image): Recording {
  const directory = realpathSync(mkdtempSync(join(tmpdir(), 'vector-level-recording-')))
  const root = join(directory, 'disk')
  const file = join(directory, 'trace')
  try {
    writeImage(initial, root)
    const child = fileURLToPath(new URL('workload-child.js', import.meta.url))
    const { status, signal, stderr } = spawnSync('strace', [
      '-f', '-qq', '-xx', '-s', String(1 << 24), '-o', file, '-e', `trace=${CHANGING.map(name => `?${name}`).join()}`, '-e', 'signal=none',
      process.execPath, child, JSON.stringify({ ...workload, location: join(root, workload.location) })
    ], { encoding: 'utf8', stdio: ['ignore', 'ignore', 'pipe'], timeout: 120_000, env: { ...process.env, UV_USE_IO_URING: '0' } })
    if (status !== 0) throw new Error(`the workload ${JSON.stringify(workload)} ended with ${signal ?? status}: ${stderr}`)
    return { workload, root, initial, steps: stepsOf(parseTrace(readFileSync(file, 'latin1')), new Disk(root, initial)) }
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

/** In the order in which they took effect: what is said can be known as soon as it is begun. */
function stepsOf(calls: Call[], disk: Disk): Step[] {
  const steps = calls.map(call => ({ call, said: call.name === 'write' && call.arguments[0] === '1' ? textOf(call.arguments[1]!) : '' }))
  const moment = ({ call, said }: Step): number => (said ? call.begin : call.end)
  return steps.sort((a, b) => moment(a) - moment(b)).filter(({ call, said }) => disk.apply(call) || said)
}
