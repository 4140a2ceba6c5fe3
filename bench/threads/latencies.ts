import { quantile } from '../macro/quantile.js'
import type { Latency } from './figures.js'

/** Microseconds that calls took. */
export class Latencies {
  readonly #micros: number[] = []

  /** Notes a call that began at `since`, on the clock of performance.now, and ends now. */
  note(since: number): void {
    this.#micros.push((performance.now() - since) * 1e3)
  }

  get count(): number {
    return this.#micros.length
  }

  summary(): Latency {
    return { p50Us: quantile(this.#micros, 0.5), p99Us: quantile(this.#micros, 0.99) }
  }
}
