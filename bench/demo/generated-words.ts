import { Random } from '../data/random.js'
import type { Word } from './word-set.js'

const adjectives = (
  'red blue green black white golden silver tiny huge old young wild tame quiet loud swift slow brave shy clever ' +
  'hungry sleepy happy sad strange gentle fierce lucky cold warm'
).split(' ')

const animals = (
  'fox owl whale bear wolf deer hare mouse cat dog horse goat sheep crow swan eagle hawk dove duck goose frog toad ' +
  'newt snake turtle shark trout salmon crab squid seal otter beaver badger mole bat bee wasp ant moth spider snail ' +
  'camel llama zebra giraffe lion tiger panther monkey'
).split(' ')

export const generatedCount = adjectives.length + animals.length + adjectives.length * animals.length

/**
 * Makes words whose vectors add up as those of a language do: `red-fox` lies near `red` + `fox`, so that
 * `red-fox - red + blue` is answered by `blue-fox`.
 */
export function generateWords(dim: number): Word[] {
  const random = new Random(1)
  const draw = (length: number): Float32Array =>
    Float32Array.from({ length: dim }, () => (length * random.gauss()) / Math.sqrt(dim))
  const parts = new Map([...adjectives, ...animals].map((word) => [word, draw(1)]))
  const words = Array.from(parts, ([word, vector]) => ({ word, vector }))
  for (const adjective of adjectives) {
    for (const animal of animals) {
      const [a, b, noise] = [parts.get(adjective)!, parts.get(animal)!, draw(0.4)]
      words.push({ word: `${adjective}-${animal}`, vector: noise.map((x, i) => x + a[i] + b[i]) })
    }
  }
  return words
}
