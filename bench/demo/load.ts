import { Progress } from '../progress.js'
import type { Words } from './answer.js'
import type { WordSet } from './word-set.js'

const batchCount = 1_000

/**
 * Puts the words that the store lacks, `batchCount` at a time.
 *
 * Each batch is atomic and the order is fixed, so what an interrupted run left is the first `loaded` words, and this
 * run goes on from there. Ctrl-C ends the loading after the batch at hand.
 *
 * @returns whether all words are in the store now
 */
export async function load(words: Words, set: WordSet, loaded: number): Promise<boolean> {
  let interrupted = false
  const interrupt = (): void => void (interrupted = true)
  process.once('SIGINT', interrupt)
  const progress = new Progress('Loading', set.count, 'vectors', loaded)
  const from = loaded

  let batch: Parameters<Words['batch']>[0] = []
  const flush = async (): Promise<void> => {
    await words.batch(batch)
    loaded += batch.length
    batch = []
    progress.update(loaded)
  }
  let seconds: number
  try {
    for await (const { word, vector } of set.words(from)) {
      batch.push({ type: 'put', key: word, vector })
      if (batch.length === batchCount) await flush()
      if (interrupted) break
    }
    if (!interrupted && batch.length > 0) await flush()
  } finally {
    process.off('SIGINT', interrupt)
    seconds = progress.stop()
  }
  const count = (loaded - from).toLocaleString('en-US')
  const rate = Math.round((loaded - from) / seconds).toLocaleString('en-US')
  console.log(`${count} vectors in ${seconds.toFixed(1)} s, ${rate} a second, each batch on disk before the next.`)
  return !interrupted
}
