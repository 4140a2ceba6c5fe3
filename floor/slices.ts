import { setImmediate as nextTurn } from 'node:timers/promises'

/** Work that can be done a little at a time: each step is short, and the last returns the result. */
export type Slices<T> = Generator<void, T, void>

/** Does all of it. */
export function atOnce<T>(slices: Slices<T>): T {
  for (;;) {
    const step = slices.next()
    if (step.done) return step.value
  }
}

/** Does it by and by: after each so many milliseconds others have their turn. */
export async function byAndBy<T>(slices: Slices<T>, milliseconds: number): Promise<T> {
  let until = performance.now() + milliseconds
  for (;;) {
    const step = slices.next()
    if (step.done) return step.value
    if (performance.now() < until) continue
    await nextTurn()
    until = performance.now() + milliseconds
  }
}
