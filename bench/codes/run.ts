import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { askOnce } from '../macro/child.js'
import { prepareInOwnProcess } from '../macro/prepare.js'
import type { DatasetPart, Options } from '../options.js'
import { places } from '../places.js'
import type { CodesRow, Variant } from './figures.js'
import { wholeCache, type CodesWorkload, type Replies, type Request } from './workload.js'

const prepareScript = new URL('../macro/prepare-process.js', import.meta.url)
const workloadScript = new URL('./workload.js', import.meta.url)
const k = 10
const M = 16
const efConstruction = 200
const efs = [16, 32, 64, 128, 256, 512, 1024]
/** The smallest cache that a database takes. */
const leastCache = 8 * 2 ** 20
/** Codes of this many bits a component are a 32nd of the vector. */
const thirtySecond = 8

/** Builds a store of each codec, and searches it with everything in memory, and with a cache of a tenth of the sq8 index. */
export async function runCodes(options: Options, onRows: (rows: CodesRow[]) => Promise<void>): Promise<void> {
  for (const part of options.codesDatasets) {
    const { dataset, count } = part
    console.log(`\n${dataset.title}: ${count.toLocaleString('en-US')} vectors, by their codes`)
    if (!(await prepareInOwnProcess(prepareScript, dataset.name, count))) {
      process.exitCode = 1
      continue
    }
    const rows: CodesRow[] = []
    let tenth: number | undefined
    for (const variant of variantsOf(dataset.dim)) {
      const row = await runVariant(part, variant, options.runs, tenth)
      if (!row) continue
      rows.push(row)
      if (variant.codec === 'sq8' && !variant.store) tenth = Math.max(leastCache, Math.round(row.indexBytes / 10))
    }
    await onRows(rows)
  }
}

function variantsOf(dim: number): Variant[] {
  const codeBytes = Math.floor(dim / thirtySecond)
  // The first tells how large a tenth of its index is.
  return [{ codec: 'sq8' }, { codec: 'f32' }, { codec: 'pq', codeBytes }, { codec: 'pq', codeBytes: 2 * codeBytes }, { codec: 'pq8', codeBytes }, { codec: 'sq8', store: 'codes' },
    { codec: 'pq', codeBytes, store: 'codes' }]
}

async function runVariant({ dataset, count }: DatasetPart, variant: Variant, runs: number, tenth: number | undefined): Promise<CodesRow | undefined> {
  const directory = join(places.cache, 'bench', `codes-${dataset.name}`)
  const workload: CodesWorkload = { ...variant, dataset: dataset.name, count, M, efConstruction, k, directory }
  const name = `${variant.codec}${variant.codeBytes === undefined ? '' : `, ${variant.codeBytes} bytes`}${variant.store ? ', codes alone' : ''}`
  console.log(`  ${name} ...`)
  try {
    const loaded = await ask({ type: 'load', workload })
    const caches = [wholeCache, ...(variant.codec === 'f32' || variant.codec === 'pq8' || variant.store ? [] : [tenth ?? Math.max(leastCache, Math.round(loaded.indexBytes / 10))])]
    const sweeps = []
    for (const cacheBytes of caches) sweeps.push(await ask({ type: 'sweep', workload, cacheBytes, efs, runs }))
    const { dim, metric, name: dataset_ } = dataset
    return { ...variant, dataset: dataset_, count, dim, metric, M, efConstruction, k, ...loaded, sweeps }
  } catch (error) {
    process.exitCode = 1
    console.error(`  ${name}: ${(error as Error).message}`)
    return undefined
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}

const ask = <T extends Request['type']>(request: Request & { type: T }): Promise<Replies[T]> => askOnce<Request, Replies, T>(workloadScript, request)
