import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Random } from '../../floor/random.js'
import { type Campaign, type CampaignReport, tally } from './campaign.js'
import { runBeside } from './spawned.js'

const ACTIONS = ['writes', 'checkpoints', 'compaction', 'backup', 'closing', 'opening', 'creation'] as const

/** What `full-disk-child.ts` is to do, as JSON in its first argument. */
export interface FullDisk {
  /** A store that is the only thing on its file system. */
  location: string
  durability: 'strict' | 'relaxed'
  seed: number
  /** What meets the full disk. */
  action: (typeof ACTIONS)[number]
  /** Operations before that. */
  before: number
  /** Operations between two checkpoints. */
  checkpointEvery: number
  /** Bytes that are left then. */
  room: number
  /** Whether there is room again when the database is closed. */
  roomToClose: boolean
}

/** A file system in memory, which only the process that it is for sees: it goes with it. */
const IN_SMALL_FILE_SYSTEM = ['-rm', 'sh', '-c', 'mount -t tmpfs -o size=16m tmpfs "$0" && exec "$@"']

/** Lets the disk run full under each thing that a store does. */
export const fullDisks: Campaign = {
  name: 'full-disk',

  missing() {
    const { error, status, stderr } = spawnSync('unshare', [...IN_SMALL_FILE_SYSTEM, tmpdir(), 'true'], { encoding: 'utf8' })
    if (error) return 'unshare'
    return status === 0 ? undefined : `the right to mount a small file system (${stderr.trim()})`
  },

  async run(rounds, seed, onProgress) {
    const report: CampaignReport = { rounds: 0, violations: [], counts: {} }
    for (let round = 0; round < rounds; round++) {
      const work = anyWork(new Random(seed ^ Math.imul(round + 1, 0x9e3779b1)), round)
      const { ended, output, errors } = await runOnSmallDisk(work)
      tally(report, `${work.action}: ${ended === 'code 0' ? output : ended}`)
      if (ended !== 'code 0') {
        report.violations.push(`full disk (seed ${seed}, round ${round}, ${JSON.stringify(work)}): ended with ${ended}: ${errors}`)
      }
      report.rounds = round + 1
      onProgress(report.rounds)
    }
    return report
  }
}

function anyWork(random: Random, round: number): Omit<FullDisk, 'location'> {
  return {
    action: ACTIONS[round % ACTIONS.length]!,
    durability: random.below(2) ? 'strict' : 'relaxed',
    seed: random.below(2 ** 31),
    before: 20 + random.below(200),
    checkpointEvery: [10, 40, 1000][random.below(3)]!,
    room: [0, random.below(20) * 4096, random.below(300_000)][random.below(3)]!,
    roomToClose: random.below(2) === 1
  }
}

/** Runs the work in a file system of its own. */
async function runOnSmallDisk(work: Omit<FullDisk, 'location'>): Promise<{ ended: string, output: string, errors: string }> {
  const directory = mkdtempSync(join(tmpdir(), 'vector-level-disk-'))
  const under = ['unshare', ...IN_SMALL_FILE_SYSTEM, directory]
  const { code, signal, output, errors } = await runBeside('full-disk-child.js', { ...work, location: join(directory, 'store') }, { under })
  rmdirSync(directory)
  return { ended: signal ?? `code ${code}`, output, errors }
}
