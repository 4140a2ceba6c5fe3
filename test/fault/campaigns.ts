import type { Campaign } from './campaign.js'
import { damageCampaign } from './damage.js'
import { fullDisks } from './full-disk.js'
import { imageCuts } from './image-cut.js'
import { ioErrors } from './io-errors.js'
import { kills } from './kills.js'
import { powerCuts } from './power-cut.js'
import { syscallKills } from './syscall-kills.js'

export interface Planned {
  campaign: Campaign
  /** Rounds when the command line names no campaign. */
  rounds: number
  /** A line of the help. */
  what: string
}

/** All campaigns, in the order in which they run. */
export const campaigns: Planned[] = [
  { campaign: kills, rounds: 200, what: 'SIGKILL at random moments: opening, writing, maintenance, closing' },
  { campaign: syscallKills, rounds: 200, what: 'SIGKILL in place of one call of the system after another' },
  { campaign: powerCuts, rounds: 200, what: 'power cuts on a simulated disk, at any moment of a recorded workload' },
  { campaign: imageCuts, rounds: 20, what: 'power cuts under ext4, on an image that is copied' },
  { campaign: fullDisks, rounds: 40, what: 'a disk that fills up while something is done' },
  { campaign: ioErrors, rounds: 100, what: 'one call of the system after another that fails' },
  { campaign: damageCampaign, rounds: 300, what: 'files that are truncated, flipped, swapped, deleted, or garbage' }
]
