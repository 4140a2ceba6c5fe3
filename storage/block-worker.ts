import { parentPort, workerData } from 'node:worker_threads'
import type { ErrorCode, VectorLevelError } from '../floor/errors.js'
import { BlockStore, TransactionAborted } from './block-store.js'

/** The thread that writes checkpoints: it takes blocks from the kernel's memory itself, so that the calling thread copies nothing. */

export interface WriteRequest {
  /** u32[count] each: where the blocks stand, and their bytes; f64[count]: their keys. */
  frames: Uint32Array
  byteLengths: Uint32Array
  places: Float64Array
  /** f64[]: keys of blocks to be removed. */
  removed: Float64Array
  meta: Map<string, Uint8Array>
}

export type WriteReply = { type: 'copied' } | { type: 'written' } | { type: 'aborted', message: string } | { type: 'failed', code: ErrorCode, message: string }

const { directory, memory } = workerData as { directory: string, memory: SharedArrayBuffer }
const bytes = new Uint8Array(memory)
const port = parentPort!
const store = new BlockStore(directory)

function reply(message: WriteReply): void {
  port.postMessage(message)
}

port.on('message', (request: WriteRequest | 'close') => {
  if (request === 'close') {
    void store.close().then(() => port.close())
    return
  }
  try {
    store.write(blocks(request), new Map([...request.meta].map(([name, value]) => [name, Buffer.from(value)])), request.removed)
    reply({ type: 'written' })
  } catch (error) {
    const { code, message } = error as VectorLevelError
    reply(error instanceof TransactionAborted ? { type: 'aborted', message } : { type: 'failed', code: code ?? 'VECTOR_IO_ERROR', message })
  }
})

function* blocks({ frames, byteLengths, places }: WriteRequest): Generator<{ place: number, bytes: Uint8Array }> {
  for (let i = 0; i < frames.length; i++) {
    yield { place: places[i]!, bytes: bytes.subarray(frames[i]!, frames[i]! + byteLengths[i]!) }
  }
  // LMDB has its copies now: the frames may change again while it syncs.
  reply({ type: 'copied' })
}
