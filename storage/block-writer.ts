import { Worker } from 'node:worker_threads'
import { VectorLevelError } from '../floor/errors.js'
import type { Arena } from './arena.js'
import { type BlockStore, TransactionAborted } from './block-store.js'
import { checkRoom } from './room.js'
import type { WriteReply, WriteRequest } from './block-worker.js'

/** Up to this many blocks are written on the calling thread, in a few milliseconds: starting a thread takes longer. */
const INLINE = 200

/** A block as it stands in kernel memory, sealed. */
export interface StandingBlock {
  frame: number
  byteLength: number
  place: number
}

export interface Writing {
  /** Resolves when the frames may change again. */
  copied: Promise<void>
  /** Resolves when all is on stable storage; rejects when nothing of it is. */
  written: Promise<void>
}

/** Writes and removes blocks, and writes metadata, of a generation in one transaction, large ones on a thread of its own. */
export class BlockWriter {
  readonly #arena: Arena
  readonly #store: BlockStore
  readonly #directory: string
  #worker: Worker | undefined
  /** Called with replies, and with what ended the thread. */
  #listener: ((reply: WriteReply) => void) | undefined

  constructor(arena: Arena, store: BlockStore, directory: string) {
    this.#arena = arena
    this.#store = store
    this.#directory = directory
  }

  /** `removed` are the places of blocks that are to go. */
  write(blocks: StandingBlock[], meta: Map<string, Buffer>, removed: number[] = []): Writing {
    try {
      checkRoom(this.#directory, blocks.reduce((bytes, { byteLength }) => bytes + byteLength, 0))
    } catch (error) {
      return failed(error)
    }
    const worker = blocks.length + removed.length > INLINE && this.#thread()
    return worker ? this.#writeInThread(worker, blocks, meta, removed) : this.#writeInline(blocks, meta, removed)
  }

  async close(): Promise<void> {
    const worker = this.#worker
    if (!worker) return
    this.#worker = undefined
    const ended = new Promise(resolve => worker.once('exit', resolve))
    worker.ref()
    worker.postMessage('close')
    await ended
  }

  #writeInline(blocks: StandingBlock[], meta: Map<string, Buffer>, removed: number[]): Writing {
    try {
      this.#store.write(blocks.map(({ frame, byteLength, place }) => ({ place, bytes: this.#arena.bytes.subarray(frame, frame + byteLength) })), meta, removed)
      return { copied: Promise.resolve(), written: Promise.resolve() }
    } catch (error) {
      return failed(error)
    }
  }

  #writeInThread(worker: Worker, blocks: StandingBlock[], meta: Map<string, Buffer>, removed: number[]): Writing {
    const request: WriteRequest = {
      frames: Uint32Array.from(blocks, block => block.frame),
      byteLengths: Uint32Array.from(blocks, block => block.byteLength),
      places: Float64Array.from(blocks, block => block.place),
      removed: Float64Array.from(removed),
      meta
    }
    let release: () => void
    const copied = new Promise<void>(resolve => { release = resolve })
    const written = new Promise<void>((resolve, reject) => {
      // The process stays alive until the transaction has ended.
      worker.ref()
      this.#listener = reply => {
        release()
        if (reply.type === 'copied') return
        this.#listener = undefined
        worker.unref()
        if (reply.type !== 'written') {
          reject(reply.type === 'aborted' ? new TransactionAborted(reply.message) : new VectorLevelError(reply.code, reply.message))
          return
        }
        this.#store.refresh()
        resolve()
      }
    })
    written.catch(() => undefined)
    worker.postMessage(request)
    return { copied, written }
  }

  /** The thread, undefined where none can be started. */
  #thread(): Worker | undefined {
    try {
      return this.#worker ??= this.#start()
    } catch {
      return undefined
    }
  }

  #start(): Worker {
    const worker = new Worker(new URL('./block-worker.js', import.meta.url), {
      workerData: { directory: this.#directory, memory: this.#arena.bytes.buffer }, name: 'vector-level checkpoint', execArgv: []
    })
    worker.unref()
    const ended = (message: string): void => {
      // A thread that ended before was replaced: its end is nothing to the present request.
      if (this.#worker !== worker) return
      this.#worker = undefined
      this.#listener?.({ type: 'failed', code: 'VECTOR_IO_ERROR', message })
    }
    worker.on('message', (reply: WriteReply) => this.#listener?.(reply))
    worker.on('error', error => ended(`the thread that writes checkpoints failed: ${error.message}`))
    worker.on('exit', code => ended(`the thread that writes checkpoints ended with code ${code}`))
    return worker
  }
}

/** Nothing was written. */
function failed(error: unknown): Writing {
  const written = Promise.reject(error as Error)
  written.catch(() => undefined)
  return { copied: Promise.resolve(), written }
}
