import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { loopChart } from '../../../bench/report/threads-chart.js'
import { threadsTables } from '../../../bench/report/threads-table.js'
import {
  noThreadsResults, type BuildRow, type LinkRow, type LoopRow, type MixedRow, type SearchRow, type Subject, type ThreadsResults
} from '../../../bench/threads/figures.js'

const test = suite('threads report')

const graph = { dataset: 'glove-100-angular', count: 1000, M: 16, efConstruction: 200 }
const subject: Subject = { ...graph, engine: 'vector-level', version: '1', codec: 'sq8', workers: 2 }
const peer: Subject = { ...graph, engine: 'hnswlib-node', version: '3', codec: 'f32' }
const latency = { p50Us: 250, p99Us: 1500 }
const delay = (max: number) => ({ p50: 1, p99: 2.5, p999: 4, max })

const recalls = [{ ef: 64, recall: 0.95 }, { ef: 128, recall: 0.98 }]
const build = { durability: 'strict', seconds: 0.5, checkpointSeconds: 0.75, cpuSeconds: 0.8, recalls } as const
const builds: BuildRow[] = [{ ...subject, ...build, workers: 1, seconds: 1 }, { ...subject, ...build }]
const links: LinkRow[] = [1, 2].map(workers => ({ ...subject, workers, linked: 800, seconds: 0.8 / workers, cpuSeconds: 0.8, graph: '1234567890abcdef' }))
const search: SearchRow = {
  ...subject, ef: 64, recall: 0.9, sync: latency, search: { p50Us: 300, p99Us: 2000 },
  syncAfterPause: latency, searchAfterPause: { p50Us: 310, p99Us: 2100 }, syncQps: 4000, callers: 64, callersQps: 7000
}
const loop: LoopRow = {
  ...subject, batch: 1000, callers: 1, vectorsPerSecond: 5000, delayMs: delay(20), delayAtRestMs: delay(3), searches: 400, ef: 64,
  recallMeanwhile: 0.97, recallAfter: 0.9, search: latency, searchFromDue: latency
}
const searches = { searches: 5000, qps: 500, recall: 0.91, p50Us: 200, p99Us: 1000 }
const mixed: MixedRow = {
  ...subject, callers: 8, seconds: 10, ef: 64, readOnly: searches, mixed: { ...searches, p99Us: 2500 }, writes: 600, write: latency,
  checked: { searches: 10_000, exact: 40, duplicate: 1, wrong: 2, misplaced: 3, malformed: 4, missed: 5 }
}

function rowsOf(results: Partial<ThreadsResults>): string[][] {
  const [table] = threadsTables({ ...noThreadsResults(), ...results })
  return table!.split('\n').map(line => line.split('|').slice(1, -1).map(cell => cell.trim()))
}

test('tells how much faster more workers build, and the recall beside it', () => {
  const rows = rowsOf({ build: builds })
  assert.equal(rows[2], ['vector-level sq8, 1 worker, strict', '1,000', '1.0', '0.8', '800', '1.00', '0.9500', '0.9800'])
  assert.equal(rows[3], ['vector-level sq8, 2 workers, strict', '2,000', '0.5', '0.8', '800', '2.00', '0.9500', '0.9800'])
  assert.is(rowsOf({ build: [{ ...peer, ...build, durability: 'in memory' }] })[2]![5], '-')
})

test('tells how much faster more workers link, and what graph they make', () => {
  const rows = rowsOf({ link: links })
  assert.equal(rows[2], ['vector-level sq8, 1 worker', '1,000', '0.8', '1,000', '1.00', '1234567890ab'])
  assert.equal(rows[3], ['vector-level sq8, 2 workers', '2,000', '0.4', '1,000', '2.00', '1234567890ab'])
})

test('tells what search() adds to searchSync, and what many callers get', () => {
  const [, , row] = rowsOf({ search: [search] })
  assert.equal(row!.slice(1), ['0.9000', '250 / 1,500', '300 / 2,000', '50', '250 / 1,500', '310 / 2,100', '60', '4,000', '7,000', '1.75'])
})

test('tells the delays of the event loop beside those at rest', () => {
  const rows = rowsOf({ loop: [loop, { ...loop, batch: 1, callers: 16 }] })
  assert.is(rows[2]![0], 'vector-level sq8, 2 workers, batches of 1,000')
  const [, , row] = rows
  assert.equal(row!.slice(1), ['5,000', '1.0 / 2.5 / 4.0 / 20.0', '1.0 / 2.5 / 4.0 / 3.0', '400', '0.25 / 1.50', '0.25 / 1.50', '0.9700', '0.9000'])
  assert.is(rows[3]![0], 'vector-level sq8, 2 workers, single puts of 16 callers')
})

test('tells how much writes slow searches down, and what was wrong with the answers', () => {
  const rows = rowsOf({ mixed: [mixed] })
  assert.equal(rows[3]!.slice(1), ['500', '0.20 / 2.50', '0.9100', '2.50', '60', '0.25 / 1.50'])
  const [, text] = threadsTables({ ...noThreadsResults(), mixed: [mixed] })
  assert.match(text, /^Of 10,000 answers, .* 2 of deleted.* 1 twice, 3 at a wrong distance, 4 too few.* 5 records that 40 exact searches/)
})

test('every row has as many cells as its head', () => {
  for (const results of [{ build: builds }, { link: links }, { search: [search] }, { loop: [loop] }, { mixed: [mixed] }]) {
    assert.is(new Set(rowsOf(results).map(cells => cells.length)).size, 1)
  }
})

test('draws a line for each way to write', () => {
  const svg = loopChart([loop, { ...loop, ...peer, batch: 100 }], 'of a test')
  for (const word of ['batches of 1,000', 'hnswlib-node, batches of 100', 'p99.9', 'of a test']) assert.match(svg, word)
})

test.run()
