import * as echarts from 'echarts'
import type { Dataset } from '../data/dataset.js'
import type { MacroRow } from '../results.js'
import { ownEngine } from '../macro/engines.js'
import { rowName } from './table.js'

/** Points of lower recall are of no use to anybody, and would press the others together. */
const leastRecall = 0.8

const ownColors = ['#d1495b', '#edae49']
const peerColors = ['#30638e', '#8fb8de', '#00798c', '#7b6d8d']

/** Draws recall against QPS, a line for each engine and codec, as an SVG. */
export function recallChart(dataset: Dataset, rows: readonly MacroRow[], subtitle: string): string {
  const chart = echarts.init(null, null, { renderer: 'svg', ssr: true, width: 960, height: 540 })
  const [own, peer] = [colors(ownColors), colors(peerColors)]
  chart.setOption({
    animation: false,
    backgroundColor: '#ffffff',
    title: { text: `${dataset.title}: recall@10 and speed`, subtext: subtitle, left: 20, top: 12 },
    legend: { bottom: 10, itemGap: 30 },
    grid: { left: 76, right: 32, top: 84, bottom: 96 },
    xAxis: { ...axis('recall@10'), type: 'value', ...recallRange(rows) },
    yAxis: { ...axis('queries a second, one thread'), type: 'log', ...qpsRange(rows), nameGap: 54, nameRotate: 90 },
    series: rows.map((row) => ({
      name: rowName(row),
      type: 'line',
      data: usefulPoints(row).map((point) => [point.recall, point.qps]),
      color: row.engine === ownEngine ? own() : peer(),
      symbol: 'circle',
      symbolSize: 6,
      lineStyle: { width: row.engine === ownEngine ? 3 : 1.6 }
    }))
  })
  const svg = chart.renderToSVGString()
  chart.dispose()
  return svg
}

function axis(name: string): object {
  return { name, nameLocation: 'middle', nameGap: 32, minorSplitLine: { show: true }, axisLine: { onZero: false } }
}

function usefulPoints(row: MacroRow): MacroRow['sweep'] {
  return row.sweep.filter((point) => point.recall >= leastRecall)
}

/** From the lowest useful recall, rounded down to a mark of the axis, to 1. */
function recallRange(rows: readonly MacroRow[]): { min: number; max: number; interval: number } {
  const lowest = Math.min(0.98, ...rows.flatMap((row) => usefulPoints(row).map((point) => point.recall)))
  const marks = lowest < 0.9 ? 20 : 100
  return { min: Math.floor(lowest * marks) / marks, max: 1, interval: 1 / marks }
}

/** A range just around the points: a log axis left alone begins and ends at powers of ten. */
function qpsRange(rows: readonly MacroRow[]): { min: number; max: number } {
  const qps = rows.flatMap((row) => usefulPoints(row).map((point) => point.qps))
  return { min: roundTo(Math.min(...qps) * 0.85, Math.floor), max: roundTo(Math.max(...qps) * 1.15, Math.ceil) }
}

/** Rounds to one digit. */
function roundTo(value: number, round: (x: number) => number): number {
  const power = 10 ** Math.floor(Math.log10(value))
  return round(value / power) * power
}

function colors(all: readonly string[]): () => string {
  let next = 0
  return () => all[next++ % all.length]
}
