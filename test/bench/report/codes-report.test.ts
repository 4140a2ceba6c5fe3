import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { CodesRow } from '../../../bench/codes/figures.js'
import { codesTable } from '../../../bench/report/codes-table.js'

const test = suite('codes report')

const point = { ef: 64, oversample: 'auto', recall: 0.97, qps: 5000, p50Us: 180, misses: 0 } as const
const row: CodesRow = {
  dataset: 'synth-1536', count: 1000, dim: 100, metric: 'cosine', M: 16, efConstruction: 200, k: 10, codec: 'pq', codeBytes: 12, rowBytes: 12, seconds: 0.5,
  indexBytes: 40_000, recordBytes: 160_000,
  sweeps: [
    { cacheBytes: 2e9, points: [{ ...point, ef: 32, oversample: 3.2, recall: 0.9, qps: 9000 }, point, { ...point, oversample: 6.4, recall: 0.96, qps: 6000 }] },
    { cacheBytes: 8e6, points: [{ ...point, qps: 700, misses: 42 }] }
  ]
}

function cells(rows: CodesRow[]): string[] {
  return codesTable(rows).split('\n')[2]!.split('|').slice(1, -1).map(cell => cell.trim())
}

test('tells bytes as shares of the raw floats, and the fastest width of enough recall', () => {
  assert.equal(cells([row]), ['pq', '12', '2,000', '0.100x', '0.500x', '0.9700', '180', '0.9600', '6,000 (ef 64: 0.960)', '700 (ef 64, auto: 0.970)', '42', '0.9700'])
})

test('says what was not reached, and what was not measured', () => {
  const [, , , , whole, recall, , , qps, small] = cells([{ ...row, store: 'codes', sweeps: [{ cacheBytes: 2e9, points: [{ ...point, recall: 0.8 }] }] }])
  assert.equal([whole, recall, qps, small], ['0.500x', '0.8000', 'not reached', '-'])
})

test.run()
