import { VectorLevelError } from '../floor/errors.js'

export interface DeadlineOptions {
  signal?: AbortSignal
  timeout?: number
}

/** When work is to end before its end: when its caller says so, or its time is up. */
export class Deadline {
  readonly #signal: AbortSignal | undefined
  readonly #at: number
  readonly #timeout: number | undefined

  constructor({ signal, timeout }: DeadlineOptions) {
    this.#signal = signal
    this.#timeout = timeout
    this.#at = timeout === undefined ? Infinity : performance.now() + timeout
  }

  /** Whether there is one. */
  get isSet(): boolean {
    return this.#signal !== undefined || this.#timeout !== undefined
  }

  get hasPassed(): boolean {
    return this.#signal?.aborted === true || performance.now() >= this.#at
  }

  /** @throws {VectorLevelError} VECTOR_ABORTED, when it has passed */
  check(what: string): void {
    if (this.hasPassed) throw this.error(what)
  }

  error(what: string): VectorLevelError {
    if (this.#signal?.aborted) return new VectorLevelError('VECTOR_ABORTED', `${what} was aborted`, this.#signal.reason)
    return new VectorLevelError('VECTOR_ABORTED', `${what} was not done within ${this.#timeout} ms`)
  }

  /** Calls `passed` once when it passes; returns what ends that. */
  watch(passed: () => void): () => void {
    const timer = this.#timeout === undefined ? undefined : setTimeout(passed, Math.min(Math.max(0, this.#at - performance.now()), LONGEST_TIMER_MS))
    this.#signal?.addEventListener('abort', passed, { once: true })
    if (this.#signal?.aborted) passed()
    return () => {
      clearTimeout(timer)
      this.#signal?.removeEventListener('abort', passed)
    }
  }
}

/** Longer ones would end at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1

/** @throws {TypeError | RangeError} */
export function checkDeadline({ signal, timeout }: DeadlineOptions): Deadline {
  if (signal !== undefined && !(signal instanceof AbortSignal)) throw new TypeError(`signal is an AbortSignal, not ${String(signal)}`)
  if (timeout !== undefined && typeof timeout !== 'number') throw new TypeError(`timeout is a number of milliseconds, not ${String(timeout)}`)
  if (timeout !== undefined && !(timeout >= 0)) throw new RangeError(`timeout is 0 or more milliseconds, not ${timeout}`)
  return new Deadline({ ...(signal && { signal }), ...(timeout !== undefined && { timeout }) })
}
