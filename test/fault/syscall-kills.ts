import { cpSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { Random } from '../../floor/random.js'
import { copyOfOpenStore, opened, withDirectory } from '../src/store.js'
import { type Call, callsOf, killBefore, missingForCalls } from './calls.js'
import { type Campaign, type CampaignReport, messageOf, tally } from './campaign.js'
import { Life } from './life.js'
import { sideBySide } from './side-by-side.js'
import { operationsOf, pointsOf, type Workload } from './workload.js'

const SCRIPT = 'steps-child.js'
/** Operations of the store that a killed process left, and those of them that its index has. */
const LEFT = 30
const LEFT_INDEXED = 20

/** Where the script begins: with nothing, or with what a killed process left, so that it applies a log. */
interface Beginning {
  left: boolean
  durability: Workload['durability']
}

interface Job extends Beginning {
  call: Call
  round: number
}

/** SIGKILL in place of each call of the system that changes a file of the store, one call a round, from creation to closing. */
export const syscallKills: Campaign = {
  name: 'syscall-kills',

  missing: missingForCalls,

  async run(rounds, seed, onProgress, untilViolation = false) {
    const report: CampaignReport = { rounds: 0, violations: [], counts: {} }
    await withDirectory(async base => {
      const template = join(base, 'left')
      await leaveStore(join(base, 'open'), template, seed)
      const jobs = await jobsOf(rounds, seed, template, base)
      tally(report, 'calls to choose from', jobs.choice)
      await sideBySide(jobs.take(), async (job, directory) => {
        if (untilViolation && report.violations.length) return
        const life = new Life(join(directory, 'store'), seed, report)
        try {
          await killOnce(job, life, template, directory, report)
        } catch (error) {
          const { call: { name, number, path }, left, durability, round } = job
          report.violations.push(`syscall-kills, --seed ${seed}, round ${round}: killed before ${name} ${number} of ${path}, ` +
            `${left ? 'in a store that was killed before' : 'from creation on'}, ${durability}: ${messageOf(error)}`)
        }
        onProgress(++report.rounds)
      })
    })
    return report
  }
}

async function killOnce(job: Job, life: Life, template: string, directory: string, report: CampaignReport): Promise<void> {
  const { call, left, durability, round } = job
  const { seed } = life.history
  if (left) {
    cpSync(template, life.location, { recursive: true })
    life.acknowledged = LEFT
  }
  const ended = await killBefore(call, SCRIPT, workloadOf(life.location, seed, { left, durability }), directory)
  tally(report, ended.signal ? `killed before ${call.name}` : 'calls that did not come')
  life.heard(ended)
  const random = new Random(seed + round)
  await life.look(random)
  if (random.below(4) === 0) await life.history.expectAfterMaintenance(life.location)
}

function workloadOf(location: string, seed: number, { left, durability }: Beginning): Workload {
  return { location, seed, durability, from: left ? LEFT : 0 }
}

/** Leaves a store as a killed process does, whose log has what its index lacks. */
async function leaveStore(location: string, copy: string, seed: number): Promise<void> {
  await opened(location, async db => {
    const points = db.collection<number>('points', pointsOf(seed))
    for (let i = 0; i < LEFT; i++) {
      if (i === LEFT_INDEXED) await db.checkpoint()
      await points.batch(operationsOf(seed, i))
    }
    copyOfOpenStore(location, copy)
  })
}

/** All calls of all beginnings, shuffled, and again from the first when the rounds are more. */
async function jobsOf(rounds: number, seed: number, template: string, base: string): Promise<{ choice: number, take(): Generator<Job> }> {
  const jobs: Omit<Job, 'round'>[] = []
  for (const left of [false, true]) {
    for (const durability of ['strict', 'relaxed'] as const) {
      const directory = join(base, `${durability}-${left}`)
      const location = join(directory, 'store')
      if (left) cpSync(template, location, { recursive: true })
      else mkdirSync(directory)
      for (const call of await callsOf(SCRIPT, workloadOf(location, seed, { left, durability }), directory)) jobs.push({ call, left, durability })
    }
  }
  const random = new Random(seed)
  for (let i = jobs.length - 1; i > 0; i--) {
    const other = random.below(i + 1)
    ;[jobs[i], jobs[other]] = [jobs[other]!, jobs[i]!]
  }
  return {
    choice: jobs.length,
    * take() {
      for (let round = 0; round < rounds; round++) yield { ...jobs[round % jobs.length]!, round }
    }
  }
}
