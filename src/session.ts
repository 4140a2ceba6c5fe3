import type { Engine } from './engine.js'
import type { Writer } from './writer.js'

/** An open database, as its collections and tools see it. */
export interface Session {
  readonly engine: Engine
  readonly writer: Writer
  /** Gives the directory back. */
  release(): void
}
