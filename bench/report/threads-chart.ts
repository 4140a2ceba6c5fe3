import * as echarts from 'echarts'
import { ownEngine } from '../macro/engines.js'
import type { LoopRow } from '../threads/figures.js'
import { loopName } from './threads-table.js'

const percentiles = ['p50', 'p99', 'p999', 'max'] as const
const names: Readonly<Record<(typeof percentiles)[number], string>> = { p50: 'p50', p99: 'p99', p999: 'p99.9', max: 'max' }
const ownColors = ['#d1495b', '#edae49', '#c77d4f']
const peerColors = ['#30638e', '#8fb8de', '#00798c']

/** Draws the delays of the event loop, a line for each way to write, as an SVG. */
export function loopChart(rows: readonly LoopRow[], subtitle: string): string {
  const chart = echarts.init(null, null, { renderer: 'svg', ssr: true, width: 960, height: 460 })
  const [own, peer] = [ownColors, peerColors].map((colors) => colors[Symbol.iterator]())
  chart.setOption({
    animation: false,
    backgroundColor: '#ffffff',
    title: { text: 'Delay of the event loop while vectors are inserted', subtext: subtitle, left: 20, top: 12 },
    legend: { bottom: 10, itemGap: 20 },
    grid: { left: 76, right: 32, top: 84, bottom: 104 },
    xAxis: { type: 'category', data: percentiles.map((percentile) => names[percentile]) },
    yAxis: { type: 'log', name: 'ms', nameLocation: 'middle', nameGap: 48, nameRotate: 90 },
    series: rows.map((row) => ({
      name: loopName(row),
      type: 'line',
      data: percentiles.map((percentile) => row.delayMs[percentile]),
      color: (row.engine === ownEngine ? own : peer).next().value,
      symbolSize: 6,
      lineStyle: { width: row.engine === ownEngine ? 3 : 1.6 }
    }))
  })
  const svg = chart.renderToSVGString()
  chart.dispose()
  return svg
}
