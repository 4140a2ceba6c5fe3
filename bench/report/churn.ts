import { join } from 'node:path'
import { policyNames, policyTitles } from '../churn/policies.js'
import type { ChurnRow } from '../churn/figures.js'
import { writeAtomically } from '../data/atomic-file.js'
import { datasetOf, datasets } from '../datasets.js'
import { ownEngine } from '../macro/engines.js'
import { places } from '../places.js'
import type { Results } from '../results.js'
import { churnChart } from './churn-chart.js'
import { churnCostsTable, churnTable, endedEarly, notesOf } from './churn-table.js'

/** The rows of one data set and policy, all of one run, so that they may be compared. */
interface Section {
  run: Results
  rows: ChurnRow[]
}

/** Draws the charts of the churn benches, and returns their part of README.md: nothing when none has been run. */
export async function reportChurn(runs: readonly Results[]): Promise<string[]> {
  const sections = datasets.flatMap(({ name }) => policyNames.flatMap((policy) => newest(runs, name, policy)))
  for (const { run, rows } of sections) {
    const file = join(places.docs, chartName(rows))
    await writeAtomically(file, (handle) => handle.writeFile(churnChart(rows, captionOf(run, rows[0]))))
    console.log(`Wrote ${file}`)
  }
  const costs = datasets.flatMap(({ name }) => newestCosts(runs, name))
  return [
    ...sections.map(markdownOf),
    ...(sections.length === 0 ? [] : [notesOf(sections.flatMap(({ rows }) => rows))]),
    ...(costs.length === 0 ? [] : ['### Single operations in a steady state', ...costs])
  ]
}

/** The newest run with most vectors, and the newest with peers. */
function newest(runs: readonly Results[], dataset: string, policy: string): Section[] {
  const all = runs
    .map((run) => ({ run, rows: run.churn.filter((row) => row.dataset === dataset && row.policy === policy) }))
    .filter(({ rows }) => rows.length > 0)
  const most = Math.max(...all.map(({ rows }) => rows[0].count))
  return [...new Set([all.find(({ rows }) => rows[0].count === most), all.find(({ rows }) => hasPeers(rows))])].filter((section) => section !== undefined)
}

function hasPeers(rows: readonly ChurnRow[]): boolean {
  return rows.some(({ engine }) => engine !== ownEngine)
}

/** What the newest run of a data set with most vectors has. */
function newestCosts(runs: readonly Results[], dataset: string): string[] {
  const all = runs.flatMap((run) => run.churnCosts.filter((row) => row.dataset === dataset).map((row) => ({ run, row })))
  const most = Math.max(...all.map(({ row }) => row.count))
  const chosen = all.find(({ row }) => row.count === most)
  return chosen === undefined ? [] : [`${most.toLocaleString('en-US')} vectors; ${machineOf(chosen.run)}.\n\n${churnCostsTable([chosen.row])}`]
}

function markdownOf({ run, rows }: Section): string {
  const { dataset, policy } = rows[0]
  return [
    `### ${datasetOf(dataset).title}: ${policyTitles[policy]}`,
    `${captionOf(run, rows[0])}.`,
    churnTable(rows),
    ...endedEarly(rows),
    `![Recall and bytes over the rounds, ${dataset}, ${policy}](docs/${chartName(rows)})`
  ].join('\n\n')
}

function captionOf(run: Results, { count, share, queries, ef, M, efConstruction }: ChurnRow): string {
  const index = `${count.toLocaleString('en-US')} vectors, ${share * 100} % a round, ${queries} queries, ef ${ef}, M ${M}, efConstruction ${efConstruction}`
  return `${index}; ${machineOf(run)}`
}

function machineOf({ cpu, node, date, commit }: Results): string {
  return `${cpu}, Node ${node}; ${date.slice(0, 10)}, ${commit}`
}

function chartName(rows: readonly ChurnRow[]): string {
  const { dataset, policy } = rows[0]
  return `${dataset}-${policy}${hasPeers(rows) ? '-peers' : ''}-churn.svg`
}
