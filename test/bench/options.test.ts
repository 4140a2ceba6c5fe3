import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { type DatasetPart, type Options, parseOptions } from '../../bench/options.js'

const test = suite('bench options')

function parse(...args: string[]): Options {
  return parseOptions(args)!
}

function counts(parts: DatasetPart[]): [string, number][] {
  return parts.map(({ dataset, count }) => [dataset.name, count])
}

test('nothing asked runs micro, macro and churn benches', () => {
  const { micro, macro, churn, replay, durability, report } = parse()
  assert.equal({ micro, macro, churn, replay, durability, report }, { micro: true, macro: true, churn: true, replay: false, durability: false, report: false })
})

test('data sets and peers mean the macro benches, unless churn is asked for', () => {
  for (const detail of [['--dataset', 'synth-1536'], ['--count', '500'], ['--peers']]) {
    assert.equal([parse(...detail).macro, parse(...detail).churn], [true, false])
    assert.equal([parse('--churn', ...detail).macro, parse('--churn', ...detail).churn], [false, true])
    assert.equal([parse('--churn', '--macro', ...detail).macro, parse('--churn', '--macro', ...detail).churn], [true, true])
  }
})

test('churn begins with a part of each data set', () => {
  assert.equal(counts(parse('--churn').churnDatasets), [['glove-100-angular', 100_000], ['mnist-784-euclidean', 30_000], ['synth-1536', 20_000]])
  assert.equal(counts(parse('--churn', '--dataset', 'synth-1536,mnist-784-euclidean:500').churnDatasets), [['synth-1536', 20_000], ['mnist-784-euclidean', 500]])
  assert.equal(counts(parse('--churn', '--count', '700').churnDatasets).map(([, count]) => count), [700, 700, 700])
})

test('codes benches are run alone, on a part of each data set', () => {
  const { codes, macro, churn, threads, codesDatasets } = parse('--codes')
  assert.equal({ codes, macro, churn, threads }, { codes: true, macro: false, churn: false, threads: false })
  assert.equal(counts(codesDatasets), [['glove-100-angular', 100_000], ['mnist-784-euclidean', 60_000], ['synth-1536', 50_000]])
  assert.equal([parse('--codes', '--dataset', 'synth-1536:100').macro, parse().codes], [false, false])
})

test('memory benches are run alone, in parts', () => {
  const { memory, macro, churn, memoryParts, memoryDatasets } = parse('--memory', '--only', 'build,ladder')
  assert.equal({ memory, macro, churn, memoryParts }, { memory: true, macro: false, churn: false, memoryParts: ['build', 'ladder'] })
  assert.equal(counts(memoryDatasets), [['glove-100-angular', memoryDatasets[0]!.dataset.baseCount], ['synth-1536', 100_000], ['synth-128-large', 1_000_000]])
  assert.equal([parse('--memory').memoryParts.length, parse().memory], [7, false])
  assert.throws(() => parse('--memory', '--only', 'loop'), /no part loop/)
})

test('threads benches take parts, not engines', () => {
  assert.equal(parse('--threads', '--only', 'loop,mixed').parts, ['loop', 'mixed'])
  assert.equal(parse('--threads', '--only', 'loop').engines, ['vector-level'])
  assert.ok(parse('--threads', '--peers').engines.includes('hnswlib-node'))
  assert.equal([parse('--threads', '--peers').macro, parse('--threads', '--peers').churn, parse('--threads').parts.length], [false, false, 5])
  assert.throws(() => parse('--threads', '--only', 'zvec'), /no part zvec/)
  assert.equal(counts(parse('--threads').threadsDatasets), [['glove-100-angular', 100_000], ['synth-128', 100_000], ['synth-1536', 20_000]])
})

test('policies and rounds are checked', () => {
  assert.equal(parse('--policy', 'drift,update').policies, ['drift', 'update'])
  assert.throws(() => parse('--policy', 'nothing'), /no policy nothing/)
  assert.throws(() => parse('--rounds', '0'), /rounds is 0/)
  assert.equal([parse().limit, parse('--limit', '3').limit], [20, 3])
  assert.throws(() => parse('--limit', '0.5'), /limit is 0.5/)
})

test.run()
