import { setImmediate as nextTurn } from 'node:timers/promises'

/** Time that work takes on the calling thread, as a rule, before others have their turn. */
export const SLICE_MS = 2
/** Steps between two looks at the clock. */
const STEPS_A_LOOK = 4

/** Work that can be done a little at a time: each step is short, and the last returns the result. What a step yields is waited for before the next. */
export type Slices<T> = Generator<Promise<void> | void, T, void>

/** For work that is no generator: when others should have their turn, and their turn. */
export class Pauses {
  #until = performance.now() + SLICE_MS

  get isDue(): boolean {
    return performance.now() >= this.#until
  }

  async take(): Promise<void> {
    await nextTurn()
    this.#until = performance.now() + SLICE_MS
  }
}

/** Does all of it, which waits for nothing. */
export function atOnce<T>(slices: Slices<T>): T {
  for (;;) {
    const step = slices.next()
    if (step.done) return step.value
    if (step.value) throw new Error('what is to be done at once waits for something')
  }
}

/** Does it by and by: after each so many milliseconds others have their turn. */
export async function byAndBy<T>(slices: Slices<T>, milliseconds: number): Promise<T> {
  let until = performance.now() + milliseconds
  for (let steps = 1; ; steps++) {
    const step = slices.next()
    if (step.done) return step.value
    if (step.value) await step.value
    else if (steps % STEPS_A_LOOK || performance.now() < until) continue
    else await nextTurn()
    until = performance.now() + milliseconds
  }
}
