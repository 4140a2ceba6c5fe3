import { cpSync, mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Random } from '../../floor/random.js'
import { dataDirectory, generationDirectory, truthDirectory } from '../../storage/store-file.js'
import { runScript } from '../src/child.js'
import { type Campaign, type CampaignReport, tally } from './campaign.js'
import { lastSaid } from './history.js'
import { missingStrace } from './recorder.js'
import { Recoverer } from './recoverer.js'
import { runBeside } from './spawned.js'
import type { Workload } from './workload.js'

/** Numbers that LevelDB gives to files of a short workload. */
const FILE_NUMBERS = 30
const GENERATIONS = 4
/** Compactions of such a workload, and one. */
const DATA = 12
/** Milliseconds after which a workload hangs. */
const PATIENCE = 60_000

/**
 * A log that cannot be read. Only the first attempt fails or all do: what was read once is in memory, so the disk does not fail later
 * (LevelDB takes such a log for one that ends there, and removes it: it must not come so far).
 */
const UNREADABLE = 'read'
/** Calls, and up to which of them (of each thread) one fails: about as many as the workload has. */
const CALLS: [names: string, most: number][] = [
  ['fdatasync', 60], ['fdatasync', 10], ['fsync', 8], ['pwrite64', 30], ['writev', 20], ['pwritev,pwrite64,writev', 30], ['write', 60], ['write', 10],
  ['rename', 12], ['openat', 40], ['openat', 10], ['mkdir', 5], ['unlink,rmdir', 8], ['ftruncate', 2], ['mmap', 6], ['pread64', 8], [UNREADABLE, 1],
  ['fcntl', 4], ['stat,lstat,newfstatat,statx', 20]
]

/**
 * lmdb 3.5 ends the process in two cases that no care of ours prevents, so only what is left then is looked at: when opening an environment
 * fails, for whatever reason, it closes what it has not opened yet (`EnvWrap::openEnv` in env.cpp; SIGSEGV); when a write of pages fails, its
 * message is longer than the 100 bytes that it has for it (`mdb_page_flush` in mdb.c; the heap is damaged, and the process may end later).
 */
const KNOWN = 'the end of the process in lmdb'

/** A call that the system lets fail. */
interface Failure {
  calls: string
  error: 'EIO' | 'ENOSPC'
  /** As strace has it: `K`, or `K+` when all later ones fail, too. */
  when: string
}

/** Lets the K-th call of a kind on a file of the store fail, once or from then on: in a new store, and in one with operations to replay. */
export const ioErrors: Campaign = {
  name: 'io-errors',

  missing: missingStrace,

  async run(rounds, seed, onProgress) {
    const report: CampaignReport = { rounds: 0, violations: [], counts: {} }
    const recoverer = new Recoverer()
    const directory = realpathSync(mkdtempSync(join(tmpdir(), 'vector-level-io-')))
    try {
      const killed = await killedStore(join(directory, 'killed'), seed, recoverer)
      for (let round = 0; round < rounds; round++) {
        const random = new Random(seed ^ Math.imul(round + 1, 0x9e3779b1))
        const location = join(directory, `round-${round}`)
        const from = random.below(2) ? killed.count : 0
        if (from) cpSync(killed.location, location, { recursive: true })
        const durability = random.below(2) ? 'strict' : 'relaxed'
        const workload: Workload = {
          location, durability, seed, from, count: 60, writers: 1 + random.below(6), checkpointEvery: [5, 20, 1000][random.below(3)]!,
          maintenance: true, faults: true
        }
        const failure = anyFailure(random)
        const { ended, output, errors, last } = await runWithFailure(workload, failure, random.below(2) ? 1 : 4)
        const code = output.match(/^failed (\w+)/m)?.[1]
        const known = ended.startsWith('SIG') && last?.includes('.mdb')
        tally(report, last ? `${failure.calls}: ${known ? KNOWN : ended === 'code 0' ? code ?? 'nothing was told' : ended}` : 'not reached')
        const least = Math.max(from, lastSaid(output, 'acknowledged'))
        const { violation } = await recoverer.recover({ location, durability, seed, least, most: from + 60, thoroughly: false, backups: [] })
        const where = `I/O error (seed ${seed}, round ${round}, ${JSON.stringify(failure)}, ${durability}, from ${from})`
        if (ended !== 'code 0' && !known) report.violations.push(`${where}: the workload ended with ${ended} after ${last}: ${errors}`)
        if (violation) report.violations.push(`${where}: what it left: ${violation}`)
        for (const suffix of ['', '-backup-0', '-backup-1']) rmSync(`${location}${suffix}`, { recursive: true, force: true })
        report.rounds = round + 1
        onProgress(report.rounds)
      }
    } finally {
      recoverer.close()
      rmSync(directory, { recursive: true, force: true })
    }
    return report
  }
}

function anyFailure(random: Random): Failure {
  const [calls, most] = CALLS[random.below(CALLS.length)]!
  return { calls, error: random.below(3) ? 'EIO' : 'ENOSPC', when: `${1 + Math.floor(most * random.next() ** 2)}${random.below(2) ? '+' : ''}` }
}

/** A store whose process was killed, and the operations that it holds. */
async function killedStore(location: string, seed: number, recoverer: Recoverer): Promise<{ location: string, count: number }> {
  const workload: Workload = { location, durability: 'strict', seed, from: 0, checkpointEvery: 40 }
  await runScript('../fault/workload-child.js', [JSON.stringify(workload)], (output, kill) => {
    if (lastSaid(output, 'acknowledged') > 100) kill()
  })
  const copy = `${location}-copy`
  cpSync(location, copy, { recursive: true })
  const { count, violation } = await recoverer.recover({ location: copy, durability: 'strict', seed, least: 100, thoroughly: false, backups: [] })
  if (violation) throw new Error(violation)
  return { location, count }
}

async function runWithFailure(workload: Workload, { calls, error, when }: Failure, threads: number):
  Promise<{ ended: string, output: string, errors: string, last: string | undefined }> {
  const trace = `${workload.location}-trace`
  const names = calls.split(',').map(name => `?${name}`).join()
  const under = [
    'strace', '-f', '-qq', '-y', '-s', '0', '-o', trace, '-e', `trace=${names}`, '-e', `inject=${names}:error=${error}:when=${when}`, '-e', 'signal=none',
    ...filesOf(workload.location).filter(path => calls !== UNREADABLE || path.endsWith('.log')).flatMap(path => ['-P', path])
  ]
  const env = { UV_THREADPOOL_SIZE: String(threads), UV_USE_IO_URING: '0' }
  const { code, signal, output, errors } = await runBeside('workload-child.js', workload, { under, env, timeout: PATIENCE })
  const last = readFileSync(trace, 'latin1').split('\n').findLast(line => line.includes('(INJECTED)'))
  rmSync(trace)
  return { ended: signal ?? `code ${code}`, output, errors, last }
}

/** All that a store may have; an end like standard output has to stay whole. */
function filesOf(location: string): string[] {
  return [location, ...['STORE', 'STORE.tmp'].map(name => join(location, name)), ...Array.from({ length: DATA }, (_, i) => dataFilesOf(dataDirectory(location, i + 1))).flat()]
}

function dataFilesOf(data: string): string[] {
  const truth = truthDirectory(data)
  const generations = Array.from({ length: GENERATIONS }, (_, i) => generationDirectory(data, i + 1))
  const numbers = Array.from({ length: FILE_NUMBERS }, (_, i) => String(i + 1).padStart(6, '0'))
  return [
    data, truth, ...['INDEX', 'INDEX.tmp', 'OPENING'].map(name => join(data, name)), ...['CURRENT', 'LOCK', 'LOG'].map(name => join(truth, name)),
    ...numbers.flatMap(number => [`${number}.log`, `${number}.ldb`, `${number}.dbtmp`, `MANIFEST-${number}`].map(name => join(truth, name))),
    ...generations.flatMap(directory => [directory, ...['data.mdb', 'lock.mdb', 'SEAL', 'SEAL.tmp'].map(name => join(directory, name))])
  ]
}
