import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Ended, runScript } from '../src/child.js'
import type { Campaign, CampaignReport } from './campaign.js'
import type { DamageTask, RoundBegun, RoundEnded } from './damage-child.js'
import { roleOf } from './damage-file.js'
import { prepare, RECIPES } from './damage-stores.js'

/** A round takes much less; a child that says nothing for so long hangs. */
const PATIENCE_MS = 60_000

/** Damages one file of a store each round, and has a process of its own look at what is left. */
export const damageCampaign: Campaign = {
  name: 'damage',
  missing: () => undefined,
  async run(rounds, seed, onProgress) {
    const directory = mkdtempSync(join(tmpdir(), 'vector-level-damage-'))
    try {
      for (const recipe of RECIPES) await prepare(recipe, seed, join(directory, recipe))
      return await playRounds(directory, rounds, seed, onProgress)
    } finally {
      rmSync(directory, { recursive: true, force: true })
    }
  }
}

async function playRounds(directory: string, rounds: number, seed: number, onProgress: (done: number) => void): Promise<CampaignReport> {
  const report: CampaignReport = { rounds, violations: [], counts: {} }
  const count = (kind: string): void => {
    report.counts[kind] = (report.counts[kind] ?? 0) + 1
  }
  const end = ({ recipe, file, what, round, inTables }: RoundBegun, kinds: string[], violations: string[]): void => {
    for (const kind of kinds) count(kind)
    // What a check of all tables says of damage that goes unnoticed otherwise.
    const grave = kinds.some(kind => /^(dies|hangs|silent)/.test(kind))
    if (file.endsWith('.ldb')) count(`a damaged table${grave ? ' that kills or hides' : ''}, ${inTables ? 'found' : 'not found'} by its checksums`)
    count(`damaged: ${roleOf(file)}`)
    for (const violation of violations) report.violations.push(`seed ${seed} round ${round} (${recipe}, ${file}, ${what}): ${violation}`)
  }
  for (let from = 0; from < rounds;) {
    let begun: RoundBegun | undefined
    let hung = false
    const task: DamageTask = { directory, seed, from, to: rounds }
    const { code, signal } = await runLines('../fault/damage-child.js', JSON.stringify(task), line => {
      const said = JSON.parse(line) as RoundBegun | RoundEnded
      if ('kinds' in said) {
        end(begun!, said.kinds, said.violations)
        begun = undefined
        onProgress(said.round + 1)
      } else {
        begun = said
      }
    }, () => {
      hung = true
    })
    if (!begun) {
      if (code !== 0) throw new Error(`a child ended with ${code ?? signal} between two rounds`)
      break
    }
    end(begun, [hung ? 'hangs' : `dies: ${signal ?? `code ${code}`}`], [hung ? 'hangs' : `the process dies: ${signal ?? `code ${code}`}`])
    from = begun.round + 1
    onProgress(from)
  }
  return report
}

/** Runs a script and sees its lines as they come; one that is silent for too long is killed. */
async function runLines(name: string, argument: string, onLine: (line: string) => void, onSilence: () => void): Promise<Ended> {
  let read = 0
  let stop: (() => void) | undefined
  let timer: NodeJS.Timeout | undefined
  const wait = (): void => {
    clearTimeout(timer)
    timer = setTimeout(() => {
      onSilence()
      stop?.()
    }, PATIENCE_MS)
  }
  return await runScript(name, [argument], (output, kill) => {
    stop = kill
    wait()
    for (let end = output.indexOf('\n', read); end >= 0; end = output.indexOf('\n', read)) {
      onLine(output.slice(read, end))
      read = end + 1
    }
  }).finally(() => clearTimeout(timer))
}
