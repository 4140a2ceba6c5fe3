import { closeSync, existsSync, fsyncSync, openSync, readFileSync, renameSync, rmSync, writeFileSync, writeSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { randomUUID } from 'node:crypto'
import { VectorLevelError } from '../floor/errors.js'
import { syncDirectory } from './sync.js'

/** Of all that a store holds, but for its index: nothing else is read. */
export const FORMAT = 2
const STORE = 'STORE'
const INDEX = 'INDEX'
const OPENING = 'OPENING'

export interface StoreIdentity {
  uuid: string
  format: number
  created: string
  /** Which of the numbered directories holds the data. */
  data: number
}

/** What the system says of a file, as an error of ours. */
function onFile<T>(path: string, work: () => T): T {
  try {
    return work()
  } catch (error) {
    if (error instanceof VectorLevelError) throw error
    throw new VectorLevelError('VECTOR_IO_ERROR', `cannot use ${path}: ${(error as Error).message}`, error)
  }
}

/** Replaces a small file as a whole, durably. */
function writeWhole(path: string, text: string): void {
  onFile(path, () => {
    const temporary = `${path}.tmp`
    const file = openSync(temporary, 'w')
    try {
      writeSync(file, text)
      fsyncSync(file)
    } finally {
      closeSync(file)
    }
    renameSync(temporary, path)
    syncDirectory(dirname(path))
  })
}

/**
 * The identity of the store in a directory, undefined when there is none.
 *
 * @throws {VectorLevelError} VECTOR_CORRUPTION when the file is not ours, VECTOR_FORMAT_UNSUPPORTED when it is of another version
 */
export function readIdentity(directory: string): StoreIdentity | undefined {
  const path = join(directory, STORE)
  if (!existsSync(path)) return undefined
  const text = onFile(path, () => readFileSync(path, 'utf8'))
  let identity: StoreIdentity
  try {
    identity = JSON.parse(text) as StoreIdentity
  } catch (error) {
    throw new VectorLevelError('VECTOR_CORRUPTION', `${path} is not the identity of a store`, error)
  }
  if (typeof identity?.uuid !== 'string' || !/^[0-9a-f-]{36}$/.test(identity.uuid) || !Number.isInteger(identity.format)) {
    throw new VectorLevelError('VECTOR_CORRUPTION', `${path} is not the identity of a store`)
  }
  if (identity.format !== FORMAT) {
    throw new VectorLevelError('VECTOR_FORMAT_UNSUPPORTED', `${directory} has format ${identity.format}, this version reads format ${FORMAT}`)
  }
  if (!Number.isSafeInteger(identity.data) || identity.data < 1) throw new VectorLevelError('VECTOR_CORRUPTION', `${path} does not say where the data are`)
  return identity
}

/**
 * IMPORTANT: the last step of creating a store, and of changing over to other data: without this file, what else stands in the directory
 * is no store yet, and data that it does not name are none.
 */
export function writeIdentity(directory: string, identity: StoreIdentity): void {
  writeWhole(join(directory, STORE), `${JSON.stringify(identity)}\n`)
}

export function newIdentity(): StoreIdentity {
  return { uuid: randomUUID(), format: FORMAT, created: new Date().toISOString(), data: 1 }
}

/** Eight bytes that stand for a store in what belongs to it. */
export function storeTag({ uuid }: Pick<StoreIdentity, 'uuid'>): bigint {
  return BigInt(`0x${uuid.replaceAll('-', '').slice(0, 16)}`)
}

/** What holds records and index; compaction and repair write the next one. */
export function dataDirectory(directory: string, data: number): string {
  return join(directory, `data-${data}`)
}

/** The number of the current index generation; 0 when it is not to be known. */
export function readGeneration(data: string): number {
  const path = join(data, INDEX)
  if (!existsSync(path)) return 0
  const text = onFile(path, () => readFileSync(path, 'utf8')).trim()
  return /^[1-9][0-9]{0,14}$/.test(text) ? Number(text) : 0
}

export function writeGeneration(data: string, generation: number): void {
  writeWhole(join(data, INDEX), `${generation}\n`)
}

/** The next opening builds the index anew. */
export function forgetGeneration(data: string): void {
  rmSync(join(data, INDEX), { force: true })
}

/**
 * The marker stands while LMDB opens an existing generation: found at a start, the last start did not survive that.
 *
 * It tells of a process that died, not of a power cut, so it need not be durable.
 */
export function setOpeningMarker(data: string): void {
  const path = join(data, OPENING)
  onFile(path, () => writeFileSync(path, ''))
}

export function hasOpeningMarker(data: string): boolean {
  return existsSync(join(data, OPENING))
}

/** IMPORTANT: durably, or a power cut long after brings the marker back, and a sound index is built anew. */
export function clearOpeningMarker(data: string): void {
  const path = join(data, OPENING)
  onFile(path, () => {
    rmSync(path, { force: true })
    syncDirectory(data)
  })
}

export function truthDirectory(data: string): string {
  return join(data, 'truth')
}

export function generationDirectory(data: string, generation: number): string {
  return join(data, `index-${generation}`)
}
