import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { writeAtomically } from '../data/atomic-file.js'
import { datasetOf, datasets } from '../datasets.js'
import type { MemoryResults, Store } from '../memory/figures.js'
import { places } from '../places.js'
import type { Results } from '../results.js'
import { memoryChart } from './memory-chart.js'
import { coldTable, insertsTable, ladderTable, limitsTable, loadTable, pagingTable } from './memory-table.js'

const chartName = 'memory.svg'

type Row<P extends keyof MemoryResults> = MemoryResults[P][number]

/** Draws the chart of the memory benches, and returns their part of README.md: nothing when none has been run. */
export async function reportMemory(runs: readonly Results[]): Promise<string[]> {
  const [ladder, inserts, load] = [newest(runs, 'ladder'), newest(runs, 'inserts'), newest(runs, 'load')]
  const [cold, paging, limits] = [newest(runs, 'cold'), newest(runs, 'paging'), newest(runs, 'limits')]
  if (ladder.length > 0) {
    await mkdir(places.docs, { recursive: true })
    const file = join(places.docs, chartName)
    const rows = ladder.map(({ row }) => row)
    await writeAtomically(file, (handle) => handle.writeFile(memoryChart(rows, 'block cache, sq8, one thread')))
    console.log(`Wrote ${file}`)
  }
  return [
    ...(ladder.length > 0 ? [`![Hit ratio and speed by the size of the cache](docs/${chartName})`] : []),
    ...ladder.map(({ run, row }) => [`### ${datasetOf(row.dataset).title}`, captionOf(run, row), ladderTable(row)].join('\n\n')),
    ...tableOf('After compaction, and after inserts', inserts, insertsTable),
    ...tableOf('Loading', load, loadTable),
    ...tableOf('A cold start', cold, coldTable),
    ...tableOf('What paging costs', paging, pagingTable),
    ...tableOf('Within a limit of memory', limits, limitsTable)
  ]
}

interface Found<P extends keyof MemoryResults> {
  run: Results
  row: Row<P>
}

/** Of each data set the newest rows, those with most vectors. */
function newest<P extends keyof MemoryResults>(runs: readonly Results[], part: P): Found<P>[] {
  return datasets.flatMap(({ name }) => {
    const all = runs.map((run) => ({ run, rows: (run.memory[part] as Row<P>[]).filter(({ dataset }) => dataset === name) }))
    const most = Math.max(...all.flatMap(({ rows }) => rows.map(({ count }) => count)))
    const chosen = all.find(({ rows }) => rows.some(({ count }) => count === most))
    return chosen ? chosen.rows.filter(({ count }) => count === most).map((row) => ({ run: chosen.run, row })) : []
  })
}

function tableOf<P extends keyof MemoryResults>(title: string, found: Found<P>[], table: (rows: Row<P>[]) => string): string[] {
  if (found.length === 0) return []
  const { run, row } = found[0]
  return [`### ${title}`, `M ${row.M}, efConstruction ${row.efConstruction}; ${machineOf(run)}.`, table(found.map((each) => each.row))]
}

function captionOf(run: Results, { count, M, efConstruction, indexBytes }: Store): string {
  const index = `${count.toLocaleString('en-US')} vectors, M ${M}, efConstruction ${efConstruction}, ${Math.round(indexBytes / 2 ** 20)} MB of index, compacted`
  return `${index}; ${machineOf(run)}.`
}

function machineOf(run: Results): string {
  return `${run.cpu}, Node ${run.node}; ${run.date.slice(0, 10)}, ${run.commit}`
}
