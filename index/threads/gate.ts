import { AWAITED, CALL, type Control, IDLE, MUTATING, SEARCHING, STATE, STOP } from './control.js'
import { ThreadFailure } from './failure.js'

/** Microseconds that the calling thread looks for a change of states before it sleeps. */
const SPIN_US = 20
const WAIT_MS = 10
/** Waits without any change of a state until the workers are given up. They are counted, as the clock goes on while a process is suspended. */
const MOST_WAITS = 3000

/** What the calling thread does while it waits. */
export interface Attendance {
  /** Does what workers ask for. */
  tend(): void
  /** Wakes the workers that sleep. */
  wake(): void
  /** Ends the workers, which have not answered. */
  giveUp(): void
}

/** The calling thread's ways to have the memory for itself, each as far as it needs. */
export class Gate {
  readonly #control: Control
  readonly #attendance: Attendance
  /** Whether the calling thread is within one. */
  #isStopped = false
  #isParked = false
  #isReading = false
  #isServing = false

  constructor(control: Control, attendance: Attendance) {
    this.#control = control
    this.#attendance = attendance
  }

  /** Runs `work` while no worker is about anything; what they are about is ended before. */
  stop<T>(work: () => T): T {
    if (this.#isStopped) return work()
    this.#refuseWithin('stop')
    return this.#halt(false, () => {
      this.#isStopped = true
      try {
        return work()
      } finally {
        this.#isStopped = false
      }
    })
  }

  /** Runs `work` while each worker is about nothing, or waits in a fault. */
  park<T>(work: () => T): T {
    if (this.#isStopped || this.#isParked) return work()
    return this.#halt(true, () => {
      this.#isParked = true
      try {
        return work()
      } finally {
        this.#isParked = false
      }
    })
  }

  /** Runs `work`, which searches on the calling thread, while no step is under way that changes what it reads. */
  read<T>(work: () => T): T {
    if (this.#isStopped || this.#isReading) return work()
    this.#refuseWithin('read')
    const state = this.#control.hand(this.#control.workers) + STATE
    for (;;) {
      this.#control.store(state, SEARCHING)
      if (!this.#control.load(MUTATING)) break
      this.#control.store(state, IDLE)
      this.#attendance.wake()
      this.#until(() => !this.#control.load(MUTATING), true)
    }
    this.#isReading = true
    try {
      return work()
    } finally {
      this.#isReading = false
      this.#control.store(state, IDLE)
      if (this.#control.load(MUTATING)) this.#attendance.wake()
    }
  }

  /** Answers a fault: within it, the one who has it cannot be waited for. */
  serve(work: () => void): void {
    const before = this.#isServing
    this.#isServing = true
    try {
      work()
    } finally {
      this.#isServing = before
    }
  }

  #refuseWithin(name: string): void {
    if (this.#isServing || this.#isParked) throw new Error(`${name} within a fault or within park would wait for itself`)
  }

  #halt<T>(parking: boolean, work: () => T): T {
    const control = this.#control
    control.add(STOP, 1)
    try {
      if (!control.isQuiet(parking)) this.#until(() => control.isQuiet(parking), !parking)
      return work()
    } finally {
      if (control.add(STOP, -1) === 1 && control.hasWork()) this.#attendance.wake()
    }
  }

  /** Waits until states are as wanted. */
  #until(isReached: () => boolean, tending: boolean): void {
    const control = this.#control
    const since = performance.now()
    let waits = 0
    control.add(AWAITED, 1)
    try {
      for (;;) {
        const call = control.load(CALL)
        if (tending) this.#attendance.tend()
        if (isReached()) return
        if (performance.now() - since < SPIN_US / 1000) continue
        waits = control.wait(CALL, call, WAIT_MS) === 'timed-out' ? waits + 1 : 0
        if (waits < MOST_WAITS) continue
        this.#attendance.giveUp()
        throw new ThreadFailure('the worker threads do not answer')
      }
    } finally {
      control.add(AWAITED, -1)
    }
  }
}
