import type { KernelCallbacks } from '../../../index/kernel.js'

/** Words of a graph of the stand-in: who is within it, and how often two were who must not be together. */
export const SEARCHERS = 0
export const MUTATORS = 1
/** Whoever is between two faults, and so could hold addresses. */
export const HOLDERS = 2
/** Set by the calling thread while it has the memory for itself, but for those in a fault. */
export const PARKED = 3
export const STOPPED = 4
export const OFFENCES = 5
export const GRAPH_WORDS = 16

/** Words of a job and of a step: how often it was done, and what it is to do. */
export const RUNS = 0
export const MICROSECONDS = 1
export const FAULTS = 2
export const MODE = 3
/** The item that the mode is for. */
export const VICTIM = 4
export const PREVIOUS = 5
export const PREVIOUS_COUNT = 6
/** How often it was done by the calling thread. */
export const RUNS_AT_HOME = 7
export const ITEMS = 8
export const JOB_WORDS = 8

export const PLAIN = 0
export const THROWING = 1
export const EXITING = 2
export const HANGING = 3

const main = globalThis as { standInOnCallingThread?: boolean }

/** Says that kernels loaded by this thread are the calling thread's own. */
export function onCallingThread(): void {
  main.standInOnCallingThread = true
}

/** Works for about so long. */
function spend(microseconds: number): void {
  if (!microseconds) return
  const end = performance.now() + microseconds / 1000
  while (performance.now() < end);
}

/** A kernel that does nothing but note in shared memory what it is called for, and by how many at a time. */
export function loadKernel(_build: string, memory: WebAssembly.Memory, { fault }: KernelCallbacks): object {
  const words = new Int32Array(memory.buffer)
  const offend = (graph: number, isOffence: boolean): void => {
    if (isOffence) Atomics.add(words, graph + OFFENCES, 1)
  }
  const look = (graph: number, isMutating: boolean): void => {
    offend(graph, Atomics.load(words, graph + PARKED) > 0 || Atomics.load(words, graph + STOPPED) > 0)
    offend(graph, Atomics.load(words, graph + (isMutating ? SEARCHERS : MUTATORS)) > 0)
  }
  const count = (job: number): void => {
    Atomics.add(words, job + RUNS, 1)
    if (main.standInOnCallingThread) Atomics.add(words, job + RUNS_AT_HOME, 1)
  }
  const act = (graph: number, job: number, index: number, isMutating: boolean, isSearch: boolean): void => {
    const kind = isMutating ? MUTATORS : SEARCHERS
    const counted = isMutating || isSearch
    if (counted) Atomics.add(words, graph + kind, 1)
    Atomics.add(words, graph + HOLDERS, 1)
    let holds = true
    try {
      const mode = index === words[job + VICTIM] ? words[job + MODE] : PLAIN
      for (let i = 0; i <= words[job + FAULTS]!; i++) {
        look(graph, isMutating)
        spend(words[job + MICROSECONDS]!)
        look(graph, isMutating)
        if (i === words[job + FAULTS]) break
        Atomics.sub(words, graph + HOLDERS, 1)
        holds = false
        fault(job * 4, index)
        Atomics.add(words, graph + HOLDERS, 1)
        holds = true
      }
      if (mode === THROWING) throw new Error(`item ${index} throws`)
      if (mode !== PLAIN && !main.standInOnCallingThread) {
        // Whoever is gone is not within any more.
        Atomics.sub(words, graph + HOLDERS, 1)
        if (counted) Atomics.sub(words, graph + kind, 1)
        if (mode === EXITING) process.exit(7)
        for (;;) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)
      }
    } finally {
      if (holds) Atomics.sub(words, graph + HOLDERS, 1)
      if (counted) Atomics.sub(words, graph + kind, 1)
    }
  }
  const item = (isMutating: boolean) => (graphPtr: number, _scratch: number, arg: number, index: number): void => {
    const graph = graphPtr / 4
    const step = arg / 4
    const previous = words[step + PREVIOUS]! / 4
    offend(graph, previous > 0 && Atomics.load(words, previous + RUNS) !== words[step + PREVIOUS_COUNT])
    act(graph, step, index, isMutating, false)
    Atomics.add(words, step + ITEMS + index, 1)
    count(step)
  }
  return {
    find(graphPtr: number, _scratch: number, job: number): void {
      act(graphPtr / 4, job / 4, 0, false, true)
      count(job / 4)
    },
    seek: item(false),
    join: item(true)
  }
}
