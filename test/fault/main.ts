import { parseArgs } from 'node:util'
import { Progress } from '../../bench/progress.js'
import type { CampaignReport } from './campaign.js'
import { campaigns, type Planned } from './campaigns.js'
import { plantedFaults, playOn } from './planted.js'

const HELP = `npm run fault -- OPTIONS plays faults on stores, and looks at what is left each time.

${campaigns.map(({ campaign, rounds, what }) => `  --${`${campaign.name} COUNT`.padEnd(24)}${what} (${rounds} by default)`).join('\n')}
  --${'mutants'.padEnd(24)}plants known faults, which the campaigns must find
  --${'seed SEED'.padEnd(24)}repeats a run (random by default, and printed)
  --${'help'.padEnd(24)}this text

Without a campaign all are run, and the planted faults. Ends with code 1 when something did not hold.
FAULT_KEEP=DIRECTORY keeps the stores in which something did not hold.`

interface Options {
  planned: Planned[]
  mutants: boolean
  seed: number
}

/** A row of the summary; what did not hold is printed below. */
interface Row {
  campaign: string
  rounds: string
  violations: string
  seconds: string
  what: string
}

function parseOptions(args: string[]): Options | undefined {
  const counts = Object.fromEntries(campaigns.map(({ campaign }) => [campaign.name, { type: 'string' as const }]))
  const options = { ...counts, mutants: { type: 'boolean' as const }, seed: { type: 'string' as const }, help: { type: 'boolean' as const } }
  const values = parseArgs({ args, options }).values as Record<string, string | boolean | undefined>
  if (values['help']) return undefined
  const number = (name: string): number => {
    const value = Number(values[name])
    if (!Number.isInteger(value) || value < 0 || values[name] === '') throw new Error(`--${name} is a whole number, not '${values[name]}'`)
    return value
  }
  const seed = values['seed'] === undefined ? Math.floor(Math.random() * 2 ** 31) : number('seed')
  const given = campaigns.filter(({ campaign }) => values[campaign.name] !== undefined)
  const mutants = values['mutants'] === true
  if (!given.length && !mutants) return { planned: campaigns, mutants: true, seed }
  return { planned: given.map(planned => ({ ...planned, rounds: number(planned.campaign.name) })), mutants, seed }
}

async function play({ campaign, rounds }: Planned, seed: number, violations: string[]): Promise<Row> {
  const missing = campaign.missing()
  if (missing) return { campaign: campaign.name, rounds: '0', violations: '', seconds: '', what: `NOT RUN: this machine lacks ${missing}` }
  const progress = new Progress(campaign.name, rounds, 'rounds')
  let report: CampaignReport
  let seconds: number
  try {
    report = await campaign.run(rounds, seed, done => progress.update(done))
  } finally {
    seconds = progress.stop()
  }
  violations.push(...report.violations)
  const what = Object.entries(report.counts).sort().map(([kind, count]) => `${kind}: ${count}`).join('; ')
  return { campaign: campaign.name, rounds: `${report.rounds}`, violations: `${report.violations.length}`, seconds: seconds.toFixed(0), what }
}

async function plant(seed: number, violations: string[]): Promise<Row[]> {
  const rows: Row[] = []
  const tasks = plantedFaults.flatMap(fault => fault.caughtBy.map(name => ({ fault, name })))
  const progress = new Progress('mutants', tasks.length, 'mutants')
  for (const [done, { fault, name }] of tasks.entries()) {
    const row = { campaign: 'mutants', rounds: '', violations: '', seconds: '' }
    const missing = campaigns.find(({ campaign }) => campaign.name === name)?.campaign.missing()
    if (missing) {
      rows.push({ ...row, what: `NOT PLANTED, since this machine lacks ${missing}: ${fault.what}` })
      continue
    }
    const began = performance.now()
    const { rounds, violations: found } = await playOn(fault, name, seed)
    const seconds = ((performance.now() - began) / 1000).toFixed(0)
    if (!found.length) violations.push(`mutants, --seed ${seed}: ${name} did not find that ${fault.what}`)
    const verdict = found.length ? `found by ${name}` : `NOT FOUND by ${name}`
    rows.push({ ...row, rounds: `${rounds}`, seconds, violations: found.length ? '' : '1', what: `${fault.what}: ${verdict}` })
    progress.update(done + 1)
  }
  progress.stop()
  return rows
}

function tableOf(rows: Row[]): string {
  const header: Row = { campaign: 'campaign', rounds: 'rounds', violations: 'violations', seconds: 'seconds', what: 'what happened' }
  const width = (column: keyof Row): number => Math.max(...[header, ...rows].map(row => row[column].length))
  return [header, ...rows].map(({ campaign, rounds, violations, seconds, what }) =>
    [campaign.padEnd(width('campaign')), rounds.padStart(width('rounds')), violations.padStart(10), seconds.padStart(7), what].join('  ')).join('\n')
}

function optionsOrExit(args: string[]): Options | undefined {
  try {
    return parseOptions(args)
  } catch (error) {
    console.error(`${(error as Error).message}\nnpm run fault -- --help explains the options.`)
    process.exit(2)
  }
}

async function fault({ planned, mutants, seed }: Options): Promise<void> {
  console.log(`seed ${seed}`)
  const rows: Row[] = []
  const violations: string[] = []
  for (const one of planned) rows.push(await play(one, seed, violations))
  if (mutants) rows.push(...await plant(seed, violations))
  console.log(`\n${tableOf(rows)}\n`)
  for (const violation of violations) console.log(violation)
  console.log(`${violations.length} violations, seed ${seed}`)
  process.exitCode = violations.length ? 1 : 0
}

const options = optionsOrExit(process.argv.slice(2))
if (options) await fault(options)
else console.log(HELP)
