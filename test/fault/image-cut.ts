import { spawn, spawnSync } from 'node:child_process'
import { copyFileSync, mkdirSync, mkdtempSync, openSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { Random } from '../../floor/random.js'
import { type Campaign, type CampaignReport, tally } from './campaign.js'
import { lastSaid } from './history.js'
import { Recoverer } from './recoverer.js'
import type { Workload } from './workload.js'

const IMAGE_BYTES = 64 << 20
/** Cuts of one workload. */
const CUTS = 5
/** Milliseconds until all threads of a process have stopped. */
const STOPPING = 20

/** Cuts the power under a real file system: ext4 in an image, which is copied while the workload is stopped. See `powerCuts` for the others. */
export const imageCuts: Campaign = {
  name: 'image-cuts',

  missing() {
    const directory = mkdtempSync(join(tmpdir(), 'vector-level-image-'))
    try {
      mounted(newImage(directory), join(directory, 'mounted'))()
      return undefined
    } catch (error) {
      return `the means to mount an ext4 image (${(error as Error).message.trim()})`
    } finally {
      rmSync(directory, { recursive: true, force: true })
    }
  },

  async run(rounds, seed, onProgress) {
    const report: CampaignReport = { rounds: 0, violations: [], counts: {} }
    const recoverer = new Recoverer()
    try {
      for (let first = 0; first < rounds; first += CUTS) {
        await cutWorkload(recoverer, first, Math.min(CUTS, rounds - first), seed, report, onProgress)
      }
    } finally {
      recoverer.close()
    }
    return report
  }
}

async function cutWorkload(recoverer: Recoverer, first: number, count: number, seed: number, report: CampaignReport,
  onProgress: (done: number) => void): Promise<void> {
  const random = new Random(seed ^ Math.imul(first + 1, 0x9e3779b1))
  const directory = realpathSync(mkdtempSync(join(tmpdir(), 'vector-level-image-')))
  const image = newImage(directory)
  const release = mounted(image, join(directory, 'mounted'))
  const durability = first / CUTS % 2 ? 'relaxed' : 'strict'
  const workload: Workload = {
    location: join(directory, 'mounted', 'store'), durability, seed, from: 0, writers: 1 + random.below(8),
    checkpointEvery: [5, 50, 1000][random.below(3)]!, maintenance: true, rests: random.below(2) > 0
  }
  const output = join(directory, 'output')
  const child = spawn(process.execPath, [fileURLToPath(new URL('workload-child.js', import.meta.url)), JSON.stringify(workload)], {
    stdio: ['ignore', openSync(output, 'w'), 'inherit']
  })
  const ended = new Promise(resolve => child.once('close', resolve))
  try {
    for (let round = first; round < first + count; round++) {
      await delay(100 + random.below(400))
      child.kill('SIGSTOP')
      await delay(STOPPING)
      const copy = join(directory, 'copy.img')
      copyFileSync(image, copy)
      const said = readFileSync(output, 'utf8')
      child.kill('SIGCONT')
      const releaseCopy = mounted(copy, join(directory, 'copy'))
      const { rebuilt, replayed, violation } = await recoverer.recover({
        location: join(directory, 'copy', 'store'), durability, seed,
        least: lastSaid(said, durability === 'strict' ? 'acknowledged' : 'checkpointed'),
        reasons: ['there is no index', 'it has no checkpoint', 'an earlier opening did not survive it'], thoroughly: false, backups: []
      })
      releaseCopy()
      tally(report, `${durability}: ${rebuilt ? `rebuild, ${rebuilt}` : replayed ? 'replay' : 'no replay'}`)
      if (violation) report.violations.push(`power cut of an image (seed ${seed}, round ${round}, ${durability}): ${violation}`)
      report.rounds = round + 1
      onProgress(report.rounds)
    }
  } finally {
    child.kill('SIGKILL')
    await ended
    release()
    rmSync(directory, { recursive: true, force: true })
  }
}

function newImage(directory: string): string {
  const image = join(directory, 'disk.img')
  writeFileSync(image, '')
  run('truncate', '-s', String(IMAGE_BYTES), image)
  run('mkfs.ext4', '-q', '-F', image)
  return image
}

/** Mounts an image; returns what takes it away again. */
function mounted(image: string, directory: string): () => void {
  mkdirSync(directory, { recursive: true })
  run('mount', '-o', 'loop', image, directory)
  return () => run('umount', directory)
}

function run(command: string, ...args: string[]): void {
  const { error, status, stderr } = spawnSync(command, args, { encoding: 'utf8' })
  if (error) throw new Error(`${command} is not installed`)
  if (status !== 0) throw new Error(`${command} ${args.join(' ')}: ${stderr}`)
}
