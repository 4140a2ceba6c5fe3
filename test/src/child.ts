import { spawn, type SpawnOptionsWithoutStdio } from 'node:child_process'
import { fileURLToPath } from 'node:url'

/** How a process ended, and all that it said. */
export interface Ended {
  signal: NodeJS.Signals | null
  code: number | null
  output: string
  errors: string
}

/** Sees the output as it comes, and what ends the process. */
export type Watch = (output: string, kill: () => void) => void

export function runProcess(command: string, args: string[], options: SpawnOptionsWithoutStdio = {}, watch: Watch = () => undefined): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] })
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

/** Runs a script that stands beside the tests; what it complains of is shown. */
export async function runScript(name: string, args: string[], watch?: Watch): Promise<Ended> {
  const ended = await runProcess(process.execPath, [fileURLToPath(new URL(name, import.meta.url)), ...args], {}, watch)
  if (ended.errors) process.stderr.write(ended.errors)
  return ended
}
