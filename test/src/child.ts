import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

export interface Ended {
  signal: NodeJS.Signals | null
  code: number | null
  output: string
}

/** Runs a script that stands beside the tests; `watch` sees its output as it comes, and what ends it. */
export function runScript(name: string, args: string[], watch: (output: string, kill: () => void) => void = () => undefined): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [fileURLToPath(new URL(name, import.meta.url)), ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
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
    child.on('close', (code, signal) => {
      if (errors) process.stderr.write(errors)
      resolve({ code, signal, output })
    })
  })
}
