import { join } from 'node:path'
import { places } from '../places.js'

export type Metric = 'cosine' | 'l2'

/** A data set that benches run on: what it looks like, and how its files are made. */
export interface Dataset {
  readonly name: string
  readonly title: string
  readonly metric: Metric
  readonly dim: number
  readonly baseCount: number
  readonly queryCount: number
  readonly files: DatasetFiles
  /** Writes all `files`; called when one of them is missing. */
  make(): Promise<void>
}

export interface DatasetFiles {
  readonly base: string
  readonly query: string
  /** What a data set has besides, such as the words that its vectors stand for. */
  readonly [other: string]: string
}

export function filesOf(name: string): DatasetFiles {
  return { base: join(places.cache, `${name}.base.fbin`), query: join(places.cache, `${name}.query.fbin`) }
}
