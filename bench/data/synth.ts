import { Progress } from '../progress.js'
import { filesOf, type Dataset } from './dataset.js'
import { writeRows } from './fbin-file.js'
import { SynthProcess } from './synth-process.js'

/** Generated vectors with the dimensions of a large embedding model; base and queries are draws from one process. */
export const synth = {
  name: 'synth-1536',
  title: 'Synthetic embeddings, 1536 dimensions',
  metric: 'cosine',
  dim: 1536,
  baseCount: 100_000,
  queryCount: 1_000,
  files: filesOf('synth-1536'),

  async make(): Promise<void> {
    const { dim, baseCount, queryCount, files } = synth
    const process = new SynthProcess(dim, 20240607)
    const progress = new Progress('Generating synth-1536', baseCount + queryCount, 'vectors')
    let drawn = 0
    const draw = (_row: number, out: Float32Array, at: number): void => {
      process.draw(out, at)
      if (++drawn % 100 === 0) progress.update(drawn)
    }
    await writeRows(files.base, { count: baseCount, dim }, draw)
    await writeRows(files.query, { count: queryCount, dim }, draw)
    progress.stop()
  }
} satisfies Dataset
