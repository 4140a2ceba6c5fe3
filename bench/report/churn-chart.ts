import * as echarts from 'echarts'
import type { ChurnRow, Found } from '../churn/figures.js'
import { policyTitles } from '../churn/policies.js'
import { datasetOf } from '../datasets.js'
import { ownEngine } from '../macro/engines.js'
import { diskRatio, indexRatio, recordsRatio } from './churn-bytes.js'

const ownColor = '#d1495b'
const peerColors = ['#30638e', '#8fb8de', '#00798c', '#7b6d8d']

/** Draws recall over the rounds, dashed that of an index built anew, and beside it the bytes of the files for each live one, as an SVG. */
export function churnChart(rows: readonly ChurnRow[], subtitle: string): string {
  const [{ dataset, policy }] = rows
  const chart = echarts.init(null, null, { renderer: 'svg', ssr: true, width: 960, height: 460 })
  const grid = { top: 104, bottom: 92, width: 370 }
  chart.setOption({
    animation: false,
    backgroundColor: '#ffffff',
    title: { text: `${datasetOf(dataset).title}: ${policyTitles[policy]}`, subtext: subtitle, left: 20, top: 12 },
    legend: { bottom: 10, itemGap: 30, data: rows.map(({ engine }) => engine) },
    grid: [{ ...grid, left: 76 }, { ...grid, left: 542 }],
    xAxis: [0, 1].map((gridIndex) => ({ ...axis('rounds', 32), gridIndex, type: 'value', min: 0, max: lastRound(rows), minInterval: 1 })),
    yAxis: [
      { ...axis('recall@10, dashed: built anew', 50), gridIndex: 0, type: 'value', ...recallRange(rows) },
      { ...axis('bytes of files / live bytes', 40), gridIndex: 1, type: 'value', min: 0 }
    ],
    series: rows.flatMap((row, i) => {
      const own = row.engine === ownEngine
      const style = { color: own ? ownColor : peerColors[i % peerColors.length], width: own ? 3 : 1.6 }
      return [recallLine(row, style), ...freshLine(row, style), ...byteLines(row, style)]
    })
  })
  const svg = chart.renderToSVGString()
  chart.dispose()
  return svg
}

interface Style {
  color: string
  width: number
}

function line(row: ChurnRow, { color, width }: Style, plot: 0 | 1, data: [number, number][], type = 'solid'): object {
  return { name: row.engine, type: 'line', xAxisIndex: plot, yAxisIndex: plot, data, color, symbol: 'none', lineStyle: { width, type } }
}

function recallLine(row: ChurnRow, style: Style): object {
  return line(row, style, 0, row.rounds.map(({ recall }, round) => [round, recall]))
}

function freshLine(row: ChurnRow, { color }: Style): object[] {
  if (row.end === undefined) return []
  const { recall } = row.end.fresh
  return [line(row, { color, width: 1.2 }, 0, [[0, recall], [row.rounds.length - 1, recall]], 'dashed')]
}

/** For ours two lines, of the index and, dotted, of the records; for others one of all files. */
function byteLines(row: ChurnRow, style: Style): object[] {
  const points = (ratioOf: (found: Found) => number | undefined): [number, number][] =>
    row.rounds.flatMap((found, round) => {
      const ratio = ratioOf(found)
      return ratio === undefined ? [] : [[round, ratio] as [number, number]]
    })
  const labelled = (data: [number, number][], name: string, type: string): object => ({
    ...line(row, style, 1, data, type),
    markPoint: { symbolSize: 0, label: { formatter: name, color: style.color, position: 'top', offset: [-24, 0] }, data: data.slice(-1).map((coord) => ({ coord })) }
  })
  if (row.engine !== ownEngine) return [line(row, style, 1, points((found) => diskRatio(row, found)))]
  return [labelled(points(indexRatio), 'LMDB', 'solid'), labelled(points((found) => recordsRatio(row, found)), 'LevelDB', 'dotted')]
}

function axis(name: string, nameGap: number): object {
  return { name, nameLocation: 'middle', nameGap, axisLine: { onZero: false } }
}

function lastRound(rows: readonly ChurnRow[]): number {
  return Math.max(1, ...rows.map(({ rounds }) => rounds.length - 1))
}

/** Just around the lines, on whole hundredths. */
function recallRange(rows: readonly ChurnRow[]): { min: number; max: number } {
  const recalls = rows.flatMap(({ rounds, end }) => [...rounds, ...(end ? [end.fresh] : [])].map(({ recall }) => recall))
  return { min: Math.floor(Math.min(1, ...recalls) * 100) / 100, max: Math.min(1, Math.ceil((Math.max(0, ...recalls) + 0.002) * 100) / 100) }
}
