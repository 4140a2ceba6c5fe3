import { VectorLevelError } from '../floor/errors.js'
import { whenAborted } from './when-aborted.js'

/** How a caller ends what was asked for. */
export interface DeadlineOptions {
  /** Ends it with VECTOR_ABORTED. */
  signal?: AbortSignal | undefined
  /** Milliseconds from the call on, after which it ends with VECTOR_ABORTED. */
  timeout?: number | undefined
}

export const DEADLINE_OPTIONS = ['signal', 'timeout']

/** Longer timers would end at once. */
export const LONGEST_TIMER_MS = 2 ** 31 - 1

/** When some work is to end before its end: when its caller says so, or its time is up. */
export class Deadline {
  readonly #what: string
  readonly #signal: AbortSignal | undefined
  readonly #timeout: number
  readonly #at: number

  /** `what` names the work in messages. */
  constructor(what: string, { signal, timeout = Infinity }: DeadlineOptions) {
    this.#what = what
    this.#signal = signal
    this.#timeout = timeout
    this.#at = performance.now() + timeout
  }

  get hasPassed(): boolean {
    return this.#signal?.aborted === true || performance.now() >= this.#at
  }

  /** @throws {VectorLevelError} VECTOR_ABORTED, when it has passed; the message says how far the work has come */
  check(progress?: string): void {
    if (this.hasPassed) throw this.error(progress)
  }

  error(progress?: string): VectorLevelError {
    const what = progress === undefined ? this.#what : `${this.#what}, ${progress},`
    if (this.#signal?.aborted) return new VectorLevelError('VECTOR_ABORTED', `${what} was aborted`, this.#signal.reason)
    return new VectorLevelError('VECTOR_ABORTED', `${what} was not done within ${this.#timeout} ms`)
  }

  /** What `work` gives; or VECTOR_ABORTED, when it passes before that, and `takeBack` says that nobody has to wait for the work any more. */
  async limit<T>(work: Promise<T>, takeBack: () => boolean): Promise<T> {
    if (!this.#signal && this.#at === Infinity) return await work
    return await new Promise((resolve, reject) => {
      const unwatch = this.#watch(() => { if (takeBack()) reject(this.error()) })
      work.finally(unwatch).then(resolve, reject)
    })
  }

  /** Calls `passed` once when it passes, at once when it has; returns what ends that. */
  #watch(passed: () => void): () => void {
    let timer: NodeJS.Timeout | undefined
    let unlisten: (() => void) | undefined
    const end = (): void => {
      clearTimeout(timer)
      unlisten?.()
    }
    const look = (): void => {
      if (this.hasPassed) {
        end()
        passed()
      } else if (this.#at < Infinity) {
        timer = setTimeout(look, Math.min(Math.ceil(this.#at - performance.now()), LONGEST_TIMER_MS))
      }
    }
    if (this.#signal && !this.hasPassed) unlisten = whenAborted(this.#signal, look)
    look()
    return end
  }
}

/** Where there is none. */
export const NEVER = new Deadline('nothing', {})

/** @throws {TypeError | RangeError} */
export function checkDeadline(what: string, { signal, timeout }: DeadlineOptions): Deadline {
  if (signal !== undefined && !(signal instanceof AbortSignal)) throw new TypeError(`signal is an AbortSignal, not ${String(signal)}`)
  if (timeout !== undefined && typeof timeout !== 'number') throw new TypeError(`timeout is a number of milliseconds, not ${String(timeout)}`)
  if (timeout !== undefined && !(timeout >= 0)) throw new RangeError(`timeout is 0 or more milliseconds, not ${timeout}`)
  if (signal === undefined && timeout === undefined) return NEVER
  return new Deadline(what, { signal, timeout })
}
