import { type ChildProcess, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { Recovered, Recovery } from './recovery-child.js'

/** Recoveries that one process does, so that memory which LMDB or the kernel does not give back does not pile up. */
const RECOVERIES = 100

/** Opens what faults left, in a process that may die of it. */
export class Recoverer {
  #child: ChildProcess | undefined
  #count = 0

  async recover(recovery: Recovery): Promise<Recovered> {
    if (this.#count++ % RECOVERIES === 0) this.close()
    const child = this.#child ??= fork(fileURLToPath(new URL('recovery-child.js', import.meta.url)))
    return await new Promise(resolve => {
      const ended = (code: number | null, signal: string | null): void => {
        this.#child = undefined
        resolve({ count: 0, violation: `the process that opened the store ended with ${signal ?? `code ${code}`}` })
      }
      child.once('exit', ended)
      child.once('message', (recovered: Recovered) => {
        child.off('exit', ended)
        resolve(recovered)
      })
      child.send(recovery)
    })
  }

  close(): void {
    this.#child?.disconnect()
    this.#child = undefined
  }
}
