export interface Hit<M> {
  key: string
  distance: number
  metadata: M
}

/** Results of a search, nearest first. */
export interface Hits<M> extends Array<Hit<M>> {
  /** Whether every record was compared, so that these are the nearest without a doubt; by their codes, where these are all that is kept. */
  readonly exact: boolean
  /** Whether the search was ended early, by its timeout or signal, with what it had found. */
  readonly partial: boolean
  /** Whether distances are those of codes, because nothing else of the vectors is stored. */
  readonly approximate: boolean
}

/** How a search came by its results. */
type Manner = Pick<Hits<never>, 'exact' | 'partial' | 'approximate'>

/** Where nothing is to be found, and where a search was ended before it began. */
export const NOTHING: Manner = { exact: true, partial: false, approximate: false }
export const NOTHING_YET: Manner = { exact: false, partial: true, approximate: false }

/** Results that say how they were found; as an array they are no more than the hits. */
export function hitsOf<M>(hits: Hit<M>[], { exact, partial, approximate }: Manner): Hits<M> {
  return Object.defineProperties(hits, { exact: { value: exact }, partial: { value: partial }, approximate: { value: approximate } }) as Hits<M>
}
