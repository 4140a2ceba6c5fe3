import { CANCELLED, type Control, ENDED_WELL, HEAD, PLACE_ARGUMENT, PLACE_FUNCTION, PLACE_GRAPH, PLACES, STATUS, TAIL, TAKEN, THREW, WAITING } from './control.js'
import { ThreadFailure } from './failure.js'

interface Call {
  /** Its function's position among all of the kernel's. */
  fn: number
  graph: number
  argument: number
  resolve: () => void
  reject: (error: Error) => void
  /** What a fault of its was answered with. */
  refusal: unknown
}

/** The calling thread's end of the ring: brings calls to it, and collects what became of them. */
export class Calls {
  readonly #control: Control
  /** Of each place that is in use. */
  readonly #calls = new Array<Call | undefined>(PLACES)
  /** Those that the ring has no place for yet. */
  readonly #waiting: Call[] = []
  /** Places from here to TAIL may be in use. */
  #first = 0
  #tail = 0
  #count = 0

  constructor(control: Control) {
    this.#control = control
  }

  /** Those that have not ended. */
  get count(): number {
    return this.#count
  }

  add(fn: number, graph: number, argument: number): Promise<void> {
    this.#count++
    return new Promise((resolve, reject) => {
      const call = { fn, graph, argument, resolve, reject, refusal: undefined }
      if (this.#hasPlace()) this.#bring(call)
      else this.#waiting.push(call)
    })
  }

  /** Takes a call back that nobody has begun; says whether it could. */
  cancel(argument: number): boolean {
    const queued = this.#waiting.findIndex(call => call.argument === argument)
    if (queued >= 0) {
      this.#end(this.#waiting.splice(queued, 1)[0]!, 'the call was cancelled')
      return true
    }
    for (let at = this.#first; at !== this.#tail; at = at + 1 | 0) {
      const call = this.#calls[at & (PLACES - 1)]
      if (call?.argument === argument) return this.#control.swap(this.#control.place(at) + STATUS, WAITING, CANCELLED)
    }
    return false
  }

  /** Ends the calls that hands are through with, and brings others to their places: says whether there were any. */
  collect(): boolean {
    const control = this.#control
    for (let at = this.#first; at !== this.#tail; at = at + 1 | 0) {
      const call = this.#calls[at & (PLACES - 1)]
      if (!call) continue
      const status = control.load(control.place(at) + STATUS)
      // What comes after the first that nobody has taken was not taken either.
      if (status === WAITING && at - control.load(HEAD) >= 0) break
      if (status !== ENDED_WELL && status !== THREW && status !== CANCELLED) continue
      this.#calls[at & (PLACES - 1)] = undefined
      if (status === ENDED_WELL) this.#end(call)
      else this.#end(call, status === THREW ? 'a call failed' : 'the call was cancelled')
    }
    while (this.#first !== this.#tail && !this.#calls[this.#first & (PLACES - 1)]) this.#first = this.#first + 1 | 0
    const tail = this.#tail
    while (this.#waiting.length && this.#hasPlace()) this.#bring(this.#waiting.shift()!)
    return this.#tail !== tail
  }

  /** Notes that a fault of the call that a hand has is answered by an error. */
  refuse(index: number, error: unknown): void {
    const at = this.#takenBy(index)
    if (at !== undefined) this.#calls[at & (PLACES - 1)]!.refusal = error
  }

  /** Gives up the call that a hand had whose thread ended. */
  abandon(index: number, error: Error): void {
    const at = this.#takenBy(index)
    if (at === undefined) return
    this.#calls[at & (PLACES - 1)]!.refusal = error
    this.#control.store(this.#control.place(at) + STATUS, THREW)
  }

  #takenBy(index: number): number | undefined {
    for (let at = this.#first; at !== this.#tail; at = at + 1 | 0) {
      if (this.#calls[at & (PLACES - 1)] && this.#control.load(this.#control.place(at) + STATUS) === TAKEN + index) return at
    }
    return undefined
  }

  #hasPlace(): boolean {
    return (this.#tail - this.#first | 0) < PLACES
  }

  #bring(call: Call): void {
    const control = this.#control
    const place = control.place(this.#tail)
    this.#calls[this.#tail & (PLACES - 1)] = call
    control.store(place + PLACE_FUNCTION, call.fn)
    control.store(place + PLACE_GRAPH, call.graph)
    control.store(place + PLACE_ARGUMENT, call.argument)
    control.store(place + STATUS, WAITING)
    this.#tail = this.#tail + 1 | 0
    control.store(TAIL, this.#tail)
  }

  #end(call: Call, failure?: string): void {
    this.#count--
    if (failure === undefined) call.resolve()
    else call.reject(new ThreadFailure(failure, call.refusal))
  }
}
