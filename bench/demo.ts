import { relative } from 'node:path'
import { createInterface } from 'node:readline/promises'
import { VectorLevel } from '../src/index.js'
import { DataUnavailableError } from './data/npm-tarball.js'
import { answer, type Words } from './demo/answer.js'
import { load } from './demo/load.js'
import { storeLines } from './demo/store-lines.js'
import { englishWords, generatedWords, type WordSet } from './demo/word-set.js'
import { stage } from './progress.js'

/** Puts words and their vectors into a store on disk, and searches them: near words have near meanings. */
async function demo(set: WordSet): Promise<void> {
  const started = performance.now()
  const db = new VectorLevel(set.store)
  const words: Words = db.collection('words', { dimensions: set.dimensions, metric: 'cosine' })
  try {
    const first = set.questions[0]
    if (await words.has(first)) await answer(words, first)
    const firstAnswerMs = performance.now() - started

    const { count } = await words.stats()
    if (count === set.count) {
      const reopened = `Reopened ${count.toLocaleString('en-US')} ${set.title}`
      console.log(`${reopened}; the first answer took ${firstAnswerMs.toFixed(0)} ms from opening.`)
    } else {
      await set.prepare()
      console.log(`${count === 0 ? 'Loading' : 'Going on to load'} ${set.title} into ${relative('', set.store)}`)
      const complete = await load(words, set, count)
      if (!complete) return console.log('Interrupted; run the demo again, and it goes on from here.')
      // From here on, opening the store has nothing to replay.
      await db.checkpoint()
    }

    console.log('\nNearest words, with their cosine distance:')
    for (const question of set.questions) console.log(`  ${question.padEnd(24)} ${await answer(words, question)}`)

    await report(db, words)
    if (process.stdin.isTTY && process.stdout.isTTY) await converse(words, set)
  } finally {
    await db.close()
  }
}

async function report(db: VectorLevel, words: Words): Promise<void> {
  console.log('\nThe store:')
  for (const line of await storeLines(db, words)) console.log(`  ${line}`)
  const ef = 64
  console.log()
  const { recall, queries } = await stage('Measuring recall against exact search', () =>
    words.measureRecall({ sample: 100, k: 10, ef })
  )
  console.log(`  recall@10 is ${recall.toFixed(3)} at ef ${ef}, over ${queries} queries`)
}

async function converse(words: Words, set: WordSet): Promise<void> {
  console.log(`\nType a word, or an expression such as "${set.questions.at(-1)}"; "quit" ends.`)
  const terminal = createInterface({ input: process.stdin, output: process.stdout, prompt: '> ' })
  terminal.on('SIGINT', () => terminal.close())
  terminal.prompt()
  for await (const line of terminal) {
    const question = line.trim()
    if (question === 'quit' || question === 'exit') break
    if (question !== '') console.log(`  ${await answer(words, question).catch((error: Error) => error.message)}`)
    terminal.prompt()
  }
  terminal.close()
}

try {
  await demo(englishWords)
} catch (error) {
  if (!(error instanceof DataUnavailableError)) throw error
  console.log(`${error.message}. Is there a network?\nGoing on with a small generated set; a later run tries again.\n`)
  await demo(generatedWords)
}
