import { SingleBar } from 'cli-progress'
import type { Progress } from './maintenance.js'

/** Shows on a terminal how far long work has come; nothing elsewhere. */
export class ProgressBar {
  async during<T>(work: (onProgress: (progress: Progress) => void) => Promise<T>): Promise<T> {
    const bar = new SingleBar({
      stream: process.stderr, format: '{bar} {percentage} %  {step}  {left}', barCompleteChar: '█', barIncompleteChar: '░', barsize: 24, hideCursor: true, clearOnComplete: true
    })
    const began = performance.now()
    let started = false
    try {
      return await work(({ step, done, total }) => {
        if (started) bar.setTotal(total)
        else bar.start(total, done, { step, left: '' })
        started = true
        const seconds = done ? ((performance.now() - began) / 1000) * (total - done) / done : 0
        bar.update(done, { step, left: done ? `${Math.ceil(seconds)} s left` : '' })
      })
    } finally {
      bar.stop()
    }
  }
}
