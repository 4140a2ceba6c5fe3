import { Worker } from 'node:worker_threads'
import { Bells, MOST_WORKERS } from './bells.js'
import { ThreadFailure } from './failure.js'
import type { Attachment, Mail, Message, WorkerData } from './worker.js'

const WATCH_MS = 1000
/** How long a worker may take to let go of a database. */
const DETACH_MS = 3000
/** Pause before a worker that ended early is replaced: doubled each time, up to the most. */
const FIRST_PAUSE_MS = 10
const MOST_PAUSE_MS = 10_000
/** A worker that lived so long ended for a reason of its own. */
const LONG_LIFE_MS = 10_000

/** A database that the pool works for. */
export interface Served {
  readonly workers: number
  /** What worker `index` must know; called whenever one begins. */
  attachment(id: number, index: number): Attachment
  /** A worker asks for attention. */
  tend(): void
  /** Called every second. */
  watch(): void
  /** A worker began to serve, or it no longer does; the latter may be told more than once. */
  joined(index: number): void
  lost(index: number, error: Error): void
}

/** A worker's place, which keeps its number: the next worker there begins when the last one has ended. */
class Post {
  worker: Worker | undefined
  isEnding = false
  since = 0
  pause = FIRST_PAUSE_MS
  timer: NodeJS.Timeout | undefined
  /** By the id of a database: called when the worker has let go of it. */
  readonly detached = new Map<number, () => void>()

  letGo(): void {
    for (const resolve of this.detached.values()) resolve()
  }
}

/** The threads of this process, which all open databases share: as many as the one that wants the most. */
export class Pool {
  readonly bells = new Bells()
  readonly #posts = Array.from({ length: MOST_WORKERS }, () => new Post())
  readonly #served = new Map<number, Served>()
  #nextId = 1
  #holds = 0
  #watch: NodeJS.Timeout | undefined

  attach(served: Served): number {
    const id = this.#nextId++
    this.#served.set(id, served)
    this.#watch ??= setInterval(() => {
      for (const each of this.#served.values()) each.watch()
    }, WATCH_MS).unref()
    for (const [index, { worker }] of this.#posts.entries()) if (worker && index < served.workers) this.#send(index, served.attachment(id, index))
    this.#fill()
    return id
  }

  /** Resolves when no worker has the memory of the database any more. */
  async detach(id: number): Promise<void> {
    const served = this.#served.get(id)!
    this.#served.delete(id)
    this.hold()
    await Promise.all(this.#posts.slice(0, served.workers).map((_, index) => this.#dismiss(id, index)))
    await this.#shrink()
    this.release()
    if (this.#served.size || this.#holds) return
    clearInterval(this.#watch)
    this.#watch = undefined
  }

  /** Keeps the process alive until as many releases. */
  hold(): void {
    if (this.#holds++ === 0) this.#watch?.ref()
  }

  release(): void {
    if (--this.#holds === 0) this.#watch?.unref()
  }

  /** Ends a worker that does not answer; it is replaced. */
  end(index: number): void {
    void this.#posts[index]?.worker?.terminate()
  }

  #start(index: number): void {
    const post = this.#posts[index]!
    post.timer = undefined
    let worker: Worker
    let reason: Error | undefined
    try {
      const workerData: WorkerData = { index, bells: this.bells.buffer }
      worker = new Worker(new URL('./worker.js', import.meta.url), { workerData, name: 'vector-level worker', execArgv: [] })
    } catch (error) {
      this.#startLater(index)
      this.#tellLost(index, error as Error)
      return
    }
    post.worker = worker
    post.since = Date.now()
    worker.on('message', (message: Message) => this.#hear(post, index, message))
    worker.on('error', error => { reason = error })
    worker.on('exit', code => {
      if (post.worker !== worker) return
      post.worker = undefined
      this.#startLater(index)
      this.#tellLost(index, new ThreadFailure(`a worker thread ended: ${reason ? reason.message : `code ${code}`}`, reason))
      post.letGo()
    })
    worker.unref()
    for (const [id, served] of this.#served) if (index < served.workers) this.#send(index, served.attachment(id, index))
  }

  #startLater(index: number): void {
    const post = this.#posts[index]!
    if (Date.now() - post.since > LONG_LIFE_MS) post.pause = FIRST_PAUSE_MS
    post.timer = setTimeout(() => this.#start(index), post.pause).unref()
    post.pause = Math.min(2 * post.pause, MOST_PAUSE_MS)
  }

  #tellLost(index: number, error: Error): void {
    for (const served of this.#served.values()) if (index < served.workers) served.lost(index, error)
  }

  #send(index: number, mail: Mail): void {
    this.#posts[index]!.worker!.postMessage(mail)
    this.bells.announce(index)
  }

  #hear(post: Post, index: number, message: Message): void {
    if (typeof message === 'number') this.#served.get(message)?.tend()
    else if (message.type === 'attached') this.#served.get(message.id)?.joined(index)
    else if (message.type === 'detached') post.detached.get(message.id)?.()
    else this.#served.get(message.id)?.lost(index, new ThreadFailure(`a worker thread cannot serve: ${message.message}`))
  }

  async #dismiss(id: number, index: number): Promise<void> {
    const { worker, detached } = this.#posts[index]!
    if (!worker) return
    const answered = new Promise<void>(resolve => detached.set(id, resolve))
    const late = setTimeout(() => { void worker.terminate() }, DETACH_MS)
    this.#send(index, { type: 'detach', id })
    await answered
    clearTimeout(late)
    detached.delete(id)
  }

  get #needed(): number {
    return Math.max(0, ...[...this.#served.values()].map(({ workers }) => workers))
  }

  /** Starts the threads that are missing, but for those that wait to be replaced. */
  #fill(): void {
    for (const [index, { worker, timer, isEnding }] of this.#posts.slice(0, this.#needed).entries()) {
      if (!worker && !timer && !isEnding) this.#start(index)
    }
  }

  /** Ends the threads that no database needs any more. */
  async #shrink(): Promise<void> {
    await Promise.all(this.#posts.slice(this.#needed).map(async post => {
      clearTimeout(post.timer)
      post.timer = undefined
      post.pause = FIRST_PAUSE_MS
      const { worker } = post
      if (!worker) return
      post.worker = undefined
      post.isEnding = true
      await worker.terminate()
      post.isEnding = false
      post.letGo()
    }))
    this.#fill()
  }
}

export const pool = new Pool()
