import { fileURLToPath } from 'node:url'
import { type Ended, runProcess, type Watch } from '../src/child.js'

export type { Ended } from '../src/child.js'

export interface SpawnOptions {
  /** A command that runs the process, such as strace, with its arguments. */
  under?: string[]
  /** Added to the environment. */
  env?: Record<string, string>
  watch?: Watch
  /** Milliseconds after which it is killed. */
  timeout?: number
}

/** Runs a script that stands beside this file, the mutant's one in a mutant. */
export function runBeside(name: string, workload: unknown, { under = [], env = {}, watch, timeout = 0 }: SpawnOptions = {}): Promise<Ended> {
  const [command, ...args] = [...under, process.execPath, fileURLToPath(new URL(name, import.meta.url)), JSON.stringify(workload)]
  return runProcess(command!, args, { env: { ...process.env, ...env }, timeout, killSignal: 'SIGKILL' }, watch)
}
