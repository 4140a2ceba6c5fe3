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

export class VectorLevelError extends Error {
  readonly code: ErrorCode

  constructor(code: ErrorCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.name = 'VectorLevelError'
    this.code = code
  }
}
