import { setTimeout as pause } from 'node:timers/promises'
import * as assert from 'uvu/assert'
import { type Step, Threads, type ThreadsOptions } from '../../../index/threads/threads.js'
import { Arena } from '../../../storage/arena.js'
import {
  FAULTS, GRAPH_WORDS, ITEMS, JOB_WORDS, loadKernel, MICROSECONDS, MODE, OFFENCES, onCallingThread, PARKED, PREVIOUS, PREVIOUS_COUNT, RUNS,
  RUNS_AT_HOME,
  SEARCHERS, STOPPED, VICTIM, HOLDERS, MUTATORS
} from './stand-in.js'

onCallingThread()

export interface Job {
  microseconds?: number
  faults?: number
  mode?: number
}

export interface Act extends Job {
  count: number
  mutates: boolean
  /** The item that the mode is for. */
  victim?: number
}

/** A database with the stand-in for its kernel: one graph, searches and programs over it, and what became of them. */
export class Stage {
  readonly arena = new Arena(4 * 2 ** 20)
  readonly words = new Int32Array(this.arena.memory.buffer)
  readonly threads: Threads
  readonly graph = this.arena.allocate(GRAPH_WORDS * 4)
  readonly losses: string[] = []
  /** Called for each fault. */
  onFault: () => void = () => undefined
  faults = 0
  #reading = 0

  constructor(workers: number, options: Partial<ThreadsOptions> = {}) {
    this.threads = new Threads({
      arena: this.arena,
      build: 'simd',
      workers,
      serve: {
        fault: () => {
          this.faults++
          this.onFault()
        },
        loadRecords: () => undefined
      },
      scratches: count => Array.from({ length: count }, () => this.arena.allocate(64)),
      onWorkerLost: error => { this.losses.push(error.message) },
      kernel: { module: new URL('./stand-in.js', import.meta.url).href, loadKernel },
      ...options
    })
  }

  /** How deep the calling thread is in `read`. */
  get reading(): number {
    return this.#reading
  }

  /** Resolves when a worker does the searches; until then the calling thread does. */
  async ready(): Promise<this> {
    while (this.threads.workers) {
      const job = this.job()
      await this.threads.call('find', this.graph, job)
      if (!this.isHome(job)) break
      await pause(1)
    }
    return this
  }

  /** Address of a job for `search`. */
  job({ microseconds = 0, faults = 0, mode = 0 }: Job = {}): number {
    const ptr = this.arena.allocate(JOB_WORDS * 4)
    this.words[ptr / 4 + MICROSECONDS] = microseconds
    this.words[ptr / 4 + FAULTS] = faults
    this.words[ptr / 4 + MODE] = mode
    return ptr
  }

  search(job: Job = {}): Promise<void> {
    return this.threads.call('find', this.graph, this.job(job))
  }

  runsOf(job: number): number {
    return this.words[job / 4 + RUNS]!
  }

  /** Whether the calling thread did a job itself. */
  isHome(job: number): boolean {
    return this.words[job / 4 + RUNS_AT_HOME]! > 0
  }

  /** Runs a program; afterwards each item must have been done once, each step after the one before. */
  async run(acts: Act[]): Promise<void> {
    const steps = this.steps(acts)
    await this.threads.run(this.graph, steps)
    for (const { arg, count } of steps) {
      const done = [...this.words.subarray(arg / 4 + ITEMS, arg / 4 + ITEMS + count)]
      assert.ok(done.every(times => times === 1), `each of ${count} items once: ${done.join(' ')}`)
    }
  }

  steps(acts: Act[]): Step[] {
    let previous = { ptr: 0, count: 0 }
    return acts.map(({ count, mutates, victim = 0, ...job }) => {
      const ptr = this.arena.allocate((ITEMS + count) * 4)
      const from = this.job(job) / 4
      this.words.copyWithin(ptr / 4, from, from + JOB_WORDS)
      this.words[ptr / 4 + VICTIM] = victim
      this.words[ptr / 4 + PREVIOUS] = previous.ptr
      this.words[ptr / 4 + PREVIOUS_COUNT] = previous.count
      if (count) previous = { ptr, count }
      return { fn: mutates ? 'join' : 'seek', count, arg: ptr, mutates }
    })
  }

  stop(work: () => void = () => undefined): void {
    this.threads.stop(() => this.#alone(STOPPED, () => {
      assert.is(this.#word(SEARCHERS) + this.#word(MUTATORS) + this.#word(HOLDERS), this.#reading, 'nobody is within the graph')
      work()
    }))
  }

  park(work: () => void = () => undefined): void {
    this.threads.park(() => this.#alone(PARKED, () => {
      assert.is(this.#word(HOLDERS), 0, 'nobody holds addresses')
      work()
    }))
  }

  read(work: () => void = () => undefined): void {
    this.threads.read(() => {
      Atomics.add(this.words, this.graph / 4 + SEARCHERS, 1)
      this.#reading++
      assert.is(this.#word(MUTATORS), 0, 'nobody changes the graph')
      try {
        work()
      } finally {
        this.#reading--
        Atomics.sub(this.words, this.graph / 4 + SEARCHERS, 1)
      }
    })
  }

  /** Closes; no two may have been within the graph that must not be. */
  async close(): Promise<void> {
    await this.threads.close()
    assert.is(this.#word(OFFENCES), 0, 'offences')
  }

  #alone(word: number, work: () => void): void {
    Atomics.add(this.words, this.graph / 4 + word, 1)
    try {
      work()
    } finally {
      Atomics.sub(this.words, this.graph / 4 + word, 1)
    }
  }

  #word(word: number): number {
    return Atomics.load(this.words, this.graph / 4 + word)
  }
}
