#!/usr/bin/env node
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { ProgressBar } from './progress-bar.js'
import type { RepairReport } from './repair.js'
import { VectorLevel } from './vector-level.js'
import type { Finding } from './verify.js'

const HELP = `vector-level COMMAND DIRECTORY

  stats DIRECTORY            what the store holds, and what it takes
  verify DIRECTORY           walks through everything; ends with code 1 when something is wrong
  repair DIRECTORY           makes a damaged store sound; ends with code 1 when something was lost, and says what
  backup DIRECTORY TARGET    copies the store into a new directory
  compact DIRECTORY          gives the space of what was replaced or deleted back, and orders what searches read

No other process may have the store open. Ctrl-C ends a command; the store is as it was then.`

interface Call {
  db: VectorLevel
  target: string
  signal: AbortSignal
  bar: ProgressBar
}

/** Each returns the exit code. */
const COMMANDS: Record<string, { operands: number, run(call: Call): Promise<number> }> = {
  stats: {
    operands: 1,
    run: async ({ db }) => {
      console.log(JSON.stringify(await db.stats(), null, 2))
      return 0
    }
  },
  verify: {
    operands: 1,
    run: async ({ db, signal, bar }) => {
      const findings = await bar.during(onProgress => db.verify({ signal, onProgress }))
      printFindings(findings)
      console.log(`${findings.length} findings`)
      return findings.length ? 1 : 0
    }
  },
  repair: {
    operands: 1,
    run: async ({ db, signal, bar }) => {
      const report = await bar.during(onProgress => db.repair({ signal, onProgress }))
      printReport(report)
      await bar.during(onProgress => indexBuilt(db, signal, (done, total) => onProgress({ step: 'building the index', done, total })))
      return report.lost.length ? 1 : 0
    }
  },
  backup: {
    operands: 2,
    run: async ({ db, target, signal, bar }) => {
      await bar.during(onProgress => db.backup(target, { signal, onProgress }))
      console.log(`copied to ${target}`)
      return 0
    }
  },
  compact: {
    operands: 1,
    run: async ({ db, signal, bar }) => {
      const before = (await db.stats()).bytes
      await bar.during(onProgress => db.compact({ signal, onProgress }))
      const after = (await db.stats()).bytes
      console.log(`records ${before.records} to ${after.records} bytes, index ${before.index} to ${after.index} bytes`)
      return 0
    }
  }
}

function printFindings(findings: Finding[]): void {
  for (const { where, collection, message } of findings) console.log(`${where}${collection === undefined ? '' : ` of '${collection}'`}: ${message}`)
}

function printReport({ findings, actions, lost, kept }: RepairReport): void {
  if (!findings.length) console.log('nothing is wrong, nothing was done')
  for (const { message } of findings) console.log(`found: ${message}`)
  for (const action of actions) console.log(`did: ${action}`)
  for (const { collection, message } of lost) console.log(`lost${collection === undefined ? '' : ` in '${collection}'`}: ${message}`)
  if (findings.length) console.log(lost.length ? `${lost.length} things were lost; the damaged files are in ${kept}` : 'nothing was lost')
}

/** Resolves when the index is complete; an interruption is no harm, the next opening goes on. */
async function indexBuilt(db: VectorLevel, signal: AbortSignal, tell: (done: number, total: number) => void): Promise<void> {
  for (let total = 0; ;) {
    const left = (await db.stats()).collections.reduce((sum, { pending }) => sum + pending, 0)
    if (!left || signal.aborted) return
    total = Math.max(total, left)
    tell(total - left, total)
    await new Promise(resolve => setTimeout(resolve, 100))
  }
}

function isStore(directory: string): boolean {
  return existsSync(join(directory, 'STORE')) || (existsSync(directory) && readdirSync(directory).some(name => /^data-\d+$/.test(name)))
}

async function main(): Promise<number> {
  const { positionals, values } = parseArgs({ allowPositionals: true, options: { help: { type: 'boolean', default: false } } })
  const [name = '', directory = '', target = ''] = positionals
  if (values.help) {
    console.log(HELP)
    return 0
  }
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined
  if (positionals.length - 1 !== command?.operands) {
    console.error(HELP)
    return 2
  }
  if (!isStore(directory)) {
    console.error(`${directory} is not a store`)
    return 2
  }
  const interrupted = new AbortController()
  process.once('SIGINT', () => interrupted.abort())
  const db = new VectorLevel(directory)
  try {
    // A store that cannot be opened is what repair is for.
    if (name !== 'repair') await db.open()
    return await command.run({ db, target, signal: interrupted.signal, bar: new ProgressBar() })
  } finally {
    await db.close()
  }
}

main().then(code => {
  process.exitCode = code
}, (error: unknown) => {
  const { code, message } = error as { code?: string, message: string }
  console.error(code === undefined ? message : `${code}: ${message}`)
  if (code === 'VECTOR_CORRUPTION') console.error('make a copy of the directory if you can, then: npx vector-level repair DIRECTORY')
  process.exitCode = 2
})
