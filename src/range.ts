import { VectorLevelError } from '../floor/errors.js'
import { userKey, userKeyEnd } from '../storage/keys.js'
import type { Range } from '../storage/truth.js'
import { checkNames } from './options.js'

/** Which keys, and in which order. Where both bounds of a side are given, the open one counts. */
export interface RangeOptions {
  gt?: string
  gte?: string
  lt?: string
  lte?: string
  reverse?: boolean
  limit?: number
}

const NAMES = ['gt', 'gte', 'lt', 'lte', 'reverse', 'limit']

/** @throws {TypeError} when an option is misspelt */
export function checkRange(range: RangeOptions): void {
  checkNames(range, NAMES)
}

/**
 * The range of stored keys for one of user keys.
 *
 * @throws {RangeError | VectorLevelError} VECTOR_INVALID_KEY
 */
export function storedRange(collection: number, range: RangeOptions): Range {
  const bound = (key: string): Buffer => {
    if (typeof key !== 'string') throw new VectorLevelError('VECTOR_INVALID_KEY', `the bound of a range is a string, not ${typeof key}`)
    return userKey(collection, Buffer.from(key))
  }
  const { gt, gte, lt, lte, reverse = false, limit = -1 } = range
  if (!Number.isInteger(limit) && limit !== Infinity) throw new RangeError(`limit is an integer, not ${limit}`)
  const lower = gt !== undefined ? { gt: bound(gt) } : { gte: gte !== undefined ? bound(gte) : userKey(collection, Buffer.alloc(0)) }
  const upper = lte !== undefined && lt === undefined ? { lte: bound(lte) } : { lt: lt !== undefined ? bound(lt) : userKeyEnd(collection) }
  return { ...lower, ...upper, reverse, limit: limit === Infinity ? -1 : limit }
}
