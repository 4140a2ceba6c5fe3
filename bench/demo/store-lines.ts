import type { VectorLevel } from '../../src/index.js'
import type { Words } from './answer.js'

/** What the store says of itself, a line each. */
export async function storeLines(db: VectorLevel, words: Words): Promise<string[]> {
  const { bytes, cacheSize, cache, sequence, watermark } = await db.stats()
  const { count, dimensions, metric, codec, levels, unlinked, bytesPerVector } = await words.stats()
  return [
    `words    ${whole(count)} of ${dimensions} dimensions, ${metric}, codec ${codec}`,
    `graph    ${levels} upper levels, ${whole(unlinked)} words not linked yet`,
    `vector   ${bytesPerVector.code} bytes of code and ${bytesPerVector.neighbors} of neighbors each, in the index`,
    `on disk  ${megabytes(bytes.records)} of records and ${megabytes(bytes.index)} of index`,
    `cache    ${megabytes(cacheSize)} at most; ${whole(cache.resident)} blocks and records in it, ${whole(cache.misses)} misses`,
    `log      ${whole(sequence)} operations, ${whole(sequence - watermark)} to replay after a crash`
  ]
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(0)} MB`
}

function whole(value: number): string {
  return value.toLocaleString('en-US')
}
