#!/usr/bin/env node
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { VectorLevel } from './vector-level.js'

const HELP = `vector-level COMMAND DIRECTORY

  stats DIRECTORY            what the store holds, and what it takes
  verify DIRECTORY           walks through everything; ends with code 1 when something is wrong
  backup DIRECTORY TARGET    copies the store into a new directory
  compact DIRECTORY          gives the space of what was replaced or deleted back

No other process may have the store open.`

const ARGUMENTS: Record<string, number> = { stats: 1, verify: 1, backup: 2, compact: 1 }

async function run(command: string, db: VectorLevel, target: string | undefined): Promise<number> {
  switch (command) {
    case 'stats':
      console.log(JSON.stringify(await db.stats(), null, 2))
      return 0
    case 'verify': {
      const findings = await db.verify()
      for (const { where, collection, message } of findings) console.log(`${where}${collection === undefined ? '' : ` of '${collection}'`}: ${message}`)
      console.log(`${findings.length} findings`)
      return findings.length ? 1 : 0
    }
    case 'backup':
      await db.backup(target!)
      console.log(`copied to ${target}`)
      return 0
    default: {
      const before = (await db.stats()).bytes
      await db.compact()
      const after = (await db.stats()).bytes
      console.log(`records ${before.records} to ${after.records} bytes, index ${before.index} to ${after.index} bytes`)
      return 0
    }
  }
}

async function main(): Promise<number> {
  const { positionals, values } = parseArgs({ allowPositionals: true, options: { help: { type: 'boolean', default: false } } })
  const [command = '', directory = '', target] = positionals
  if (values.help) {
    console.log(HELP)
    return 0
  }
  if (positionals.length - 1 !== ARGUMENTS[command]) {
    console.error(HELP)
    return 2
  }
  if (!existsSync(join(directory, 'STORE'))) {
    console.error(`${directory} is not a store`)
    return 2
  }
  const db = new VectorLevel(directory)
  await db.open()
  try {
    return await run(command, db, target)
  } finally {
    await db.close()
  }
}

main().then(code => {
  process.exitCode = code
}, (error: unknown) => {
  const { code, message } = error as { code?: string, message: string }
  console.error(code === undefined ? message : `${code}: ${message}`)
  process.exitCode = 2
})
