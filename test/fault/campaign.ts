import * as assert from 'uvu/assert'

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
  /** With `untilViolation` it may end when something did not hold: a planted fault is found then. */
  run(rounds: number, seed: number, onProgress: (done: number) => void, untilViolation?: boolean): Promise<CampaignReport>
}

/** Counts what happened, once more or several times. */
export function tally({ counts }: CampaignReport, kind: string, times = 1): void {
  counts[kind] = (counts[kind] ?? 0) + times
}

/** Keeps the largest of the values, whose kind begins with 'slowest'. */
export function tallyMost({ counts }: CampaignReport, kind: `slowest ${string}`, value: number): void {
  counts[kind] = Math.max(counts[kind] ?? 0, Math.ceil(value))
}

/** Adds what was counted in a part of a campaign. */
export function merge(report: CampaignReport, { counts }: CampaignReport): void {
  for (const [kind, count] of Object.entries(counts)) {
    if (kind.startsWith('slowest ')) tallyMost(report, kind as `slowest ${string}`, count)
    else tally(report, kind, count)
  }
}

/** What an error says, with what a comparison found in place of what it expected. */
export function messageOf(error: unknown): string {
  const { message, details, stack } = error as Error & { details?: string | false }
  if (!details) return error instanceof assert.Assertion ? message : `${stack}`
  // uvu colours its details.
  return `${message}\n${details.replace(/\u001b\[\d+m/g, '')}`
}
