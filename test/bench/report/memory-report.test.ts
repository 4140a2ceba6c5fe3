import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { uniformDraws, zipfDraws } from '../../../bench/memory/draws.js'
import type { LadderRow, LadderRung, LimitsRow, LoadRow } from '../../../bench/memory/figures.js'
import { limitsSteps } from '../../../bench/memory/figures.js'
import { memoryChart } from '../../../bench/report/memory-chart.js'
import { ladderTable, limitsTable, loadTable, pagingTable } from '../../../bench/report/memory-table.js'

const test = suite('memory report')

const MIB = 2 ** 20
const load = { qps: 1000, p50Us: 900, p99Us: 2000, hitRatio: 0.75, blocksRead: 300, reads: { codes: 200, neighbors: 60, upperLevels: 1, states: 1, records: 38 } }
const rung: LadderRung = {
  share: 0.1, cacheBytes: 10 * MIB, recall: 0.95, results: 'a', uniform: load, zipf: { ...load, qps: 2000, hitRatio: 0.9, blocksRead: 100 },
  before: { own: 50 * MIB, files: 40 * MIB }, most: { own: 65 * MIB, files: 90 * MIB }
}
const whole: LadderRung = { ...rung, cacheBytes: 3072 * MIB, uniform: { ...load, qps: 4000, hitRatio: 1, blocksRead: 0 }, zipf: { ...load, qps: 5000, hitRatio: 1, blocksRead: 0 } }
delete whole.share
const row: LadderRow = {
  dataset: 'synth-1536', count: 1000, dim: 1536, M: 16, efConstruction: 100, indexBytes: 100 * MIB, ef: 64, k: 10, rungs: [rung, { ...rung, share: 0.05, results: 'b' }, whole]
}

function cells(table: string): string[][] {
  return table.split('\n').filter(line => line.startsWith('|')).slice(2).map(line => line.split('|').slice(1, -1).map(cell => cell.trim()))
}

test('compares each cache with everything in memory, and says when results differ', () => {
  const [tenth, twentieth, all] = cells(ladderTable(row))
  assert.equal(tenth, ['10 %', '10.0', '0.9500', 'yes', '1,000', '0.25', '75.0 %', '300', '200 / 60 / 38', '2,000', '2,000', '0.40', '90.0 %', '100', '5.0', '50.0'])
  assert.equal(twentieth!.slice(0, 4), ['5 %', '10.0', '0.9500', 'no'])
  assert.equal([all![0], all![5], all![14]], ['all', '1.00', '-'])
})

test('loading is compared with loading the same data with everything in memory', () => {
  const { rungs: _, ef: __, k: ___, ...store } = row
  const loaded = { seconds: 2, cpuSeconds: 3, before: rung.before, most: rung.most }
  const full: LoadRow = { ...store, cacheBytes: 3072 * MIB, loaded }
  const slow = { ...full, share: 0.25, cacheBytes: 10 * MIB, loaded: { ...loaded, seconds: 4 } }
  const compacted = { ...slow, doublings: true }
  const failed: LoadRow = { ...store, share: 0.25, cacheBytes: 10 * MIB, failure: 'no room' }
  const table = cells(loadTable([full, slow, { ...slow, dataset: 'synth-128' }, failed, compacted]))
  assert.equal(table.map(line => line[4]), ['1.00', '0.50', '-', '-', '0.50'])
  assert.is(table[3]![3], 'fails')
  assert.ok(loadTable([full, failed]).endsWith('With 25 %: no room.'))
  assert.equal(table.map(line => line[6]), ['-', '5.0', '5.0', '-', '5.0'])
  assert.is(table[4]![1], '25 %, compacted')
})

test('of rounds in turns the middle one counts, and those a quarter from the ends are shown', () => {
  const { rungs: _, ...store } = row
  const table = cells(pagingTable([{ ...store, pagedQps: 950, flatQps: 1001.4, ratios: [0.5, 0.91, 0.93, 0.94, 1.2] }]))
  assert.equal(table, [['synth-1536, 1,000', '950', '1,001', '0.930', '0.910 - 0.940']])
})

test('within a limit, what files take is no memory of the process, and a step that did not end has no figure', () => {
  const { rungs: _, ef: __, k: ___, ...store } = row
  const most = { anonymous: 90 * MIB, files: 30 * MIB, kernel: 4 * MIB }
  const whole: LimitsRow = {
    ...store, share: 1, cacheBytes: 20 * MIB, workers: 1, baseBytes: 22 * MIB, allowanceBytes: 60 * MIB, limitBytes: 102 * MIB,
    steps: limitsSteps.map(step => ({ step, seconds: 2, most })), mostBytes: 102 * MIB, met: 7, killed: 0
  }
  const killed: LimitsRow = { ...whole, share: 0.1, steps: whole.steps.slice(0, 1), killed: 1, failure: 'the process ended during search (SIGKILL)' }
  const [ended, failed] = cells(limitsTable([whole, killed]))
  assert.equal(ended, ['synth-1536, 1,000', '100 %', '20.0', '22.0', '60.0', '102', 'yes', '102', '30.0', '7', '10', '52.0', '52.0', '52.0', '52.0', '52.0'])
  assert.equal(failed!.slice(6), ['no', '102', '30.0', '7', '2', '52.0', '-', '-', '-', '-'])
  assert.ok(limitsTable([whole, killed]).endsWith('With 10 %: the process ended during search (SIGKILL); the system killed 1.'))
})

test('the chart has lines for both kinds of queries', () => {
  const svg = memoryChart([row], 'a run')
  assert.match(svg, /^<svg/)
  assert.match(svg, /synth-1536, 1,000/)
  assert.match(svg, /stroke-dasharray/)
})

test('draws are the same on every run: uniform, or by Zipf\'s law', () => {
  const counts = (draw: () => number): number[] => {
    const counted = new Array<number>(100).fill(0)
    for (let i = 0; i < 100_000; i++) counted[draw()]!++
    return counted.sort((a, b) => b - a)
  }
  assert.equal(counts(zipfDraws(100, 1)), counts(zipfDraws(100, 1)))
  const zipf = counts(zipfDraws(100, 1))
  // 1 / (1 + 1/2 + ... + 1/100) is 0.1928.
  assert.ok(Math.abs(zipf[0]! / 100_000 - 0.1928) < 0.005)
  assert.ok(Math.abs(zipf[0]! / zipf[1]! - 2) < 0.1 && Math.abs(zipf[0]! / zipf[9]! - 10) < 1)
  const uniform = counts(uniformDraws(100, 1))
  assert.ok(uniform[0]! < 1200 && uniform[99]! > 800)
})

test.run()
