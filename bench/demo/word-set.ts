import { join } from 'node:path'
import { glove, wordCount, wordsOfGlove } from '../data/glove.js'
import { ensureDataset } from '../datasets.js'
import { places } from '../places.js'
import { generateWords, generatedCount } from './generated-words.js'

export interface Word {
  word: string
  vector: Float32Array
}

/** Words with vectors, and what the demo asks of them. */
export interface WordSet {
  title: string
  /** The folder of the store that holds them. */
  store: string
  dimensions: number
  count: number
  questions: readonly string[]
  /** @throws {DataUnavailableError} when the words cannot be had */
  prepare(): Promise<void>
  /** The words from number `from` on, always in the same order. */
  words(from: number): AsyncIterable<Word> | Iterable<Word>
}

export const englishWords: WordSet = {
  title: 'English words (GloVe vectors)',
  store: join(places.cache, 'demo-store'),
  dimensions: glove.dim,
  count: wordCount,
  questions: ['king', 'mathematics', 'violin', 'banana', 'king - man + woman', 'paris - france + japan'],
  prepare: () => ensureDataset(glove),
  words: wordsOfGlove
}

export const generatedWords: WordSet = {
  title: 'generated words',
  store: join(places.cache, 'demo-store-generated'),
  dimensions: 100,
  count: generatedCount,
  questions: ['fox', 'red-fox', 'tiny-owl', 'red-fox - red + blue', 'tiny-owl - owl + whale'],
  prepare: async () => {},
  words: (from) => generateWords(100).slice(from)
}
