import * as echarts from 'echarts'
import type { LadderRow, LadderRung } from '../memory/figures.js'

const colors = ['#d1495b', '#30638e', '#00798c', '#edae49']

/** Draws hit ratio, and speed as a share of that with everything in memory, against the size of the cache: solid for Zipf, dashed for uniform queries. */
export function memoryChart(rows: readonly LadderRow[], subtitle: string): string {
  const chart = echarts.init(null, null, { renderer: 'svg', ssr: true, width: 960, height: 460 })
  const grid = { top: 84, bottom: 104, width: 370 }
  const names = rows.map(({ dataset, count }) => `${dataset}, ${count.toLocaleString('en-US')}`)
  chart.setOption({
    animation: false,
    backgroundColor: '#ffffff',
    title: { text: 'Hit ratio and speed by the size of the cache', subtext: subtitle, left: 20, top: 12 },
    legend: { bottom: 10, itemGap: 30, data: names },
    grid: [{ ...grid, left: 76 }, { ...grid, left: 542 }],
    xAxis: [0, 1].map((gridIndex) => ({
      ...axis('cache, % of the index; solid: Zipf, dashed: uniform', 32), gridIndex, type: 'log', min: 5, max: 100, logBase: 10
    })),
    yAxis: [
      { ...axis('hits, %', 44), gridIndex: 0, type: 'value', max: 100, scale: true },
      { ...axis('QPS, of all in memory', 44), gridIndex: 1, type: 'value', min: 0, max: (range: { max: number }) => Math.max(1, Math.ceil(range.max * 10) / 10) }
    ],
    series: rows.flatMap((row, i) => {
      const full = row.rungs.find(({ share }) => share === undefined)!
      const line = (plot: 0 | 1, type: string, figure: (rung: LadderRung) => number): object => ({
        name: names[i], type: 'line', xAxisIndex: plot, yAxisIndex: plot, color: colors[i % colors.length], symbolSize: 6, lineStyle: { width: 2.4, type },
        data: row.rungs.filter(({ share }) => share !== undefined).map((rung) => [rung.share! * 100, figure(rung)])
      })
      return [
        line(0, 'solid', ({ zipf }) => 100 * zipf.hitRatio),
        line(0, 'dashed', ({ uniform }) => 100 * uniform.hitRatio),
        line(1, 'solid', ({ zipf }) => zipf.qps / full.zipf.qps),
        line(1, 'dashed', ({ uniform }) => uniform.qps / full.uniform.qps)
      ]
    })
  })
  const svg = chart.renderToSVGString()
  chart.dispose()
  return svg
}

function axis(name: string, nameGap: number): object {
  return { name, nameLocation: 'middle', nameGap, axisLine: { onZero: false } }
}
