import type { Collection } from '../../src/index.js'
import { parseExpression, sumOfTerms } from './expression.js'

export type Words = Collection<undefined>

const answerCount = 6

/** Answers a word with its neighbors, an expression with the words nearest to what it adds up to; as one line. */
export async function answer(words: Words, question: string): Promise<string> {
  const terms = parseExpression(question)
  const asked = terms.map((term) => term.word)
  const records = await words.getMany(asked)
  const unknown = asked.find((_, i) => records[i] === undefined)
  if (unknown !== undefined) return `"${unknown}" is not in the store${await suggestions(words, unknown)}`

  const vector = sumOfTerms(terms, records.map((record) => record!.vector))
  const hits = await words.search(vector, { k: answerCount + asked.length })
  return hits
    .filter((hit) => !asked.includes(hit.key))
    .slice(0, answerCount)
    .map((hit) => `${hit.key} ${hit.distance.toFixed(2)}`)
    .join('   ')
}

/** Keys are ordered, so the words that begin alike are one range. */
async function suggestions(words: Words, word: string): Promise<string> {
  const start = word.slice(0, 4)
  const alike: string[] = []
  for await (const key of words.keys({ gte: start, lt: `${start}\u{10ffff}`, limit: 5 })) alike.push(key)
  return alike.length > 0 ? `; it has ${alike.join(', ')}` : ''
}
