import { VectorLevelError } from '../floor/errors.js'
import { checkDeadline, type Deadline, DEADLINE_OPTIONS, type DeadlineOptions } from './deadline.js'
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

/** Options of work that walks through the whole store, which is as it was when that is ended early. */
export interface MaintenanceOptions extends DeadlineOptions {
  /** Called now and then. */
  onProgress?: (progress: Progress) => void
}

/** The same for who does it. */
export interface Maintenance {
  readonly deadline: Deadline
  onProgress(progress: Progress): void
}

/** `what` names the work in messages. @throws {TypeError | RangeError} */
export function checkMaintenanceOptions(what: string, options: MaintenanceOptions): Maintenance {
  checkNames(options, [...DEADLINE_OPTIONS, 'onProgress'])
  const { onProgress = () => undefined } = options
  if (typeof onProgress !== 'function') throw new TypeError(`onProgress is a function, not ${String(onProgress)}`)
  return { deadline: checkDeadline(what, options), onProgress }
}

/**
 * IMPORTANT: LevelDB passes over what it cannot make sense of, and what is not copied is gone.
 *
 * @throws {VectorLevelError} VECTOR_CORRUPTION, VECTOR_ABORTED, VECTOR_DATABASE_NOT_OPEN
 */
export async function refuseDamagedTables({ truth, underWay }: Engine, { deadline }: Maintenance): Promise<void> {
  for await (const finding of truth.findInTables()) {
    if (finding) throw new VectorLevelError('VECTOR_CORRUPTION', `${finding}; repair() saves what the others hold`)
    underWay.check()
    deadline.check()
  }
}
