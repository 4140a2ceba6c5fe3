import { Progress } from '../progress.js'
import { filesOf, type Dataset } from './dataset.js'
import { writeRows } from './fbin-file.js'
import { SynthProcess } from './synth-process.js'

/** Generated vectors that lie in clusters; base and queries are draws from one process. */
function synthetic(dim: number, seed: number, baseCount = 100_000, name = `synth-${dim}`): Dataset {
  const [queryCount, files] = [1_000, filesOf(name)]
  return {
    name,
    title: `Synthetic embeddings, ${dim} dimensions`,
    metric: 'cosine',
    dim,
    baseCount,
    queryCount,
    files,

    async make(): Promise<void> {
      const process = new SynthProcess(dim, seed)
      const progress = new Progress(`Generating ${name}`, baseCount + queryCount, 'vectors')
      let drawn = 0
      const draw = (_row: number, out: Float32Array, at: number): void => {
        process.draw(out, at)
        if (++drawn % 100 === 0) progress.update(drawn)
      }
      await writeRows(files.base, { count: baseCount, dim }, draw)
      await writeRows(files.query, { count: queryCount, dim }, draw)
      progress.stop()
    }
  }
}

/** With the dimensions of a large embedding model, and with those of a small one. */
export const synth = synthetic(1536, 20240607)
export const smallSynth = synthetic(128, 20240608)
/** More than a small cache holds. */
export const largeSynth = synthetic(128, 20240609, 1_000_000, 'synth-128-large')
