import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { writeAtomically } from './data/atomic-file.js'
import { datasetOf, datasets } from './datasets.js'
import { ownEngine } from './macro/engines.js'
import { places } from './places.js'
import { recallChart } from './report/chart.js'
import { reportChurn } from './report/churn.js'
import { reportCodes } from './report/codes.js'
import { reportMemory } from './report/memory.js'
import { engineTable, ratioTable } from './report/table.js'
import { reportThreads } from './report/threads.js'
import { storedResults, type MacroRow, type Results } from './results.js'


/** A data set's rows, all of one run, so that they may be compared. */
interface Section {
  run: Results
  rows: MacroRow[]
}

/** Turns stored results into README.md's tables and the charts in `docs/`. */
export async function report(): Promise<void> {
  const runs = await storedResults()
  const sections = sectionsOf(runs)
  for (const { run, rows } of sections) await writeChart(run, rows)
  const churn = await reportChurn(runs)
  const threads = await reportThreads(runs)
  const codes = reportCodes(runs)
  const memory = await reportMemory(runs)
  if (sections.length + churn.length + threads.length + codes.length + memory.length === 0) return console.log('There are no results yet; run `npm run bench` first.')
  if (sections.length > 0) await writeReadme('bench', sections.map(markdownOf).join('\n\n'))
  if (churn.length > 0) await writeReadme('churn', churn.join('\n\n'))
  if (threads.length > 0) await writeReadme('threads', threads.join('\n\n'))
  if (codes.length > 0) await writeReadme('codes', codes.join('\n\n'))
  if (memory.length > 0) await writeReadme('memory', memory.join('\n\n'))
}

/** The tables of one data set, as they are printed and as README.md shows them. */
export function tablesOf(rows: readonly MacroRow[]): string {
  return [engineTable(rows), ratioTable(rows)].filter((table) => table !== undefined).join('\n\n')
}

/** For each data set the newest run with peers, or else the newest one; of its rows those with most vectors. */
function sectionsOf(runs: readonly Results[]): Section[] {
  return datasets.flatMap(({ name }) => {
    const candidates = runs
      .map((run) => ({ run, rows: withMostVectors(run.macro.filter((row) => row.dataset === name)) }))
      .filter(({ rows }) => rows.length > 0)
    const chosen = candidates.find(({ rows }) => rows.some((row) => row.engine !== ownEngine)) ?? candidates[0]
    return chosen === undefined ? [] : [chosen]
  })
}

function withMostVectors(rows: MacroRow[]): MacroRow[] {
  const most = Math.max(...rows.map((row) => row.count))
  return rows.filter((row) => row.count === most)
}

function captionOf(run: Results, rows: readonly MacroRow[]): string {
  const { count, M, efConstruction } = rows[0]
  const index = `${count.toLocaleString('en-US')} vectors, M ${M}, efConstruction ${efConstruction}`
  return `${index}; ${run.cpu}, Node ${run.node}; ${run.date.slice(0, 10)}, ${run.commit}`
}

function markdownOf({ run, rows }: Section): string {
  const { name, title } = datasetOf(rows[0].dataset)
  const peers = rows.filter((row) => row.engine !== ownEngine)
  const versions = [...new Set(peers.map((row) => `${row.engine} ${row.version}`))]
  return [
    `### ${title}`,
    `${captionOf(run, rows)}.${versions.length > 0 ? ` Peers: ${versions.join(', ')}.` : ''}`,
    tablesOf(rows),
    `![Recall and speed on ${name}](docs/${chartName(name)})`
  ].join('\n\n')
}

function chartName(dataset: string): string {
  return `recall-qps-${dataset}.svg`
}

async function writeChart(run: Results, rows: readonly MacroRow[]): Promise<void> {
  const dataset = datasetOf(rows[0].dataset)
  await mkdir(places.docs, { recursive: true })
  const file = join(places.docs, chartName(dataset.name))
  await writeAtomically(file, (handle) => handle.writeFile(recallChart(dataset, rows, captionOf(run, rows))))
  console.log(`Wrote ${file}`)
}

/** Writes what stands between two marks of README.md. */
async function writeReadme(mark: string, text: string): Promise<void> {
  const [begin, end] = [`<!-- ${mark}:begin -->`, `<!-- ${mark}:end -->`]
  const readme = await readFile(places.readme, 'utf8').catch(() => '')
  const [from, to] = [readme.indexOf(begin), readme.indexOf(end)]
  if (from < 0 || to < from) return console.log(`README.md has no ${begin} ... ${end}; its tables would be:\n\n${text}`)
  const updated = `${readme.slice(0, from + begin.length)}\n${text}\n${readme.slice(to)}`
  await writeAtomically(places.readme, (handle) => handle.writeFile(updated))
  console.log(`Wrote ${places.readme}`)
}
