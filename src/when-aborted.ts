/** What is to be called when a signal is aborted. */
class Listeners {
  readonly #signal: AbortSignal
  readonly #all = new Set<() => void>()
  readonly #tell = (): void => { for (const tell of this.#all) tell() }

  constructor(signal: AbortSignal) {
    this.#signal = signal
    signal.addEventListener('abort', this.#tell, { once: true })
  }

  add(tell: () => void): void {
    this.#all.add(tell)
  }

  remove(tell: () => void): void {
    if (!this.#all.delete(tell) || this.#all.size) return
    // A signal that somebody listens to is kept by those that it depends on.
    this.#signal.removeEventListener('abort', this.#tell)
    listeners.delete(this.#signal)
  }
}

/** One for each signal, as it warns of more than ten of its own, and looks through all of them for each one that comes. */
const listeners = new WeakMap<AbortSignal, Listeners>()

/** Calls `tell` when a signal is aborted; returns what ends that. Each call has a `tell` of its own. */
export function whenAborted(signal: AbortSignal, tell: () => void): () => void {
  const all = listeners.get(signal) ?? new Listeners(signal)
  listeners.set(signal, all)
  all.add(tell)
  return () => all.remove(tell)
}
