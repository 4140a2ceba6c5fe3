import type { CodecChoice } from '../codecs/codec.js'
import type { OpenCollection } from './engine.js'

/** What a put writes. */
export interface NewContent {
  vector: Float32Array
  metadata: Uint8Array
}

/** Of a key. */
export interface KeyOperation {
  collection: OpenCollection
  key: Buffer
  put?: NewContent
  /** What replaces the metadata of a record. Without this and a put, the key is deleted. */
  metadata?: Uint8Array
}

/** Of a collection: its codes are to be made by another codec; or they are all there. */
export type CodecOperation = { collection: OpenCollection, recode: CodecChoice } | { collection: OpenCollection, recoded: true }

export type WriteOperation = KeyOperation | CodecOperation
