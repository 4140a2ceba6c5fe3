/** A search or program that came to no end on the threads: what it ran into is the cause. */
export class ThreadFailure extends Error {
  constructor(message: string, cause?: unknown) {
    super(message, { cause })
    this.name = 'ThreadFailure'
  }
}
