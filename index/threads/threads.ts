import type { Arena } from '../../storage/arena.js'
import { faultAllOf, type KernelBuild, type KernelCallbacks, loadKernel } from '../kernel.js'
import { MOST_WORKERS } from './bells.js'
import { Calls } from './calls.js'
import {
  ALONE, ANSWER, ASKED, Control, controlBytes, COUNT, DEAD, FAILED, FAULT, FAULTS, HOLDS, IDLE, ITEM, MUTATING, NUMBER, PARKED, RECORD, REFUSED, RUNG, SEARCHING, SERVED,
  SPACE, STATE, TURNS
} from './control.js'
import { ThreadFailure } from './failure.js'
import { Gate } from './gate.js'
import { functionNames, Hand } from './hand.js'
import { pool } from './pool.js'
import { Program, type Step } from './program.js'

export { ThreadFailure, type Step }

/** How long the calling thread looks for the end of a call that is alone, or for another fault, before it waits for a message. */
const POLL_MS = 1
/** How long the calling thread works at a time, where it is alone. */
const SLICE_MS = 4
/**
 * Where more faults than MANY come to a call or an item of a program, the calling thread does all alone, until they are no more than FEW.
 *
 * A fault of a worker takes as long as it takes two threads to wake each other, and a search that misses hundreds of blocks does little else: at a quarter of
 * the index of 340,000 words in memory, a worker did 63 searches a second and linked 12 vectors, the calling thread alone 435 and 1,200.
 */
const MANY_FAULTS = 2
const FEW_FAULTS = 1
/** Faults from which it is told that there are many; and what is done alone until it is looked whether they are few. */
const MANY_TOLD = 32
const FEW_TOLD = 128
/** Seconds without any progress until a close ends the workers. */
const MOST_STANDSTILL = 3

/** Where the kernel comes from: in tests, from elsewhere. */
export interface KernelSource {
  /** Address of the module that has `loadKernel`. */
  module: string
  loadKernel(build: KernelBuild, memory: WebAssembly.Memory, callbacks: KernelCallbacks): object
}

export interface ThreadsOptions {
  arena: Arena
  build: KernelBuild
  workers: number
  /** What the kernel calls back for, on the calling thread; throws what the search or program then fails with. */
  serve: KernelCallbacks
  /** Addresses of that many scratches: one for each worker, and the last for the calling thread. */
  scratches: (count: number) => number[]
  onWorkerLost?: (error: Error) => void
  kernel?: KernelSource
}

const KERNEL: KernelSource = { module: new URL('../kernel.js', import.meta.url).href, loadKernel }

/**
 * The worker threads of one database: searches and programs over the memory of its arena.
 *
 * Whatever else changes that memory happens on the calling thread, within `stop` or `park`. How the two sides agree is told in control.ts.
 */
export class Threads {
  readonly workers: number
  readonly #serve: Required<KernelCallbacks>
  readonly #onWorkerLost: (error: Error) => void
  readonly #control: Control
  readonly #gate: Gate
  readonly #hand: Hand
  readonly #calls: Calls
  readonly #program: Program
  readonly #functions: Map<string, number>
  readonly #id: number
  /** Workers that serve. */
  readonly #present = new Set<number>()
  /** Why those ended whose end is still to be seen to. */
  readonly #losses = new Map<number, Error>()
  #isHeld = false
  #isPumping = false
  #isPolling = false
  #polledUntil = 0
  #closing: Promise<void> | undefined
  #drained: () => void = () => undefined
  /** Faults since it was told who is to work, and what had been done by then. */
  #faults = 0
  #turnsThen = 0
  /** Calls that take long. */
  #longCalls = 0
  /** Seconds without progress, and the turns that the workers had had then. */
  #standstill = 0
  #turns = 0

  constructor({ arena, build, workers, serve, scratches, onWorkerLost = () => undefined, kernel = KERNEL }: ThreadsOptions) {
    if (!Number.isInteger(workers) || workers < 0 || workers > MOST_WORKERS) {
      throw new RangeError(`workers is a whole number from 0 to ${MOST_WORKERS}, not ${workers}`)
    }
    this.workers = workers
    this.#serve = { ...serve, faultAll: faultAllOf(serve, arena.memory) }
    this.#onWorkerLost = onWorkerLost
    const ptr = arena.allocate(controlBytes(workers))
    this.#control = new Control(arena.memory, ptr, workers)
    this.#gate = new Gate(this.#control, {
      tend: () => {
        this.#tend()
        if (this.#isAlone) this.#hand.work()
      },
      wake: () => this.#wake(),
      giveUp: () => this.#endStuck()
    })
    const addresses = scratches(workers + 1)
    const own = kernel.loadKernel(build, arena.memory, {
      fault: (space, block) => this.#answer(workers, FAULT, space, block, 1),
      faultAll: (space, blocks, count) => this.#answer(workers, FAULTS, space, blocks, count),
      loadRecords: (space, ordinals, count) => this.#answer(workers, RECORD, space, ordinals, count)
    })
    const signals = { begin: () => undefined, wake: () => this.#wake(), ring: () => undefined }
    this.#hand = new Hand(this.#control, workers, own, addresses[workers]!, signals)
    this.#calls = new Calls(this.#control)
    this.#functions = new Map(functionNames(own).map((name, index) => [name, index]))
    this.#program = new Program(arena, this.#control, this.#functions)
    this.#id = pool.attach({
      workers,
      attachment: (id, index) => ({
        type: 'attach', id, build, memory: arena.memory, control: ptr, workers, scratch: addresses[index]!, module: kernel.module
      }),
      joined: index => { this.#present.add(index) },
      lost: (index, error) => this.#lose(index, error),
      tend: () => this.#tend(),
      watch: () => this.#watch()
    })
  }

  /** Whether a program is under way. */
  get running(): boolean {
    return this.#program.running
  }

  /** Calls that are queued or under way. */
  get waiting(): number {
    return this.#calls.count
  }

  /**
   * Has a worker call a function of the kernel, fn(graph, scratch, argument, 0), which changes nothing that searches read; resolves when it came to its end.
   *
   * While there are `long` ones the calling thread does not do all alone: it could neither stop them nor do anything else meanwhile.
   *
   * @throws {ThreadFailure} when it threw, was cancelled, or its thread ended
   */
  call(fn: string, graph: number, argument: number, long = false): Promise<void> {
    if (this.#closing) return Promise.reject(new ThreadFailure('the threads are closed'))
    const index = this.#functions.get(fn)
    if (index === undefined) throw new TypeError(`the kernel has no function ${fn}`)
    const added = this.#calls.add(index, graph, argument)
    const ended = long ? this.#noteLong(added) : added
    this.#wake(1)
    this.#settle()
    if (this.#calls.count === 1 && !this.running) this.#poll()
    return ended
  }

  /** Takes the call with this argument back: says whether nobody had begun it. Its promise rejects then. */
  cancel(argument: number): boolean {
    const cancelled = this.#calls.cancel(argument)
    this.#collect()
    this.#settle()
    return cancelled
  }

  /**
   * Has all workers do the steps, one after the other; resolves when all is done.
   *
   * @throws what a fault within an item was answered with, else ThreadFailure; steps may then be done in part
   */
  async run(graph: number, steps: Step[]): Promise<void> {
    if (this.#closing) throw new ThreadFailure('the threads are closed')
    if (this.running) throw new Error('a program is under way')
    const ended = this.#program.start(graph, steps)
    this.#wake()
    this.#settle()
    await ended
  }

  /** Runs `work` while no worker is about anything; what they are about is ended before. Not within a fault. */
  stop<T>(work: () => T): T {
    return this.#gate.stop(work)
  }

  /** Runs `work` while no worker holds addresses of frames: each is about nothing, or waits in a fault. */
  park<T>(work: () => T): T {
    return this.#gate.park(work)
  }

  /** Runs `work`, which searches on the calling thread, while no step is under way that changes what it reads. Not within a fault. */
  read<T>(work: () => T): T {
    return this.#gate.read(work)
  }

  /** Takes no more of anything, waits for what is under way, and lets go of the memory. */
  close(): Promise<void> {
    if (!this.#closing) {
      this.#closing = new Promise<void>(resolve => { this.#drained = resolve }).then(() => pool.detach(this.#id))
      this.#settle()
    }
    return this.#closing
  }

  #noteLong(ended: Promise<void>): Promise<void> {
    this.#longCalls++
    this.#setAlone(false)
    return ended.finally(() => {
      this.#longCalls--
      // Its faults tell nothing of what others will have.
      this.#faults = 0
      this.#turnsThen = this.#countTurns()
    })
  }

  #wake(most?: number): void {
    if (!this.#control.load(ALONE)) pool.bells.wake(this.workers, most)
  }

  /** Whether the calling thread does what there is to do: because there are no workers, or because they would do little but wait for it. */
  get #isAlone(): boolean {
    return !this.#present.size || this.#control.load(ALONE) !== 0
  }

  /** Tells by the faults since it last did who is to work. */
  #chooseHands(): void {
    const turns = this.#countTurns()
    const done = turns - this.#turnsThen
    const isAlone = this.#control.load(ALONE) !== 0
    if (isAlone ? done < FEW_TOLD : this.#faults < MANY_TOLD && done < FEW_TOLD) return
    const alone = !this.#longCalls && this.#faults > done * (isAlone ? FEW_FAULTS : MANY_FAULTS)
    this.#faults = 0
    this.#turnsThen = turns
    this.#setAlone(alone)
  }

  #setAlone(alone: boolean): void {
    if (alone === (this.#control.load(ALONE) !== 0)) return
    this.#control.store(ALONE, alone ? 1 : 0)
    if (!alone) this.#wake()
  }

  /** What all hands have done. */
  #countTurns(): number {
    let turns = 0
    for (let index = 0; index <= this.workers; index++) turns += this.#control.load(this.#control.hand(index) + TURNS)
    return turns
  }

  /** Does all that workers ask for. */
  #tend(): void {
    const control = this.#control
    control.store(RUNG, 0)
    for (let index = 0; index < this.workers; index++) {
      const state = control.stateOf(index)
      if (state & DEAD) this.#bury(index)
      else if (state & PARKED) {
        this.#resume(index, state)
        this.#poll()
      }
    }
    this.#chooseHands()
    this.#collect()
    if (this.#program.hasFailed && !control.isAnyWorking()) {
      this.#program.giveUp()
      // Searches may have waited for the end of its step.
      this.#wake()
    }
    this.#program.collect()
    this.#settle()
  }

  /** Ends calls. Who did them may sleep by now, and must hear of those that come in their place. */
  #collect(): void {
    if (this.#calls.collect()) this.#wake()
  }

  /** After each change of what there is to do. */
  #settle(): void {
    const isBusy = this.#calls.count > 0 || this.running
    if (isBusy && this.#isAlone) this.#pump()
    if (!isBusy && this.#closing) this.#drained()
    if (isBusy === this.#isHeld) return
    this.#isHeld = isBusy
    if (isBusy) pool.hold()
    else pool.release()
  }

  /**
   * Looks for what comes next between the turns of the event loop: to be woken would take longer than a search that is alone, and longer than a fault where
   * many follow each other.
   */
  #poll(): void {
    this.#polledUntil = performance.now() + POLL_MS
    if (this.#isPolling) return
    this.#isPolling = true
    this.#look()
  }

  #look(): void {
    // Nobody need ring meanwhile.
    this.#control.store(RUNG, 1)
    setImmediate(() => {
      this.#tend()
      this.#isPolling = (this.#calls.count > 0 || this.running) && performance.now() < this.#polledUntil
      if (this.#isPolling) this.#look()
    })
  }

  /** Where it is alone, the calling thread does it all by and by. */
  #pump(): void {
    if (this.#isPumping) return
    this.#isPumping = true
    setImmediate(() => {
      this.#isPumping = false
      const end = performance.now() + SLICE_MS
      while (this.#hand.work() && performance.now() < end);
      this.#tend()
    })
  }

  /** Ends the fault that a worker waits in. */
  #resume(index: number, state: number): void {
    const control = this.#control
    const hand = control.hand(index)
    let answer = SERVED
    try {
      this.#answer(index, control.load(hand + ASKED), control.load(hand + SPACE), control.load(hand + NUMBER), control.load(hand + COUNT))
    } catch {
      answer = REFUSED
    }
    control.store(hand + STATE, state & ~PARKED)
    control.store(hand + ANSWER, answer)
    control.notify(hand + ANSWER)
  }

  #answer(index: number, asked: number, space: number, number: number, count: number): void {
    this.#faults++
    try {
      this.#gate.serve(() => {
        if (asked === FAULT) this.#serve.fault(space, number)
        else if (asked === FAULTS) this.#serve.faultAll(space, number, count)
        else this.#serve.loadRecords(space, number, count)
      })
    } catch (error) {
      if (this.#control.stateOf(index) & SEARCHING) this.#calls.refuse(index, error)
      else this.#program.refuse(index, error)
      throw error
    }
  }

  #lose(index: number, error: Error): void {
    this.#present.delete(index)
    this.#losses.set(index, error)
    this.#control.store(this.#control.hand(index) + STATE, DEAD)
    this.#onWorkerLost(error)
    this.#tend()
  }

  /** Sees to what a worker had that has ended. */
  #bury(index: number): void {
    const control = this.#control
    const hand = control.hand(index)
    const error = this.#losses.get(index) ?? new ThreadFailure('a worker thread ended')
    this.#losses.delete(index)
    this.#calls.abandon(index, error)
    const held = control.load(hand + HOLDS)
    control.store(hand + HOLDS, 0)
    control.store(hand + STATE, IDLE)
    if (held && control.load(MUTATING)) {
      this.#program.refuse(index, error)
      control.swap(FAILED, 0, index + 1)
    } else if (held) {
      this.#hand.redo(control.load(hand + ITEM))
    }
    this.#wake()
  }

  /** Looks whether a message was missed; while closing, ends workers that make no progress. */
  #watch(): void {
    this.#tend()
    if (this.#control.hasWork()) this.#wake()
    if (!this.#closing || !this.#isHeld) return
    const turns = this.#countTurns()
    this.#standstill = turns === this.#turns ? this.#standstill + 1 : 0
    this.#turns = turns
    if (this.#standstill >= MOST_STANDSTILL) this.#endStuck()
  }

  #endStuck(): void {
    for (let index = 0; index < this.workers; index++) if (this.#control.stateOf(index) !== IDLE) pool.end(index)
  }
}
