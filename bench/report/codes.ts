import { datasetOf, datasets } from '../datasets.js'
import type { Results } from '../results.js'
import { codesTable } from './codes-table.js'

/** The part of README.md that compares codecs: of each data set the newest run, nothing when there is none. */
export function reportCodes(runs: readonly Results[]): string[] {
  return datasets.flatMap(({ name }) => {
    const run = runs.find(({ codes }) => codes.some((row) => row.dataset === name))
    if (!run) return []
    const rows = run.codes.filter((row) => row.dataset === name)
    const { count, M, efConstruction } = rows[0]
    const index = `${count.toLocaleString('en-US')} vectors, M ${M}, efConstruction ${efConstruction}, one thread`
    return [`### ${datasetOf(name).title}`, `${index}; ${run.cpu}, Node ${run.node}; ${run.date.slice(0, 10)}, ${run.commit}.`, codesTable(rows)]
  })
}
