export interface Term {
  word: string
  sign: 1 | -1
}

/**
 * Reads `king - man + woman` into its terms; `king` alone is one term.
 *
 * NOTE: the signs stand between spaces, because words like `well-known` hold them too.
 *
 * @throws {SyntaxError} when a sign has no word after it
 */
export function parseExpression(text: string): Term[] {
  const terms: Term[] = []
  let sign: Term['sign'] | undefined
  for (const token of text.trim().toLowerCase().split(/\s+/)) {
    if (token === '+' || token === '-') {
      if (sign !== undefined) throw new SyntaxError(`a word is missing before "${token}"`)
      sign = token === '+' ? 1 : -1
    } else {
      terms.push({ word: token, sign: sign ?? 1 })
      sign = undefined
    }
  }
  if (sign !== undefined) throw new SyntaxError('a word is missing at the end')
  return terms
}

/** Adds up the terms' vectors, each brought to length 1 first, so that no word outweighs the others. */
export function sumOfTerms(terms: readonly Term[], vectors: readonly Float32Array[]): Float32Array {
  const sum = new Float32Array(vectors[0].length)
  terms.forEach(({ sign }, t) => {
    const scale = sign / Math.hypot(...vectors[t])
    for (let i = 0; i < sum.length; i++) sum[i] += scale * vectors[t][i]
  })
  return sum
}
