import { Random } from '../../floor/random.js'
import { type Campaign, type CampaignReport, merge } from './campaign.js'
import { keep } from './life.js'
import { sideBySide } from './side-by-side.js'
import { runBeside } from './spawned.js'
import { saidIn } from './tell.js'

/** A store, and how often its process is to be killed. */
export interface KillsJob {
  store: number
  kills: number
  /** Of the store. */
  seed: number
  /** Empty. */
  directory: string
}

/** SIGKILL at any moment: while a store is opened, applies its log, is written, maintained or closed. */
export const kills: Campaign = {
  name: 'kills',

  missing() {
    return process.platform === 'win32' ? 'signals' : undefined
  },

  async run(rounds, seed, onProgress, untilViolation = false) {
    const report: CampaignReport = { rounds: 0, violations: [], counts: {} }
    await sideBySide(jobsOf(rounds, seed), async (job, directory) => {
      if (untilViolation && report.violations.length) return
      // Who looks at the store is a process of its own, too: LMDB ends it when it is given what it does not expect.
      let seen = 0
      const { code, signal, output, errors } = await runBeside('kills-child.js', { ...job, directory }, {
        watch: output => {
          const done = saidIn(output).filter(({ word }) => word === 'looked').length
          if (done > seen) onProgress(report.rounds += done - seen)
          seen = done
        }
      })
      const violate = (what: string): void => void report.violations.push(`kills, --seed ${seed}, store ${job.store} (of seed ${job.seed}): ${what}`)
      const said = saidIn(output).find(({ word }) => word === 'reported')
      if (said) {
        const part = JSON.parse(said.more) as CampaignReport
        merge(report, part)
        part.violations.forEach(violate)
      }
      if (!said || code !== 0 || errors) {
        violate(`the process that looked ended with ${signal ?? `code ${code}`} after ${seen} kills: ${errors}${keep(directory, `${job.seed}`)}`)
      }
    })
    return report
  }
}

/** Stores of 5 to 10 kills, as many as it takes. */
function* jobsOf(rounds: number, seed: number): Generator<Omit<KillsJob, 'directory'>> {
  const random = new Random(seed)
  for (let store = 0, left = rounds; left > 0; store++) {
    const kills = Math.min(left, 5 + random.below(6))
    left -= kills
    yield { store, kills, seed: seed + store }
  }
}
