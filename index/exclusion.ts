/** How threads keep out of each other's way. */
export interface Exclusion {
  /** Runs `work` while no thread searches or links. */
  stop<T>(work: () => T): T
  /** Runs `work`, which reads what threads change that link, while none does. */
  read<T>(work: () => T): T
}

/** Where there are no other threads. */
export const ALONE: Exclusion = { stop: work => work(), read: work => work() }
