import { VectorLevelError } from '../floor/errors.js'

/** What is being read or copied of an open database, beside its writer: closing waits for that, and what takes long looks whether it should end. */
export class UnderWay {
  readonly #directory: string
  #count = 0
  #isClosing = false
  #ended: () => void = () => undefined

  constructor(directory: string) {
    this.#directory = directory
  }

  /** @throws {VectorLevelError} VECTOR_DATABASE_NOT_OPEN, when the database is being closed */
  check(): void {
    if (this.#isClosing) throw this.error()
  }

  error(): VectorLevelError {
    return new VectorLevelError('VECTOR_DATABASE_NOT_OPEN', `${this.#directory} is being closed`)
  }

  /**
   * Has closing wait for some work.
   *
   * @throws {VectorLevelError} VECTOR_DATABASE_NOT_OPEN, and what `work` throws
   */
  async run<T>(work: () => Promise<T>): Promise<T> {
    this.check()
    this.#count++
    try {
      return await work()
    } finally {
      this.#count--
      if (!this.#count) this.#ended()
    }
  }

  /** Lets nothing more begin; resolves when nothing is under way. */
  async close(): Promise<void> {
    this.#isClosing = true
    if (this.#count) await new Promise<void>(resolve => { this.#ended = resolve })
  }
}
