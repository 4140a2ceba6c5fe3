import type { IndexTask, Searcher } from '../macro/engine.js'

/** One library that changes an index in place; its module exports it as `mutable`. */
export interface MutableEngine<V = unknown, R = unknown> {
  /** See `Engine`. */
  prepare?(vector: Float32Array): V
  /** By which calls the library deletes and updates. */
  readonly note: string
  /** Begins an empty index, which never holds more than `task.count` vectors. */
  create(task: MutableTask): Promise<MutableIndex<V, R>>
}

export interface MutableTask extends IndexTask {
  /** Of all searches. */
  ef: number
}

/** An index whose keys are numbers; `ordinalsOf` gives the keys of a result. */
export interface MutableIndex<V = unknown, R = unknown> extends Searcher<V, R> {
  insert(keys: readonly number[], vectors: readonly V[]): Promise<void> | void
  /** Gives keys that are there other vectors. */
  update(keys: readonly number[], vectors: readonly V[]): Promise<void> | void
  delete(keys: readonly number[]): Promise<void> | void
  /** Does what must be done before searches are as fast and good as they will be; counted with what went before. */
  settle(): Promise<void> | void
  /** Writes all to its folder, where a library holds its index in memory, so that its bytes can be counted. */
  save?(): Promise<void> | void
  state?(): Promise<IndexState>
  /** Gives back space; absent when the library has no such call. */
  compact?(): Promise<void>
}

/** What only ours says of itself. */
export interface IndexState {
  /** Bytes of records with their keys and log, of the index, and of its pages that hold nothing. */
  records: number
  index: number
  free: number
  tombstones?: number
  /** Live vectors that cannot be reached from the entry point. */
  unreachable?: number
}
