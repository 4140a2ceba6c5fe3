import { workerData } from 'node:worker_threads'
import type { BlockKernel } from './block-format.js'
import { BlockStore } from './block-store.js'
import { READ, ReadingBoard, REFUSED } from './reading-board.js'

/** A thread that reads blocks for the calling one (block-readers.ts). */

/** How long it looks for items before it sleeps. */
const LOOKS_MS = 0.2

export interface ReaderData {
  directory: string
  memory: WebAssembly.Memory
  storeTag: bigint
  /** The module that has `loadKernel`, and which build of it. */
  kernel: { module: string, build: string }
  board: SharedArrayBuffer
}

interface KernelModule {
  loadKernel(build: string, memory: WebAssembly.Memory, callbacks: { fault(): void, loadRecords(): void }): BlockKernel
}

const { directory, memory, storeTag, kernel: { module, build }, board: buffer } = workerData as ReaderData
const board = new ReadingBoard(buffer)
const bytes = new Uint8Array(memory.buffer)
const nothing = (): void => undefined
const kernel = (await import(module) as KernelModule).loadKernel(build, memory, { fault: nothing, loadRecords: nothing })
const store = new BlockStore(directory)
let version = board.version
/** That it has, -1 when it has none. */
let item = -1

// The calling thread waits for the item, and could not see that this one ended.
process.on('exit', () => {
  if (item >= 0) board.finish(item, REFUSED)
})

function read(): typeof READ | typeof REFUSED {
  try {
    if (version !== board.version) {
      version = board.version
      store.refresh()
    }
    const [place, frame, byteLength] = [board.places[item]!, board.frames[item]!, board.byteLength]
    return store.read(place, bytes, frame, byteLength) && kernel.isSealed(frame, byteLength, place, storeTag) ? READ : REFUSED
  } catch {
    // The calling thread tries it again, and says what is wrong.
    return REFUSED
  }
}

/** Looks for items, and sleeps when none has come for a while. */
function serve(): void {
  for (let since = performance.now(); performance.now() - since < LOOKS_MS;) {
    item = board.take()
    if (item < 0) continue
    const outcome = read()
    board.finish(item, outcome)
    item = -1
    since = performance.now()
  }
  // Pages that were replaced meanwhile are free as soon as nobody reads them.
  store.refresh()
  board.sleep()
  if (board.ends) void store.close()
  else setImmediate(serve)
}

board.wake()
if (board.ends) await store.close()
else serve()
