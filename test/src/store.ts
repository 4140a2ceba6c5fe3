import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import * as assert from 'uvu/assert'
import { type Collection, type CollectionOptions, type ErrorCode, VectorLevel, VectorLevelError, type VectorLevelOptions } from '../../src/index.js'

/** The least cache, so that many databases stand side by side. */
export const SMALL: VectorLevelOptions = { cacheSize: 8 * 2 ** 20 }
export const PLANE: CollectionOptions = { dimensions: 2, metric: 'l2' }

/** A new directory, removed afterwards. */
export async function withDirectory(use: (directory: string) => Promise<void> | void): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'vector-level-'))
  try {
    await use(directory)
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

/** A database of its own; sound at the end, when it is still open then. */
export async function withStore(use: (db: VectorLevel, location: string) => Promise<void>, options: VectorLevelOptions = {}): Promise<void> {
  await withDirectory(async directory => {
    const location = join(directory, 'store')
    await opened(location, db => use(db, location), options)
  })
}

/** Opens a store that may exist, and closes it; sound at the end, when it is still open then. */
export async function opened(location: string, use: (db: VectorLevel) => Promise<void>, options: VectorLevelOptions = {}): Promise<void> {
  const db = new VectorLevel(location, { ...SMALL, ...options })
  try {
    await use(db)
    if (db.status === 'open') await sound(db)
  } finally {
    await db.close()
  }
}

/** verify() finds nothing. */
export async function sound(db: VectorLevel): Promise<void> {
  await linked(db)
  assert.equal(await db.verify(), [])
}

/** Waits until all that can be in a graph is, and what was removed is on its way out of it. */
export async function linked(db: VectorLevel): Promise<void> {
  while ((await db.stats()).collections.some(({ pending }) => pending)) await delay(2)
}

/** What a killed process leaves: the files of an open store as they are now, without the locks. */
export function copyOfOpenStore(location: string, copy: string): void {
  for (;;) {
    rmSync(copy, { recursive: true, force: true })
    const before = stateOf(location)
    try {
      cpSync(location, copy, { recursive: true, filter: source => !/(LOCK|lock\.mdb)$/.test(source) })
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    }
    // LevelDB compacts in a thread of its own: what changed while it was copied was never there at one moment.
    if (stateOf(location) === before) return
  }
}

function stateOf(location: string): string {
  return JSON.stringify(readdirSync(location, { recursive: true, encoding: 'utf8' }).sort().map(name => {
    const stats = statSync(join(location, name), { throwIfNoEntry: false })
    return [name, stats?.size, stats?.mtimeMs]
  }))
}

/** The current data of a store; the first, when it does not say which. */
export function dataOf(location: string): string {
  const identity = existsSync(join(location, 'STORE')) ? JSON.parse(readFileSync(join(location, 'STORE'), 'utf8')) as { data: number } : { data: 1 }
  return join(location, `data-${identity.data}`)
}

/** The data file of the current index. */
export function dataFileOf(location: string): string {
  return join(dataOf(location), `index-${readFileSync(join(dataOf(location), 'INDEX'), 'utf8').trim()}`, 'data.mdb')
}

/** Every file below a directory with its content, but for what opening and refusing alone may touch. */
export function contentOf(directory: string): Map<string, string> {
  const content = new Map<string, string>()
  for (const entry of readdirSync(directory, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath ?? entry.path, entry.name)
    if (entry.isFile() && !/LOCK$|LOG(\.old)?$|lock\.mdb$/.test(entry.name)) content.set(path, readFileSync(path, 'latin1'))
  }
  return content
}

/** Changes a file in place. */
export function rewrite(path: string, change: (bytes: Buffer) => Buffer | string): void {
  writeFileSync(path, change(readFileSync(path)))
}

type Expected = ErrorCode | (new (message: string) => Error)

/** The promise is rejected with the code or the class, and a message that says all of `parts`. */
export async function rejects(promise: Promise<unknown>, expected: Expected, ...parts: (string | number)[]): Promise<Error> {
  let error: unknown
  try {
    await promise
  } catch (thrown) {
    error = thrown
  }
  return checkError(error, expected, parts)
}

/** As rejects, for what throws at once. */
export function throws(run: () => unknown, expected: Expected, ...parts: (string | number)[]): Error {
  let error: unknown
  try {
    run()
  } catch (thrown) {
    error = thrown
  }
  return checkError(error, expected, parts)
}

function checkError(error: unknown, expected: Expected, parts: (string | number)[]): Error {
  assert.ok(error instanceof Error, `expected ${typeof expected === 'string' ? expected : expected.name}, and nothing was thrown`)
  const found = error instanceof VectorLevelError ? error.code : error.name
  assert.is(found, typeof expected === 'string' ? expected : expected.name, `${found}: ${error.message}\n${error.stack}`)
  for (const part of parts) assert.ok(error.message.includes(String(part)), `'${error.message}' does not say '${part}'`)
  return error
}

/** An operation on a database that could not be opened says so, and why. */
export async function rejectsUnopened(promise: Promise<unknown>, code: ErrorCode): Promise<void> {
  const error = await rejects(promise, 'VECTOR_DATABASE_NOT_OPEN')
  checkError(error.cause, code, [])
}

/** What the promise gives; an error when it is not settled in time. A promise that never settles would end the process in silence. */
export async function inTime<T>(promise: Promise<T>, milliseconds = 5000): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not settled after ${milliseconds} ms`)), milliseconds)
  })
  return await Promise.race([promise, late]).finally(() => clearTimeout(timer))
}

/** The same promise, of which nobody complains when it is rejected before it is waited for. */
export function asked<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => undefined)
  return promise
}

/** All keys of a collection, in order. */
export async function keysOf(collection: Collection): Promise<string[]> {
  const keys: string[] = []
  for await (const key of collection.keys()) keys.push(key)
  return keys
}
