import type { SearchWork } from '../index/explanation.js'

export interface Hit<M> {
  key: string
  distance: number
  metadata: M
}

/** What a search took, when `explain` asked for that. Times are in microseconds; together they are `total`. */
export interface Explanation extends SearchWork {
  /** Until a thread began, until the calling thread heard of the end, and what else comes between. */
  waiting: number
  /** Keys and metadata. */
  records: number
  total: number
}

/** Results of a search, nearest first. */
export interface Hits<M> extends Array<Hit<M>> {
  /** Whether every record was compared, so that these are the nearest without a doubt; by their codes, where these are all that is kept. */
  readonly exact: boolean
  /** Whether the search was ended early, by its timeout or signal, with what it had found. */
  readonly partial: boolean
  /** Whether distances are those of codes, because nothing else of the vectors is stored. */
  readonly approximate: boolean
  /** What it took, where `explain` asked for that. */
  readonly explanation?: Explanation
}

/** How a search came by its results. */
type Manner = Pick<Hits<never>, 'exact' | 'partial' | 'approximate' | 'explanation'>

/** Where nothing is to be found, and where a search was ended before it began. */
export const NOTHING: Manner = { exact: true, partial: false, approximate: false }
export const NOTHING_YET: Manner = { exact: false, partial: true, approximate: false }

/** How other results were found. */
export function mannerOf({ exact, partial, approximate, explanation }: Manner): Manner {
  return { exact, partial, approximate, ...(explanation && { explanation }) }
}

/** Results that say how they were found; as an array they are no more than the hits. */
export function hitsOf<M>(hits: Hit<M>[], { exact, partial, approximate, explanation }: Manner): Hits<M> {
  if (explanation) Object.defineProperty(hits, 'explanation', { value: explanation })
  return Object.defineProperties(hits, { exact: { value: exact }, partial: { value: partial }, approximate: { value: approximate } }) as Hits<M>
}
