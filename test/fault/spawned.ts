import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

/** How a process ended, and all that it said. */
export interface Ended {
  code: number | null
  signal: NodeJS.Signals | null
  output: string
  errors: string
}

export interface SpawnOptions {
  /** A command that runs the process, such as strace, with its arguments. */
  under?: string[]
  /** Added to the environment. */
  env?: Record<string, string>
  /** Sees the output as it comes, and what ends the process. */
  watch?: (output: string, kill: () => void) => void
}

/** Runs a script that stands beside this file, the mutant's one in a mutant. */
export function runBeside(name: string, workload: unknown, { under = [], env = {}, watch = () => undefined }: SpawnOptions = {}): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const [command, ...args] = [...under, process.execPath, fileURLToPath(new URL(name, import.meta.url)), JSON.stringify(workload)]
    const child = spawn(command!, args, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...env } })
    let output = ''
    let errors = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      output += text
      watch(output, () => child.kill('SIGKILL'))
    })
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      errors += text
    })
    child.on('error', reject)
    child.on('close', (code, signal) => resolve({ code, signal, output, errors }))
  })
}
