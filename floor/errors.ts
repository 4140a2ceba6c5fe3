/** What a caller may want to handle; codes are stable, messages are not. */
export type ErrorCode =
  | 'VECTOR_DATABASE_NOT_OPEN'
  | 'VECTOR_LOCKED'
  | 'VECTOR_CORRUPTION'
  | 'VECTOR_FORMAT_UNSUPPORTED'
  | 'VECTOR_OPTIONS_MISMATCH'
  | 'VECTOR_IO_ERROR'
  | 'VECTOR_POISONED'
  | 'VECTOR_INVALID_KEY'
  | 'VECTOR_INVALID_VECTOR'
  | 'VECTOR_NOT_TRAINED'
  | 'VECTOR_FULL'
  | 'VECTOR_ABORTED'
  | 'VECTOR_BUSY'

export class VectorLevelError extends Error {
  readonly code: ErrorCode

  constructor(code: ErrorCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.name = 'VectorLevelError'
    this.code = code
  }
}

/** What `read` returns, undefined when it meets damage: for callers that go on without the damaged thing. */
export function unlessDamaged<T>(read: () => T): T | undefined {
  try {
    return read()
  } catch (error) {
    if (error instanceof VectorLevelError && error.code === 'VECTOR_CORRUPTION') return undefined
    throw error
  }
}
