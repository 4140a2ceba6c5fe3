import { VectorLevelError } from '../floor/errors.js'
import type { Engine } from './engine.js'
import { checkNames } from './options.js'

/** How far long work has come. */
export interface Progress {
  /** What is being done, for people. */
  step: string
  done: number
  /** An estimate, at least `done`. */
  total: number
}

/** Options of work that walks through the whole store. */
export interface MaintenanceOptions {
  /** Ends the work with VECTOR_ABORTED; the store is as it was. */
  signal?: AbortSignal
  /** Called now and then. */
  onProgress?: (progress: Progress) => void
}

export function checkMaintenanceOptions(options: MaintenanceOptions): MaintenanceOptions {
  checkNames(options, ['signal', 'onProgress'])
  const { signal, onProgress } = options
  if (signal !== undefined && !(signal instanceof AbortSignal)) throw new TypeError(`signal is an AbortSignal, not ${String(signal)}`)
  if (onProgress !== undefined && typeof onProgress !== 'function') throw new TypeError(`onProgress is a function, not ${String(onProgress)}`)
  return options
}

/** @throws {VectorLevelError} VECTOR_ABORTED */
export function refuseWhenAborted(signal: AbortSignal | undefined, what: string): void {
  if (signal?.aborted) throw new VectorLevelError('VECTOR_ABORTED', `${what} was aborted`, signal.reason)
}

/**
 * IMPORTANT: LevelDB passes over what it cannot make sense of, and what is not copied is gone.
 *
 * @throws {VectorLevelError} VECTOR_CORRUPTION
 */
export async function refuseDamagedTables({ truth }: Engine): Promise<void> {
  for await (const finding of truth.findInTables()) {
    if (finding) throw new VectorLevelError('VECTOR_CORRUPTION', `${finding}; repair() saves what the others hold`)
  }
}
