import type { Dataset } from '../data/dataset.js'
import type { MacroPoint, MacroRow } from '../results.js'
import { median } from './quantile.js'
import type { SweepPoint, Timing } from './sweep.js'
import type { Replies, Workload } from './workload.js'

/** What the runs of one workload gave. */
export interface Measured {
  workload: Workload
  builds: Replies['build'][]
  sweeps: SweepPoint[][]
  reopenMs: number
  searchPeakRssBytes: number
}

/**
 * The rows of one workload: one, or two where a library demands vectors in another shape: as a user who holds
 * Float32Arrays sees it, and, more strictly for us, with vectors in that shape before the clock starts.
 */
export function rowsOf(measured: Measured, dataset: Dataset, k: number, version: string): MacroRow[] {
  const { workload, sweeps, reopenMs, searchPeakRssBytes } = measured
  const { preparedName, prepareSeconds, ...build } = medianBuild(measured.builds)
  const row = (seconds: number, timingOf: (point: SweepPoint) => Timing): MacroRow => ({
    dataset: dataset.name,
    count: workload.count,
    dim: dataset.dim,
    metric: dataset.metric,
    engine: workload.engine,
    version,
    codec: workload.codec,
    M: workload.M,
    efConstruction: workload.efConstruction,
    k,
    build,
    vectorsPerSecond: workload.count / seconds,
    bytesPerVector: build.bytesOnDisk / workload.count,
    reopenMs,
    searchPeakRssBytes,
    sweep: medianPoints(sweeps, timingOf)
  })
  const asHeld = row(build.seconds + prepareSeconds, (point) => point.timing)
  if (preparedName === undefined) return [asHeld]
  return [asHeld, { ...row(build.seconds, (point) => point.preparedTiming!), prepared: preparedName }]
}

function medianBuild(builds: Measured['builds']): Measured['builds'][number] {
  const sorted = [...builds].sort((a, b) => a.seconds - b.seconds)
  return sorted[Math.floor(sorted.length / 2)]
}

function medianPoints(sweeps: SweepPoint[][], timingOf: (point: SweepPoint) => Timing): MacroPoint[] {
  return sweeps[0].map(({ ef, recall }, i) => {
    const timings = sweeps.map((points) => timingOf(points[i]))
    const medianOf = (figure: keyof Timing): number => median(timings.map((timing) => timing[figure]))
    return {
      ef,
      recall,
      qps: medianOf('qps'),
      qpsCpu: medianOf('qpsCpu'),
      p50Us: medianOf('p50Us'),
      p99Us: medianOf('p99Us'),
      qpsRounds: timings.map((timing) => timing.qps)
    }
  })
}
