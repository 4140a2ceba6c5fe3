import { rm } from 'node:fs/promises'
import { WorkloadProcess } from './child.js'
import type { Measured } from './rows.js'
import type { SweepTask } from './sweep.js'
import type { Replies, Request, Workload } from './workload.js'

const script = new URL('./workload.js', import.meta.url)

/** A workload with its process and with what was measured so far. */
export class Measuring implements Measured {
  readonly workload: Workload
  readonly builds: Measured['builds'] = []
  readonly sweeps: Measured['sweeps'] = []
  reopenMs = 0
  searchPeakRssBytes = 0
  failed = false
  #process: WorkloadProcess<Request, Replies> | undefined

  constructor(workload: Workload) {
    this.workload = workload
  }

  get name(): string {
    return `${this.workload.engine} ${this.workload.codec}`
  }

  async build(): Promise<void> {
    const child = new WorkloadProcess<Request, Replies>(script)
    try {
      const figures = await child.ask({ type: 'build', workload: this.workload })
      this.builds.push(figures)
      const rate = Math.round(this.workload.count / (figures.seconds + figures.prepareSeconds))
      this.#tell(`built, ${rate.toLocaleString('en-US')} vectors/s`)
    } finally {
      await child.end()
    }
  }

  async open(): Promise<void> {
    this.#process = new WorkloadProcess(script)
    const { reopenMs } = await this.#process.ask({ type: 'open', workload: this.workload })
    this.reopenMs = reopenMs
    this.#tell(`reopened in ${reopenMs.toFixed(1)} ms`)
  }

  async sweep(task: SweepTask): Promise<void> {
    const points = await this.#process!.ask({ type: 'sweep', task })
    this.sweeps.push(points)
    const { ef, recall, timing } = points[Math.floor(points.length / 2)]
    const qps = Math.round(timing.qps).toLocaleString('en-US')
    this.#tell(`searched, recall ${recall.toFixed(3)} at ef ${ef} with ${qps} QPS`)
  }

  async close(): Promise<void> {
    this.searchPeakRssBytes = (await this.#process!.ask({ type: 'close' })).peakRssBytes
  }

  async dispose(): Promise<void> {
    await this.#process?.end()
    await rm(this.workload.directory, { recursive: true, force: true })
  }

  #tell(what: string): void {
    console.log(`  ${this.name}: ${what}`)
  }
}
