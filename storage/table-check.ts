import { readFileSync } from 'node:fs'
import { readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { tablesIn } from './manifest-format.js'
import { findInTable } from './table-format.js'

/** A table that was not written to for so long is complete. */
const SETTLED_MS = 5000
const TABLES = 'TABLES'

/**
 * Looks for damage in the tables of a LevelDB directory, which may be open: yields a sentence for each, and undefined for each sound block.
 *
 * LevelDB itself does not look at these checksums when it reads, and passes over what it cannot make sense of.
 *
 * Cost: reads all files; a few microseconds a block, and a table at a time in memory.
 */
export async function * findInTables(directory: string): AsyncGenerator<string | undefined> {
  for (const name of (await readdir(directory)).sort()) {
    if (!isTable(name)) continue
    for (let settled = false; ; settled = true) {
      const path = join(directory, name)
      const bytes = await readFile(path).catch(ignoreMissing)
      if (!bytes) break
      const findings: string[] = []
      for (const finding of findInTable(bytes)) {
        if (finding === undefined) yield undefined
        else findings.push(finding)
      }
      if (findings.length && !settled && await mayBeUnfinished(path)) continue
      // What a compaction left that failed, as on a full disk, is removed at the next opening.
      const counted = findings.length ? countedTables(directory) : undefined
      if (counted?.has(parseInt(name)) === false) break
      for (const finding of findings) yield `table ${name} ${finding}`
      break
    }
  }
}

/** Waits until a file has not been written to for a while; false when it has not been anyway, or is gone. */
async function mayBeUnfinished(path: string): Promise<boolean> {
  let waited = false
  for (;;) {
    const stats = await stat(path).catch(ignoreMissing)
    const left = stats ? stats.mtimeMs + SETTLED_MS - Date.now() : 0
    if (left <= 0) return waited || !stats
    waited = true
    await delay(Math.min(left, SETTLED_MS))
  }
}

/** A compaction removes tables at any time. */
function ignoreMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error
}

function isTable(name: string): boolean {
  return name.endsWith('.ldb') || name.endsWith('.sst')
}

/**
 * Looks for damage in the tables that count and are not as they were noted last, in a directory that is not open.
 *
 * LevelDB ends the process on some damage, so this is to be asked before it. What changes on a disk without the system's knowing is not noticed.
 *
 * Cost: by what was written or copied since they were noted, not by what there is.
 */
export async function findInNewTables(directory: string): Promise<string | undefined> {
  const noted = readNoted(directory)
  const counted = countedTables(directory)
  for (const name of (await readdir(directory)).sort()) {
    const expected = isTable(name) ? counted?.get(parseInt(name)) : undefined
    if (expected === undefined || noted[name] === await stateOf(join(directory, name))) continue
    const bytes = await readFile(join(directory, name))
    if (bytes.length !== expected) return `table ${name} has ${bytes.length} bytes, not ${expected}`
    for (const finding of findInTable(bytes)) if (finding) return `table ${name} ${finding}`
  }
  return undefined
}

/** The tables of a directory that is not open in which something is damaged, and whether one of them counts. */
export async function damagedTables(directory: string): Promise<{ names: string[], count: boolean }> {
  const counted = countedTables(directory)
  const names: string[] = []
  let count = false
  for (const name of (await readdir(directory)).sort()) {
    if (!isTable(name)) continue
    const bytes = await readFile(join(directory, name))
    const expected = counted?.get(parseInt(name))
    if (bytes.length === (expected ?? bytes.length) && [...findInTable(bytes)].every(finding => finding === undefined)) continue
    names.push(name)
    count ||= !counted || expected !== undefined
  }
  return { names, count }
}

/** The numbers and lengths of the tables that count; others were being written, or are to be removed. undefined when that is not to be known. */
function countedTables(directory: string): Map<number, number> | undefined {
  try {
    return tablesIn(readFileSync(join(directory, readFileSync(join(directory, 'CURRENT'), 'latin1').trim())))
  } catch {
    return undefined
  }
}

/** Notes the tables as they are, beside their directory: sound ones, just found so or just written. Not durably: what is not noted is looked at. */
export async function noteTables(directory: string): Promise<void> {
  const noted: Record<string, string> = {}
  for (const name of await readdir(directory)) {
    const state = isTable(name) ? await stateOf(join(directory, name)) : undefined
    if (state) noted[name] = state
  }
  await writeFile(join(dirname(directory), TABLES), JSON.stringify(noted))
}

function readNoted(directory: string): Record<string, unknown> {
  try {
    return Object(JSON.parse(readFileSync(join(dirname(directory), TABLES), 'utf8'))) as Record<string, unknown>
  } catch {
    return {}
  }
}

/** Size and time of the last change, undefined when it is gone. */
async function stateOf(path: string): Promise<string | undefined> {
  const stats = await stat(path, { bigint: true }).catch(ignoreMissing)
  return stats && `${stats.size} ${stats.mtimeNs}`
}
