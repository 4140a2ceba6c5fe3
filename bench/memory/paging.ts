import { deepStrictEqual } from 'node:assert/strict'
import { codecs } from '../../codecs/codec.js'
import { vectorByteLength } from '../../codecs/f32.js'
import { hasRelaxedSimd, type Kernel } from '../../index/kernel.js'
import { Scratch } from '../../index/scratch.js'
import { checkDatabaseOptions } from '../../src/options.js'
import { openStore } from '../../src/recovery.js'
import { rowOf, type Matrix } from '../data/fbin-file.js'
import { median } from '../macro/quantile.js'
import type { PagingRow } from './figures.js'
import { flattenGraph, loadFlatKernel } from './flat.js'

interface Side {
  kernel: Kernel
  /** Address of the graph that it searches. */
  graph: number
}

/** Rounds before the clock starts, in which code is compiled; and pairs of rounds for each run that is asked for. */
const warmRounds = 5
const pairsARun = 20

/** Has the kernel search a store with all that it reads in memory, in blocks and in flat arrays: rounds of all queries in turns. */
export async function comparePaging(
  directory: string, cacheSize: number, queries: Matrix, { ef, k, runs }: { ef: number; k: number; runs: number }
): Promise<Pick<PagingRow, 'pagedQps' | 'flatQps' | 'ratios'>> {
  const build = hasRelaxedSimd() ? 'relaxed' : 'simd'
  const { engine } = await openStore(directory, checkDatabaseOptions({ cacheSize, workers: 0, kernel: build }))
  const { arena, cache } = engine
  const { graph } = [...engine.collections.values()][0]
  const { dimensions, codec, M, efConstruction } = graph.options
  const scratch = new Scratch(arena)
  scratch.ensure({
    vectorBytes: vectorByteLength(dimensions), rowBytes: graph.rowBytes.codes, queryBytes: codecs[codec].queryBytes(graph.options), M,
    ef: Math.max(ef, efConstruction), ids: Math.max(graph.ordinals, graph.slots)
  })
  const jobs = Array.from({ length: queries.count }, (_, i) => graph.ask(rowOf(queries, i), k, ef, false))
  const search = ({ kernel, graph }: Side): number => {
    const began = performance.now()
    for (const job of jobs) kernel.find(graph, scratch.ptr, job.ptr)
    return (performance.now() - began) / 1e3
  }
  const results = (side: Side): unknown[] => {
    search(side)
    return jobs.map((job) => {
      if (job.needs) throw new Error('a search has no room for its beam')
      return job.read()
    })
  }

  const paged = { kernel: engine.kernel, graph: graph.ptr }
  const expected = results(paged)
  const { misses } = cache.counts()
  const flat = { kernel: loadFlatKernel(build, arena.memory), graph: flattenGraph(arena, cache, graph) }
  deepStrictEqual(results(flat), expected)
  for (let round = 0; round < warmRounds; round++) for (const side of [paged, flat]) search(side)
  const pairs = Array.from({ length: runs * pairsARun }, (_, i) => {
    if (i % 2 === 0) return { pagedSeconds: search(paged), flatSeconds: search(flat) }
    const flatSeconds = search(flat)
    return { pagedSeconds: search(paged), flatSeconds }
  })
  if (cache.counts().misses !== misses) throw new Error('not everything was in memory')
  await engine.close()
  return {
    pagedQps: queries.count / median(pairs.map(({ pagedSeconds }) => pagedSeconds)),
    flatQps: queries.count / median(pairs.map(({ flatSeconds }) => flatSeconds)),
    ratios: pairs.map(({ pagedSeconds, flatSeconds }) => flatSeconds / pagedSeconds).sort((a, b) => a - b)
  }
}
