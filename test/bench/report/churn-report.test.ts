import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { ChurnRow, Found } from '../../../bench/churn/figures.js'
import { diskRatio, indexRatio, recordsRatio } from '../../../bench/report/churn-bytes.js'
import { churnChart } from '../../../bench/report/churn-chart.js'
import { churnCostsTable, churnText } from '../../../bench/report/churn-table.js'

const test = suite('churn report')

const task = { dataset: 'glove-100-angular', policy: 'random', count: 1000, dim: 100, metric: 'cosine', codec: 'f32', M: 16, efConstruction: 200, ef: 64, k: 10, share: 0.1, queries: 200 } as const
const found = (recall: number, bytesOnDisk: number): Found => ({ recall, short: 0, qps: 5000, bytesOnDisk })
const state = (records: number, unreachable: number) => ({ records, index: 300, free: 100, tombstones: 7, unreachable })

const own: ChurnRow = {
  ...task, engine: 'vector-level', version: '1', codec: 'sq8', note: 'by batches',
  rounds: [
    { ...found(0.95, 900), insertUs: 150, state: state(500, 0) },
    { ...found(0.9412, 950), insertUs: 160, deleteUs: 20, short: 0.005, state: state(750, 3) },
    { ...found(0.9444, 960), insertUs: 140, deleteUs: 40, state: state(600, 1) }
  ],
  end: { fresh: { ...found(0.9501, 900), state: state(500, 0) }, compacted: { ...found(0.9444, 700), state: { ...state(500, 0), index: 210, free: 10 } } }
}
const peer: ChurnRow = { ...task, engine: 'usearch', version: '2', rounds: [found(0.94, 100), { ...found(0.93, 150), updateUs: 99 }], end: { fresh: found(0.945, 100) } }
const broken: ChurnRow = { ...task, engine: 'zvec', version: '3', rounds: [found(0.94, 100)], error: 'Error: remove() did not find 3 of 5 keys\n    at somewhere' }
const never: ChurnRow = { ...task, engine: 'hnswlib-node', version: '4', rounds: [], error: 'the process of the workload ended during load (SIGSEGV)' }

function cells(line: string): string[] {
  return line.split('|').slice(1, -1).map(cell => cell.trim())
}

test('has a row for each engine, also for those that ended early, which say why', () => {
  const lines = churnText([own, peer, broken, never]).split('\n')
  assert.equal(cells(lines[2]!), [
    'vector-level sq8', '0.9500', '0.9444', '0.9412', '0.9501', '0.5 %', '5,000 / 5,000', '30', '150', '-', '1.50, 1.20', '1.05, 1.00', '7', '3', '0'
  ])
  assert.equal(cells(lines[3]!), ['usearch', '0.9400', '0.9300', '0.9300', '0.9450', '0.0 %', '5,000 / 5,000', '-', '-', '99', '1.50', '-', '-', '-', '-'])
  assert.is(cells(lines[4]!)[0], 'zvec (ended after round 0)')
  assert.equal(new Set(cells(lines[5]!).slice(1)), new Set(['-']))
  assert.equal(new Set(lines.slice(0, 6).map(line => cells(line).length)).size, 1)
  assert.match(lines.join('\n'), 'vector-level: by batches.')
  assert.match(lines.join('\n'), 'zvec ended after round 0: Error: remove() did not find 3 of 5 keys.')
  assert.match(lines.join('\n'), 'hnswlib-node ended while loading: the process')
})

test('compares bytes with live ones, where they are known', () => {
  assert.is(indexRatio(own.rounds[0]!), 1.5)
  assert.is(recordsRatio(own, own.rounds[1]!), 1.5)
  assert.is(diskRatio(peer, peer.rounds[1]!), 1.5)
  assert.is(indexRatio(peer.rounds[0]!), undefined)
  assert.is(recordsRatio(peer, peer.rounds[0]!), undefined)
  assert.is(diskRatio(broken, broken.rounds[0]!), undefined)
})

test('draws a line for each engine, dashed what was built anew, also when engines ended early', () => {
  const svg = churnChart([own, peer, broken, never], 'of a test')
  for (const word of ['vector-level', 'usearch', 'zvec', 'of a test', 'LMDB', 'LevelDB']) assert.match(svg, word)
  assert.is(svg.match(/stroke-dasharray/g)!.length, 3)
  assert.ok(churnChart([never], '').startsWith('<svg'))
})

test('shows what single operations cost as ratios', () => {
  const table = churnCostsTable([{ dataset: 'synth-1536', count: 10, callers: 2, insertUs: 200, deleteUs: 100, updateUs: 250, dirtyBlocks: 9 }])
  assert.equal(cells(table.split('\n')[2]!), ['synth-1536', '200', '100', '250', '0.50', '0.80', '9'])
})

test.run()
