import { VectorLevelError } from '../floor/errors.js'
import type { Deadline } from './deadline.js'
import type { WriteOperation } from './write-operation.js'

/** Operations and bytes that one commit takes in, unless a single batch has more. */
const GROUP_OPERATIONS = 4096
const GROUP_BYTES = 16 << 20
/** What an operation takes in memory besides what it writes. */
const OPERATION_BYTES = 256

/** Operations that are to be committed, all or none. */
export interface WriteRequest {
  readonly operations: WriteOperation[]
  /** Takes how many of them had an effect. */
  resolve(effects: number): void
  reject(error: unknown): void
}

interface Waiting extends WriteRequest {
  readonly byteLength: number
}

/** The writes that wait for being committed, in the order of the calls. Each can be taken back as long as it waits. */
export class WriteQueue {
  readonly #mostBytes: number
  readonly #waiting = new Set<Waiting>()
  #byteLength = 0

  constructor(mostBytes: number) {
    this.#mostBytes = mostBytes
  }

  get count(): number {
    return this.#waiting.size
  }

  /**
   * Resolves to how many of the operations had an effect.
   *
   * @throws {VectorLevelError} VECTOR_ABORTED when the deadline passes while they wait, VECTOR_BUSY when too much waits already, and why they failed
   */
  async add(operations: WriteOperation[], deadline: Deadline): Promise<number> {
    deadline.check()
    const byteLength = operations.reduce((bytes, operation) => bytes + byteLengthOf(operation), 0)
    this.#refuseBeyond(byteLength)
    let request: Waiting
    const written = new Promise<number>((resolve, reject) => {
      request = { operations, byteLength, resolve, reject }
      this.#waiting.add(request)
      this.#byteLength += byteLength
    })
    return await deadline.limit(written, () => this.#remove(request))
  }

  /** Takes out what one commit takes in. */
  takeGroup(): WriteRequest[] {
    const group: WriteRequest[] = []
    let operations = 0
    let bytes = 0
    for (const request of this.#waiting) {
      operations += request.operations.length
      bytes += request.byteLength
      if (group.length && (operations > GROUP_OPERATIONS || bytes > GROUP_BYTES)) break
      this.#remove(request)
      group.push(request)
    }
    return group
  }

  rejectAll(error: unknown): void {
    for (const request of this.#waiting) {
      this.#remove(request)
      request.reject(error)
    }
  }

  /** Says whether it was there. */
  #remove(request: Waiting): boolean {
    if (!this.#waiting.delete(request)) return false
    this.#byteLength -= request.byteLength
    return true
  }

  #refuseBeyond(byteLength: number): void {
    if (!this.#waiting.size || this.#byteLength + byteLength <= this.#mostBytes) return
    throw new VectorLevelError('VECTOR_BUSY',
      `${this.#waiting.size} writes of ${this.#byteLength} bytes wait, another of ${byteLength} would be more than the ${this.#mostBytes} of queueSize`)
  }
}

function byteLengthOf(operation: WriteOperation): number {
  if (!('key' in operation)) return OPERATION_BYTES
  const { collection, key, put, metadata } = operation
  const bytes = OPERATION_BYTES + key.byteLength
  if (put) return bytes + put.vector.byteLength + put.metadata.byteLength
  // With the vector of the record that is written anew.
  return metadata ? bytes + collection.options.dimensions * Float32Array.BYTES_PER_ELEMENT + metadata.byteLength : bytes
}
