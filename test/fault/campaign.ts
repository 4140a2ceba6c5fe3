/** What a campaign of faults found. */
export interface CampaignReport {
  rounds: number
  /** What must not have happened, a sentence each with the seed and the round that repeat it; none when all held. */
  violations: string[]
  /** What did happen, by kind. */
  counts: Record<string, number>
}

/** Plays faults of one kind on stores, and looks at what is left each time. */
export interface Campaign {
  /** As on the command line: `--kills 1000`. */
  name: string
  /** What this machine lacks for it, undefined when nothing. */
  missing(): string | undefined
  run(rounds: number, seed: number, onProgress: (done: number) => void): Promise<CampaignReport>
}
