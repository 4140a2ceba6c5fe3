import { Packr } from 'msgpackr'
import type { Metric } from '../codecs/codec.js'
import { VectorLevelError } from '../floor/errors.js'

const MOST_KEY_BYTES = 1024
/** Squared lengths up to this leave room for the square of a distance in a float: a quarter of the largest one. */
const MOST_SQUARED_LENGTH = 8.5e37

const packr = new Packr({ useRecords: false, useBigIntExtension: true, moreTypes: true })
const NOTHING = new Uint8Array(0)

/** @throws {VectorLevelError} VECTOR_INVALID_KEY */
export function encodeKey(key: string): Buffer {
  if (typeof key !== 'string') throw new VectorLevelError('VECTOR_INVALID_KEY', `a key is a string, not ${key === null ? 'null' : typeof key}`)
  if (key.length === 0) throw new VectorLevelError('VECTOR_INVALID_KEY', 'a key has at least 1 byte, this one is empty')
  const bytes = Buffer.from(key)
  if (bytes.length > MOST_KEY_BYTES) {
    throw new VectorLevelError('VECTOR_INVALID_KEY', `a key has at most ${MOST_KEY_BYTES} bytes of UTF-8, this one has ${bytes.length}`)
  }
  // Halves of surrogate pairs all become U+FFFD, and different keys the same. ASCII has none, and a byte a character.
  if (bytes.length > key.length && bytes.includes('\ufffd') && bytes.toString() !== key) {
    throw new VectorLevelError('VECTOR_INVALID_KEY', `the key ${JSON.stringify(key)} has half a surrogate pair`)
  }
  return bytes
}

/**
 * Checks a vector, and copies it into `to` where that is given, so that its owner may go on with it.
 *
 * @throws {VectorLevelError} VECTOR_INVALID_VECTOR for wrong dimensions, what is not finite as f32, or too much length
 */
export function checkVector(vector: Float32Array | number[], dimensions: number, to?: Float32Array): Float32Array {
  const isFloats = vector instanceof Float32Array
  if (!isFloats && !Array.isArray(vector)) {
    throw new VectorLevelError('VECTOR_INVALID_VECTOR', `a vector is a Float32Array or an array of numbers, not ${Object.prototype.toString.call(vector)}`)
  }
  if (vector.length !== dimensions) {
    throw new VectorLevelError('VECTOR_INVALID_VECTOR', `the vector has ${vector.length} dimensions, the collection ${dimensions}`)
  }
  if (!isFloats) {
    const at = vector.findIndex(value => typeof value !== 'number')
    if (at >= 0) throw new VectorLevelError('VECTOR_INVALID_VECTOR', `component ${at} of the vector is not a number, but ${typeof vector[at]} ${String(vector[at])}`)
  }
  to?.set(vector)
  const floats = to ?? (isFloats ? vector : Float32Array.from(vector))
  let squared = 0
  for (let i = 0; i < dimensions; i++) squared += floats[i]! * floats[i]!
  if (!(squared <= MOST_SQUARED_LENGTH)) refuse(vector, floats, squared)
  return floats
}

/** @throws {VectorLevelError} VECTOR_INVALID_VECTOR for a vector without direction under cosine */
export function checkDirection(vector: Float32Array, metric: Metric): void {
  if (metric === 'cosine' && vector.every(value => value === 0)) {
    throw new VectorLevelError('VECTOR_INVALID_VECTOR', `a vector of ${vector.length} zeros has no direction, which metric 'cosine' compares`)
  }
}

function refuse(vector: ArrayLike<number>, floats: Float32Array, squared: number): never {
  const at = floats.findIndex(value => !Number.isFinite(value))
  throw new VectorLevelError('VECTOR_INVALID_VECTOR', at >= 0
    ? `component ${at} of the vector is ${vector[at]}, not a finite 32-bit float`
    : `the vector has the squared length ${squared}, at most ${MOST_SQUARED_LENGTH} can be measured in 32-bit floats`)
}

/** @throws {TypeError} for what msgpack does not carry */
export function encodeMetadata(metadata: unknown): Uint8Array {
  if (metadata === undefined) return NOTHING
  try {
    refuseFunctions(metadata)
    return Uint8Array.from(packr.pack(metadata))
  } catch (error) {
    throw new TypeError(`the metadata cannot be written as msgpack: ${(error as Error).message}`, { cause: error })
  }
}

/** msgpack leaves functions out without a word. */
function refuseFunctions(value: unknown): void {
  if (typeof value === 'function' || typeof value === 'symbol') throw new TypeError(`it holds a ${typeof value}`)
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return
  for (const part of Array.isArray(value) ? value : Object.values(value)) refuseFunctions(part)
}

export function decodeMetadata(bytes: Uint8Array): unknown {
  return bytes.length ? packr.unpack(bytes) : undefined
}
