import { dirname } from 'node:path'
import { Packr } from 'msgpackr'
import * as assert from 'uvu/assert'
import { BlockStore } from '../../storage/block-store.js'
import { BLOCK_HEADER } from '../../storage/kernel/layout.js'
import { PAGE_SLACK } from '../../storage/space.js'
import { dataFileOf } from './store.js'

const FRAMES = [4096, 8192, 16384, 32768, 65536]
const SEAL_BYTES = 8
const packr = new Packr({ structuredClone: true, useRecords: false, useBigIntExtension: true })

async function withBlocks<T>(location: string, use: (blocks: BlockStore) => T): Promise<T> {
  const blocks = new BlockStore(dirname(dataFileOf(location)))
  try {
    return use(blocks)
  } finally {
    await blocks.close()
  }
}

function read(blocks: BlockStore): Map<number, string> {
  const content = new Map<number, string>()
  for (const place of blocks.places()) {
    const bytes = FRAMES.map(length => Buffer.alloc(length - PAGE_SLACK)).find(bytes => blocks.read(place, bytes))
    assert.ok(bytes, `block ${place} has another length`)
    content.set(place, bytes.toString('latin1'))
  }
  return content
}

/** All blocks of a closed store's index. */
export async function blocksOf(location: string): Promise<Map<number, string>> {
  return await withBlocks(location, read)
}

/** The rows of all blocks of a closed store's index, and what else it knows of its graphs: two stores that were written the same have the same. */
export async function graphsOf(location: string): Promise<{ rows: Map<number, string>, graphs: unknown[] }> {
  return await withBlocks(location, blocks => {
    const rows = new Map([...read(blocks)].map(([place, bytes]) => [place, bytes.slice(BLOCK_HEADER)]))
    const { graphs } = packr.unpack(blocks.readMeta('checkpoint')!.subarray(SEAL_BYTES)) as { graphs: unknown[] }
    return { rows, graphs }
  })
}
