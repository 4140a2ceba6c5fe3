import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

const run = promisify(execFile)

/**
 * Runs the user's own npm client, so that their registry, proxy and credentials apply.
 *
 * @throws {Error} with npm's own message, its `ERR!` lines first
 */
export async function npm(args: readonly string[], cwd: string): Promise<void> {
  // NOTE: on Windows npm is a batch file, which only a shell starts.
  const windows = process.platform === 'win32'
  try {
    await run(windows ? 'npm.cmd' : 'npm', [...args], { cwd, shell: windows, maxBuffer: 2 ** 26 })
  } catch (cause) {
    const { stderr = '', message } = cause as Error & { stderr?: string }
    const errors = stderr.split('\n').filter((line) => /^npm (ERR!|error)/.test(line))
    throw new Error(errors.slice(0, 4).join('\n') || message, { cause })
  }
}
