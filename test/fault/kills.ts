import { join } from 'node:path'
import { Random } from '../../floor/random.js'
import { type Campaign, type CampaignReport, messageOf, tally } from './campaign.js'
import { Life } from './life.js'
import { sideBySide } from './side-by-side.js'
import { type Ended, runBeside } from './spawned.js'
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

/** A store, and how often its process is to be killed. */
interface Job {
  store: number
  kills: number
}

/** One store of so many is large: its checkpoints change so much that a thread of their own writes them. */
const STORES_A_LARGE = 16
const LARGE = 12_000

/** SIGKILL at any moment: while a store is opened, applies its log, is written, maintained or closed. */
export const kills: Campaign = {
  name: 'kills',

  missing() {
    return process.platform === 'win32' ? 'signals' : undefined
  },

  async run(rounds, seed, onProgress, untilViolation = false) {
    const report: CampaignReport = { rounds: 0, violations: [], counts: {} }
    await sideBySide(jobsOf(rounds, seed), async ({ store, kills }, directory) => {
      if (untilViolation && report.violations.length) return
      const random = new Random(seed + store)
      const life = new Life(join(directory, 'store'), seed + store, report)
      let kill = 0
      try {
        if (store % STORES_A_LARGE === STORES_A_LARGE / 2) await grow(life, random)
        while (kill++ < kills) {
          await killOnce(life, random, kill, kill === kills, report)
          onProgress(++report.rounds)
        }
        tally(report, 'operations', life.history.count)
        await life.history.expectAfterMaintenance(life.location)
      } catch (error) {
        report.violations.push(`kills, --seed ${seed}, store ${store} (of seed ${seed + store}), kill ${kill}: ${messageOf(error)}`)
      } finally {
        life.remove()
      }
    })
    return report
  }
}

/** Stores of 5 to 10 kills, as many as it takes. */
function* jobsOf(rounds: number, seed: number): Generator<Job> {
  const random = new Random(seed)
  for (let store = 0, left = rounds; left > 0; store++) {
    const kills = Math.min(left, 5 + random.below(6))
    left -= kills
    yield { store, kills }
  }
}

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
    maintenance: random.below(4) > 0
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
