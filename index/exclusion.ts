/** What a graph asks of the threads beside its own: to keep out of each other's way, and to help. */
export interface Exclusion {
  /** Those that help. */
  readonly workers: number
  /** Runs `work` while no thread searches or links. */
  stop<T>(work: () => T): T
  /** Runs `work`, which reads what threads change that link, while none does. */
  read<T>(work: () => T): T
  /** Has one of them call a function of the kernel, which changes nothing that is searched: fn(graph, scratch, argument). May reject when its thread ends. */
  call(fn: string, graph: number, argument: number): Promise<void>
}

/** Where there are no other threads. */
export const ALONE: Exclusion = {
  workers: 0,
  stop: work => work(),
  read: work => work(),
  call: () => Promise.reject(new Error('there are no other threads'))
}
