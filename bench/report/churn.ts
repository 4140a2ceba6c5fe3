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
    const file = join(places.docs, chartName(rows[0]))
    await writeAtomically(file, (handle) => handle.writeFile(churnChart(rows, captionOf(run, rows[0]))))
    console.log(`Wrote ${file}`)
  }
  const costs = runs.find(({ churnCosts }) => churnCosts.length > 0)
  return [
    ...sections.map(markdownOf),
    ...(sections.length === 0 ? [] : [notesOf(sections.flatMap(({ rows }) => rows))]),
    ...(costs === undefined ? [] : [`### Single operations in a steady state\n\n${machineOf(costs)}.\n\n${churnCostsTable(costs.churnCosts)}`])
  ]
}

/** The newest run with peers, or else the newest. */
function newest(runs: readonly Results[], dataset: string, policy: string): Section[] {
  const all = runs
    .map((run) => ({ run, rows: run.churn.filter((row) => row.dataset === dataset && row.policy === policy) }))
    .filter(({ rows }) => rows.length > 0)
  const chosen = all.find(({ rows }) => rows.some(({ engine }) => engine !== ownEngine)) ?? all[0]
  return chosen === undefined ? [] : [chosen]
}

function markdownOf({ run, rows }: Section): string {
  const { dataset, policy } = rows[0]
  return [
    `### ${datasetOf(dataset).title}: ${policyTitles[policy]}`,
    `${captionOf(run, rows[0])}.`,
    churnTable(rows),
    ...endedEarly(rows),
    `![Recall and bytes over the rounds, ${dataset}, ${policy}](docs/${chartName(rows[0])})`
  ].join('\n\n')
}

function captionOf(run: Results, { count, share, queries, ef, M, efConstruction }: ChurnRow): string {
  const index = `${count.toLocaleString('en-US')} vectors, ${share * 100} % a round, ${queries} queries, ef ${ef}, M ${M}, efConstruction ${efConstruction}`
  return `${index}; ${machineOf(run)}`
}

function machineOf({ cpu, node, date, commit }: Results): string {
  return `${cpu}, Node ${node}; ${date.slice(0, 10)}, ${commit}`
}

function chartName({ dataset, policy }: ChurnRow): string {
  return `${dataset}-${policy}-churn.svg`
}
