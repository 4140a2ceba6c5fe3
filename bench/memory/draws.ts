import { Random } from '../../floor/random.js'

/** Which query comes when: the same on every run. */
export type Draw = () => number

export function uniformDraws(count: number, seed: number): Draw {
  const random = new Random(seed)
  return () => random.below(count)
}

/** By Zipf's law with exponent 1: the second most frequent comes half as often as the first; which is which is shuffled. */
export function zipfDraws(count: number, seed: number): Draw {
  const random = new Random(seed)
  const order = Array.from({ length: count }, (_, i) => i)
  for (let i = count - 1; i > 0; i--) {
    const j = random.below(i + 1)
    ;[order[i], order[j]] = [order[j], order[i]]
  }
  const sums: number[] = []
  for (let rank = 1, sum = 0; rank <= count; rank++) sums.push(sum += 1 / rank)
  return () => {
    const at = random.next() * sums[count - 1]
    let [low, high] = [0, count - 1]
    while (low < high) {
      const middle = (low + high) >> 1
      if (sums[middle] < at) low = middle + 1
      else high = middle
    }
    return order[low]
  }
}
