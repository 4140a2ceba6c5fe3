import type { Campaign } from './campaign.js'
import { kills } from './kills.js'
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
  { campaign: syscallKills, rounds: 200, what: 'SIGKILL in place of one call of the system after another' }
]
