import {
  ALONE, type Control, DONE, ENDED_WELL, FAILED, GRAPH, HEAD, HOLDS, IDLE, ITEM, LIMIT, MUTATING, NEXT, PLACE_ARGUMENT, PLACE_FUNCTION, PLACE_GRAPH, RUNG, SEARCHING, STATE,
  STATUS, STEP, STEP_ARG, STEP_FIRST, STEP_FUNCTION, STOP, TAIL, THREW, TURNS, WORKING
} from './control.js'

type KernelFunction = (graph: number, scratch: number, argument: number, index: number) => unknown
type KernelFunctions = Record<string, KernelFunction>

/** While so many calls wait, the calling thread is told of several that ended together: it is woken less often, and has the more to do at once. */
const MANY_WAITING = 16
const TOLD_TOGETHER = 4
/** Every so many turns an item comes before a call. */
const ITEM_TURN = 8

/** Functions are known by their position among the names of all, which is the same in every instance of a kernel. */
export function functionNames(kernel: object): string[] {
  return Object.keys(kernel).sort()
}

/** How a hand reaches the others. */
export interface Signals {
  /** It has something to do, and no longer looks for that. */
  begin(): void
  /** Wakes the workers of the database that sleep. */
  wake(): void
  /** Sends the calling thread a message. */
  ring(): void
}

/** Thrown through the kernel when a fault was answered by an error, which the calling thread has kept. */
export class Refusal extends Error {}

/** A thread's part in the calls and programs of one database: a worker's, or the calling thread's own. */
export class Hand {
  readonly index: number
  readonly #control: Control
  readonly #own: number
  readonly #functions: KernelFunction[]
  readonly #scratch: number
  readonly #signals: Signals
  #turn = 0
  /** Calls that ended since the calling thread was last told. */
  #untold = 0

  constructor(control: Control, index: number, kernel: object, scratch: number, signals: Signals) {
    const functions = kernel as KernelFunctions
    this.index = index
    this.#control = control
    this.#own = control.hand(index)
    this.#functions = functionNames(kernel).map(name => functions[name]!)
    this.#scratch = scratch
    this.#signals = signals
  }

  /** HOT PATH: does one call, or else one item; says whether there was one that it may do. */
  work(): boolean {
    if (this.#control.load(ALONE) && this.index < this.#control.workers) return false
    // Calls come first, but not without end.
    if (++this.#turn % ITEM_TURN && this.#takeCall()) return true
    if (this.#untold) this.ring()
    return this.#takeItem() || this.#takeCall()
  }

  /** Does an item whose worker is gone. */
  redo(item: number): void {
    const before = this.#control.load(this.#own + STATE)
    this.#control.store(this.#own + STATE, WORKING)
    this.#perform(item)
    this.#leave(true)
    this.#control.store(this.#own + STATE, before)
  }

  /** Tells the calling thread that there is something for it, once until it answers. */
  ring(): void {
    this.#untold = 0
    if (this.#control.swap(RUNG, 0, 1)) this.#signals.ring()
  }

  #takeCall(): boolean {
    const control = this.#control
    if (control.load(HEAD) === control.load(TAIL) || control.load(STOP) || control.load(MUTATING)) return false
    control.store(this.#own + STATE, SEARCHING)
    const place = control.load(STOP) || control.load(MUTATING) ? -1 : control.take(this.index)
    if (place >= 0) {
      this.#signals.begin()
      const kernelFunction = this.#functions[control.load(place + PLACE_FUNCTION)]!
      control.store(place + STATUS, this.#call(kernelFunction, control.load(place + PLACE_GRAPH), control.load(place + PLACE_ARGUMENT), 0) ? ENDED_WELL : THREW)
      if (++this.#untold === TOLD_TOGETHER || (control.load(TAIL) - control.load(HEAD) | 0) < MANY_WAITING) this.ring()
    }
    this.#leave(place >= 0)
    // An item of a mutating step may have waited for this.
    if (control.load(MUTATING)) this.#signals.wake()
    return place >= 0
  }

  #takeItem(): boolean {
    const control = this.#control
    if (control.load(NEXT) === control.load(LIMIT) || control.load(STOP) || control.load(FAILED)) return false
    control.store(this.#own + STATE, WORKING)
    let taken = false
    while (!taken && !control.load(STOP) && !control.load(FAILED)) {
      const next = control.load(NEXT)
      if (next === control.load(LIMIT) || control.load(MUTATING) && control.isAnySearching()) break
      taken = control.swap(NEXT, next, next + 1 | 0)
      if (taken) this.#perform(next)
    }
    this.#leave(taken)
    // The program is given up when nobody is about an item of it.
    if (control.load(FAILED)) this.ring()
    return taken
  }

  #perform(item: number): void {
    const control = this.#control
    control.store(this.#own + ITEM, item)
    control.store(this.#own + HOLDS, 1)
    this.#signals.begin()
    const at = control.step(control.load(STEP))
    const { words } = control
    const kernelFunction = this.#functions[words[at + STEP_FUNCTION]!]!
    const done = this.#call(kernelFunction, control.load(GRAPH), words[at + STEP_ARG]!, item - words[at + STEP_FIRST]! | 0)
    control.store(this.#own + HOLDS, 0)
    if (!done) control.swap(FAILED, 0, this.index + 1)
    else if ((control.add(DONE, 1) + 1 | 0) === control.load(LIMIT)) this.#enterNext()
  }

  #enterNext(): void {
    const control = this.#control
    control.enter(control.load(STEP) + 1)
    if (control.hasWork()) this.#signals.wake()
    if (control.load(NEXT) === control.load(LIMIT)) this.ring()
    control.call()
  }

  /** Says whether it came to its end. */
  #call(kernelFunction: KernelFunction, graph: number, argument: number, index: number): boolean {
    try {
      kernelFunction(graph, this.#scratch, argument, index)
      return true
    } catch (error) {
      this.#control.writeText(this.index, error instanceof Refusal ? '' : String((error as Error | undefined)?.message ?? error))
      return false
    }
  }

  /** `worked` says whether it did anything. */
  #leave(worked: boolean): void {
    const control = this.#control
    if (worked) control.store(this.#own + TURNS, control.load(this.#own + TURNS) + 1)
    control.store(this.#own + STATE, IDLE)
    control.call()
  }
}
