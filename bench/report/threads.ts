import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { writeAtomically } from '../data/atomic-file.js'
import { datasetOf, datasets } from '../datasets.js'
import { ownEngine } from '../macro/engines.js'
import { places } from '../places.js'
import type { Results } from '../results.js'
import type { Subject } from '../threads/figures.js'
import type { Part } from '../threads/parts.js'
import { loopChart } from './threads-chart.js'
import { buildTable, checkedText, linkTable, loopTable, mixedTable, searchTable } from './threads-table.js'

const chartName = 'event-loop-delay.svg'

/** The rows of one part, all of one run. */
interface Section<R> {
  run: Results
  rows: R[]
}

/** Draws the chart of the threads benches, and returns their part of README.md: nothing when none has been run. */
export async function reportThreads(runs: readonly Results[]): Promise<string[]> {
  const builds = datasets.flatMap(({ name }) => newest(runs, 'build', name))
  const [link, search, loop, mixed] = [newest(runs, 'link')[0], newest(runs, 'search')[0], newest(runs, 'loop')[0], newest(runs, 'mixed')[0]]
  if (loop !== undefined) {
    await mkdir(places.docs, { recursive: true })
    const file = join(places.docs, chartName)
    await writeAtomically(file, (handle) => handle.writeFile(loopChart(loop.rows, captionOf(loop))))
    console.log(`Wrote ${file}`)
  }
  return [
    ...builds.map((section) => textOf(`Bulk load: ${titleOf(section)}`, section, buildTable(section.rows))),
    ...(link ? [textOf('Linking alone', link, linkTable(link.rows))] : []),
    ...(search ? [textOf('Searches of an idle store', search, searchTable(search.rows))] : []),
    ...(loop
      ? [textOf(loopTitle, loop, loopTable(loop.rows), loopNote, `![Delay of the event loop](docs/${chartName})`)]
      : []),
    ...(mixed ? [textOf('Searches among writes', mixed, mixedTable(mixed.rows), checkedText(mixed.rows))] : [])
  ]
}

const loopTitle = 'The event loop while vectors are inserted, and 200 searches a second answered'
const loopNote =
  'Delays are as `monitorEventLoopDelay` has them at a resolution of 1 ms, which is part of each figure; at rest are those of the same process ' +
  'before it had anything to do, which the machine makes by itself.'

/** The newest run with peers, or else the newest; of its rows those with most vectors. */
function newest<P extends Part>(runs: readonly Results[], part: P, dataset?: string): Section<Results['threads'][P][number]>[] {
  type Row = Results['threads'][P][number]
  const all = runs
    .map((run) => ({ run, rows: (run.threads[part] as Row[]).filter((row) => dataset === undefined || row.dataset === dataset) }))
    .filter(({ rows }) => rows.length > 0)
  const chosen = all.find(({ rows }) => rows.some(({ engine }) => engine !== ownEngine)) ?? all[0]
  if (chosen === undefined) return []
  const most = Math.max(...chosen.rows.map(({ count }) => count))
  return [{ run: chosen.run, rows: chosen.rows.filter(({ count }) => count === most) }]
}

function textOf(title: string, section: Section<Subject>, ...paragraphs: string[]): string {
  return [`### ${title}`, `${captionOf(section)}.`, ...paragraphs].join('\n\n')
}

function titleOf({ rows: [{ dataset }] }: Section<Subject>): string {
  return datasetOf(dataset).title
}

function captionOf(section: Section<Subject>): string {
  const { run, rows: [{ count, M, efConstruction }] } = section
  const index = `${titleOf(section)}: ${count.toLocaleString('en-US')} vectors, M ${M}, efConstruction ${efConstruction}`
  return `${index}; ${run.cpu}, ${run.cores} cores, Node ${run.node}; ${run.date.slice(0, 10)}, ${run.commit}`
}
