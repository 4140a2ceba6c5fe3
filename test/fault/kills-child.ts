import { join } from 'node:path'
import { Random } from '../../floor/random.js'
import { type CampaignReport, messageOf, tally } from './campaign.js'
import type { KillsJob } from './kills.js'
import { Life } from './life.js'
import { type Ended, runBeside } from './spawned.js'
import { say } from './tell.js'
import type { Word, Workload } from './workload.js'

/** When a process is killed: so many milliseconds, or fewer, after it said a word. */
interface Moment {
  name: string
  after: Word
  within: number
}

const OPENING: Moment = { name: 'opening', after: 'opening', within: 40 }
const BEGINNING: Moment = { name: 'beginning to write', after: 'acknowledged', within: 1 }
const WRITING: Moment = { name: 'writing', after: 'acknowledged', within: 250 }
const CLOSING: Moment = { name: 'closing', after: 'closing', within: 20 }

/** One store of so many is large: its checkpoints change so much that a thread of their own writes them. */
const STORES_A_LARGE = 16
const LARGE = 12_000

/** Makes a store large, without a kill. */
async function grow(life: Life, random: Random): Promise<void> {
  const { location, history: { seed } } = life
  const workload: Workload = { location, seed, from: 0, count: LARGE, durability: 'relaxed', writers: 24, checkpointEvery: LARGE }
  life.heard(await runBeside('workload-child.js', workload))
  await life.look(random)
}

/** Kills a process that works on the store, and looks at what is left; now and then the next process is killed before anyone looked. */
async function killOnce(life: Life, random: Random, kill: number, isLast: boolean, report: CampaignReport): Promise<void> {
  const workload: Workload = {
    location: life.location, seed: life.history.seed, from: Math.max(life.history.count, life.acknowledged),
    durability: kill % 2 ? 'strict' : 'relaxed',
    writers: [1, 6, 24][random.below(3)]!,
    checkpointEvery: [5, 50, 500, 100_000][random.below(4)]!,
    maintenance: random.below(4) > 0,
    rests: random.below(2) > 0
  }
  // Which operations a store holds that nobody looked at is not known, so none are added to it.
  const moments = life.seen ? [OPENING, BEGINNING, WRITING, WRITING, WRITING, CLOSING] : [OPENING, CLOSING]
  const moment = moments[random.below(moments.length)]!
  if (!life.seen) workload.count = 0
  else if (moment === CLOSING) workload.count = 20 + random.below(400)
  const ended = await runAndKill(workload, moment, random.below(moment.within))
  tally(report, ended.signal ? `killed while ${moment.name}` : 'ended before the kill')
  life.heard(ended)
  if (!isLast && random.below(4) === 0) {
    tally(report, 'kills that nobody looked at before the next')
    return
  }
  await life.look(random)
}

async function runAndKill(workload: Workload, { after }: Moment, patience: number): Promise<Ended> {
  let killing = false
  return await runBeside('workload-child.js', workload, {
    watch: (output, kill) => {
      if (killing || !output.includes(`${after} `)) return
      killing = true
      if (patience) setTimeout(kill, patience)
      else kill()
    }
  })
}

const { store, kills, seed, directory } = JSON.parse(process.argv[2]!) as KillsJob
const report: CampaignReport = { rounds: 0, violations: [], counts: {} }
const random = new Random(seed)
const life = new Life(join(directory, 'store'), seed, report)
try {
  if (store % STORES_A_LARGE === STORES_A_LARGE / 2) await grow(life, random)
  while (report.rounds < kills) {
    await killOnce(life, random, report.rounds, report.rounds === kills - 1, report)
    say('looked', ++report.rounds)
  }
  tally(report, 'operations', life.history.count)
  await life.history.expectAfterMaintenance(life.location)
} catch (error) {
  report.violations.push(`after ${report.rounds} kills: ${messageOf(error)}`)
}
say('reported', report.rounds, JSON.stringify(report))
