import type { Arena } from '../../storage/arena.js'
import {
  type Control, DONE, ENDED, FAILED, GRAPH, LIMIT, MUTATING, NEXT, STEP_ARG, STEP_FIRST, STEP_FUNCTION, STEP_LIMIT, STEP_MUTATES, STEP_WORDS,
  STEPS, TABLE
} from './control.js'
import { ThreadFailure } from './failure.js'

/** `count` calls of a function of the kernel: fn(graph, scratch, arg, index), in any order and by several threads together. */
export interface Step {
  fn: string
  count: number
  arg: number
  /** Whether rows change that searches read. */
  mutates: boolean
}

/** The calling thread's end of the program that is under way. */
export class Program {
  readonly #arena: Arena
  readonly #control: Control
  readonly #functions: Map<string, number>
  #table = 0
  #tableBytes = 0
  #settle: { resolve: () => void, reject: (error: unknown) => void } | undefined
  /** What faults of items were answered with, by hand. */
  readonly #refusals = new Map<number, unknown>()

  /** `functions` are the kernel's, by name. */
  constructor(arena: Arena, control: Control, functions: Map<string, number>) {
    this.#arena = arena
    this.#control = control
    this.#functions = functions
  }

  get running(): boolean {
    return this.#settle !== undefined
  }

  /** Begins a program; resolves when all is done. */
  start(graph: number, steps: Step[]): Promise<void> {
    const some = steps.filter(({ count }) => count > 0)
    for (const { fn } of some) if (!this.#functions.has(fn)) throw new TypeError(`the kernel has no function ${fn}`)
    if (!some.length) return Promise.resolve()
    const control = this.#control
    this.#ensureTable(some.length)
    let first = control.load(NEXT)
    for (const [i, { fn, count, arg, mutates }] of some.entries()) {
      const at = control.step(i)
      control.words[at + STEP_FUNCTION] = this.#functions.get(fn)!
      control.words[at + STEP_ARG] = arg
      control.words[at + STEP_MUTATES] = mutates ? 1 : 0
      control.words[at + STEP_FIRST] = first
      first = first + count | 0
      control.words[at + STEP_LIMIT] = first
    }
    control.store(STEPS, some.length)
    control.store(GRAPH, graph)
    control.store(ENDED, 0)
    this.#refusals.clear()
    return new Promise((resolve, reject) => {
      this.#settle = { resolve, reject }
      control.enter(0)
    })
  }

  refuse(index: number, error: unknown): void {
    this.#refusals.set(index, error)
  }

  /** Whether an item failed, so that the program is to be ended by `giveUp`. */
  get hasFailed(): boolean {
    return this.running && this.#control.load(FAILED) !== 0
  }

  /** Resolves the program if its last item is done. */
  collect(): void {
    if (!this.running || !this.#control.load(ENDED)) return
    const { resolve } = this.#settle!
    this.#settle = undefined
    resolve()
  }

  /** Ends a program one of whose items failed. Nobody may be about an item. */
  giveUp(): void {
    const control = this.#control
    const { reject } = this.#settle!
    this.#settle = undefined
    const index = control.load(FAILED) - 1
    control.store(LIMIT, control.load(NEXT))
    control.store(DONE, control.load(NEXT))
    control.store(MUTATING, 0)
    control.store(FAILED, 0)
    reject(this.#refusals.has(index) ? this.#refusals.get(index) : new ThreadFailure(`a program failed: ${control.readText(index)}`))
  }

  #ensureTable(steps: number): void {
    const byteLength = steps * STEP_WORDS * 4
    if (byteLength <= this.#tableBytes) return
    const table = this.#arena.allocate(byteLength)
    if (this.#tableBytes) this.#arena.release(this.#table, this.#tableBytes)
    this.#table = table
    this.#tableBytes = byteLength
    this.#control.store(TABLE, table)
  }
}
